"""Print snapshots of evenkeel, formats 1 and 2, as JSON: read_snapshot.py SNAPSHOT...  (The formats are in FORMAT.md.)"""
import json, struct, sys, zlib
KINDS = {1: "bank", 2: "layer", 3: "tracker", 4: "loss guard", 5: "gradient guard"}
LANES, WORDS = {4: "f32", 8: "f64"}, ("tally", "count")
KEYS, NO_JSON = {0: "none", 1: "text", 2: "bytes", 3: "number"}, {"NaN": None, "Infinity": "inf", "-Infinity": "-inf"}
KEY_DECODERS = {"text": bytes.decode, "bytes": bytes.hex, "number": lambda key: int.from_bytes(key, "little")}
CODES = {"f32": ("f", "I"), "f64": ("d", "Q")}  # of a lane, and of its bits
TALLIES = {(1, "f32"): (23, 8, 0), (1, "f64"): (52, 24, 0), (2, "f32"): (20, 5, 3), (2, "f64"): (52, 24, 3)}  # bits: age, its fraction, step
COLUMNS = {"RobustMean": ["location", "scale", "last strike", "tally"],
           "CleanedEma": ["average", "scale", "location", "last strike", "tally", "age", "pending"], "Ema": ["moment", "count"],
           "ClippedEma": ["moment", "scale", "count"], "Numerator": ["u_hat", "s", "a~"],
           "RelaxedNumerator": ["a~"], "LearningRate": ["v_hat", "u_hat", "s", "a~", "m"]}
COUNTERS = "created expired evicted removed samples missing late full outliers reopenings".split()
def require(condition, complaint):
    if not condition: raise ValueError(complaint)
class Cursor:
    """Takes little-endian values off the front of some bytes; the codes are those of `struct`."""
    def __init__(self, data): self.data = memoryview(data)
    def raw(self, length):
        require(length <= len(self.data), "cut, or a length in it is wrong")
        taken, self.data = self.data[:length], self.data[length:]
        return bytes(taken)
    def many(self, code, n): return list(struct.unpack(f"<{n}{code}", self.raw(n * struct.calcsize("<" + code))))
    def one(self, code): return self.many(code, 1)[0]
    def name(self): return self.raw(self.one("B")).decode()
    def parameters(self): return {self.name(): self.one("d") for _ in range(self.one("B"))}
def checked(data):
    """Cursors over the header and the body, their lengths and checksums verified."""
    require(data[:8] == b"EVENKEEL" and len(data) >= 16, "not a snapshot")
    version, length = struct.unpack("<II", data[8:16])
    require(version in (1, 2) and length <= 1 << 20, f"format {version} with a header of {length} bytes is unknown")
    header, rest = data[16:16 + length], Cursor(data[16 + length:])
    require(rest.one("I") == zlib.crc32(data[:16 + length]), "wrong checksum of the header")
    body = rest.raw(struct.unpack_from("<Q", header, 14)[0])
    require(rest.one("I") == zlib.crc32(body), "wrong checksum of the body")
    require(not rest.data, "bytes behind the end")
    return version, Cursor(header), Cursor(body)
def read(data):
    version, header, body = checked(data)
    kind, lane, columns, keys, marks, rules, n, _ = header.many("B", 6) + header.many("Q", 2)
    out = {"format": version, "kind": KINDS[kind], "lane": LANES[lane], "keys": KEYS[keys], "clock in time": marks % 2, "channels": n}
    out["rules"] = [(header.name(), header.parameters()) for _ in range(rules)]
    out["note"], (rule, parameters) = header.raw(header.one("Q")).decode(errors="replace"), out["rules"][0]
    require(len(COLUMNS[rule]) == columns and not header.data, "wrong number of columns, or header too long")
    (lane, bits), in_time = CODES[LANES[lane]], "half_life_ns" in parameters
    words = () if rule == "Ema" and in_time else WORDS  # in time its count is a sum of weights
    out["columns"] = found = {name: body.many(bits if name in words else lane, n) for name in COLUMNS[rule]}
    if tallies := found.pop("tally", []):
        age_bits, fraction, step_bits = TALLIES[version, out["lane"]]
        is_judge, steps = rule == "CleanedEma", [tally >> age_bits for tally in tallies]
        found["judge's age" if is_judge else "age"] = [
            (tally % (1 << age_bits)) / (1 << fraction if in_time and not is_judge else 1) for tally in tallies]
        if step_bits: found["step"] = [step % (1 << step_bits) for step in steps]
        found["strikes"] = [step >> step_bits for step in steps]
    if out["kind"] == "bank" and in_time: out["silence"] = body.many("Q", n)
    if out["kind"] == "layer": out["steps"] = body.one("Q")
    if "mean_gain" in parameters: out["mean"] = body.one(lane)
    if out["kind"] == "tracker":
        require(marks < (4 if version == 2 else 2), "unknown marks")
        for name, code in zip("score samples outliers last seen order whole late".split(), lane + "QQqqIBB"):
            if {"whole": version == 1, "late": marks > 1}.get(name, True): out[name] = body.many(code, n)
        out["keys of series"] = [KEY_DECODERS[KEYS[keys]](body.raw(body.one("I"))) for _ in range(n)]
        out["counters"] = dict(zip(COUNTERS, body.many("Q", 10)))
        out |= {"started": body.one("B"), "clock": body.one("q"), "astray": body.one("Q")}
    if out["kind"] == "loss guard":
        out |= {"squared": marks, "floor": body.one("d"), "invalid": body.one("Q"), "weighed down": body.one("Q")}
        out["waiting"] = body.many("d", body.one("Q"))
    if out["kind"] == "gradient guard": out |= {"skips": body.many("Q", n), "in a row": body.many("Q", n)}
    require(not body.data, "body too long")
    return out
for path in sys.argv[1:]:
    try: document = json.loads(json.dumps(read(open(path, "rb").read())), parse_constant=NO_JSON.get)
    except (ValueError, LookupError, struct.error, OSError) as error: sys.exit(f"{path}: {error!r}")
    print(json.dumps(document, ensure_ascii=False))
