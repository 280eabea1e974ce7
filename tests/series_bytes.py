"""The bytes of single series, and the stable hash of their keys, made from the snapshots of trackers in golden/ by FORMAT.md alone.

    python3 series_bytes.py           writes series_bytes.json beside this file

One entry for each snapshot of format 2, with one [key, hash of the key, bytes of the series] for each series, in hexadecimal."""
import glob, json, os, struct, zlib
from read_snapshot import Cursor, checked
P1, P2, P3, P4, P5 = 0x9E3779B185EBCA87, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0x85EBCA77C2B2AE63, 0x27D4EB2F165667C5
MASK = (1 << 64) - 1


def rotated(x, bits): return (x << bits | x >> (64 - bits)) & MASK
def mixed(lane, word): return rotated((lane + word * P2) & MASK, 31) * P1 & MASK


def xxh64(data, seed=0):
    """XXH64 as of https://github.com/Cyan4973/xxHash/blob/dev/doc/xxhash_spec.md."""
    whole, at = len(data) - len(data) % 32 if len(data) >= 32 else 0, 0
    h = seed + P5
    if whole:
        lanes = [(seed + start) & MASK for start in (P1 + P2, P2, 0, -P1)]
        for at in range(0, whole, 32):
            lanes = [mixed(lane, word) for lane, word in zip(lanes, struct.unpack_from("<4Q", data, at))]
        h = sum(rotated(lane, bits) for lane, bits in zip(lanes, (1, 7, 12, 18)))
        for lane in lanes:
            h = ((h ^ mixed(0, lane)) * P1 + P4) & MASK
    h, rest = (h + len(data)) & MASK, Cursor(data[whole:])
    while len(rest.data) >= 8: h = (rotated(h ^ mixed(0, rest.one("Q")), 27) * P1 + P4) & MASK
    if len(rest.data) >= 4: h = (rotated(h ^ rest.one("I") * P1 & MASK, 23) * P2 + P3) & MASK
    for byte in bytes(rest.data): h = rotated(h ^ byte * P5 & MASK, 11) * P1 & MASK
    h = (h ^ h >> 33) * P2 & MASK
    h = (h ^ h >> 29) * P3 & MASK
    return h ^ h >> 32


def series(data):
    _, header, body = checked(data)
    kind, lane, columns, _, marks, rules = header.many("B", 6)
    n, _ = header.many("Q", 2)
    assert (kind, rules) == (3, 1)
    rule = bytes(header.data)
    header.name(), header.parameters()
    rule = rule[:len(rule) - len(header.data)]
    fingerprint = xxh64(bytes([lane, columns]) + rule)
    numbers = [[body.raw(lane) for _ in range(n)] for _ in range(columns + 1)]     # the columns, then the score
    samples, outliers, last, seen, order = (body.many(code, n) for code in "QQqqI")
    late = body.many("B", n) if marks & 2 else [0] * n
    for i in range(n):
        key = body.raw(body.one("I"))
        out = struct.pack("<BQ", 1, fingerprint) + b"".join(column[i] for column in numbers)
        out += struct.pack("<QQqB", samples[i], outliers[i], last[i], late[i])
        yield [key.hex(), f"{xxh64(key):016x}", (out + struct.pack("<I", zlib.crc32(out))).hex()]


if __name__ == "__main__":
    here = os.path.dirname(os.path.abspath(__file__))
    out = {os.path.basename(path).split(".")[0]: list(series(open(path, "rb").read())) for path in sorted(glob.glob(f"{here}/golden/2-tracker-*.snapshot"))}
    with open(os.path.join(here, "series_bytes.json"), "w") as f:
        f.write("{\n" + ",\n".join(f"{json.dumps(name)}: [\n" + ",\n".join(map(json.dumps, rows)) + "\n]" for name, rows in out.items()) + "\n}\n")
    print({name: len(rows) for name, rows in out.items()})
