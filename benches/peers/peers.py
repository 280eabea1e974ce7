"""The peers that live in Python: one question a line on standard input, one answer a line on standard output.

The Rust program in this directory runs this script (`cargo run --release -- --python PYTHON`), writes the samples of each
case into a file that both read, and gives each peer here its turns between those of the others. A library that cannot be
imported is left out, and said to be.

    case NAME LANE ROWS CHANNELS FILE    how many peers have an answer, and a line for each: name, robust?, bytes per update
    turn NUMBER                          nanoseconds per update

Every peer is held to a plain loop, below, before it is timed.
"""

import importlib
import importlib.metadata
import math
import pathlib
import statistics
import sys
import time
from typing import Callable, NamedTuple

import numpy as np

ALPHA = 0.05
WINDOW = 199
TURN = 0.010  # seconds that a turn lasts at least
PART = 1 << 18  # updates that make a part, about

MISSING = []


def optional(name):
    try:
        return importlib.import_module(name)
    except ImportError as error:
        MISSING.append(f"{name} ({error})")
        return None


# The executable specification of RobustMean, which the tests' vectors are made of.
sys.path.append(str(pathlib.Path(__file__).resolve().parents[2] / "tests"))
robust_mean = importlib.import_module("robust_mean")

bottleneck = optional("bottleneck")
evenkeel = optional("evenkeel")
numba = optional("numba")
pandas = optional("pandas")
polars = optional("polars")
river_stats = optional("river.stats")
scipy_signal = optional("scipy.signal")
torch = optional("torch")


class Peer(NamedTuple):
    name: str
    robust: str
    definition: Callable  # of the samples of a channel: where the plain loop ends
    tolerance: float  # relative
    part: Callable  # makes some updates and returns how many
    estimates: Callable  # after the first part: channel, how many of its samples were seen, estimate
    bytes: str = "-"


# The plain loops, over one channel.


def from_first(samples):
    mean = samples[0]
    for x in samples:
        mean += ALPHA * (x - mean)
    return mean


def corrected(samples):
    moment = 0.0
    for x in samples:
        moment += ALPHA * (x - moment)
    return moment / (1.0 - (1.0 - ALPHA) ** len(samples))


def clipped(samples):
    mean, scale = samples[0], 1.0
    for x in samples:
        step = min(max(x - mean, -3.0 * scale), 3.0 * scale)
        mean += ALPHA * step
        scale += ALPHA * (abs(step) - scale)
    return mean


def rolling_median(samples):
    return statistics.median(samples[-WINDOW:])


def robust(samples):
    """The location of RobustMean, in f64."""
    spec = robust_mean.Spec(ALPHA)
    state = robust_mean.empty(spec)
    for x in samples:
        state, _ = robust_mean.step(spec, state, np.float64(x))
    return state[0]


# The loops that numba compiles.

if numba:

    @numba.njit
    def numba_average(mean, block, alpha):
        for row in range(block.shape[0]):
            for channel in range(block.shape[1]):
                mean[channel] += alpha * (block[row, channel] - mean[channel])

    @numba.njit
    def numba_clip(mean, scale, block, alpha, width):
        for row in range(block.shape[0]):
            for channel in range(block.shape[1]):
                limit = width * scale[channel]
                step = min(max(block[row, channel] - mean[channel], -limit), limit)
                mean[channel] += alpha * step
                scale[channel] += alpha * (abs(step) - scale[channel])

    @numba.njit
    def numba_average_series(mean, series, alpha):
        m = mean[0]
        for x in series:
            m += alpha * (x - m)
        mean[0] = m

    @numba.njit
    def numba_clip_series(mean, scale, series, alpha, width):
        m, s = mean[0], scale[0]
        for x in series:
            limit = width * s
            step = min(max(x - m, -limit), limit)
            m += alpha * step
            s += alpha * (abs(step) - s)
        mean[0], scale[0] = m, s


def numpy_average(mean, row, alpha, room):
    """One row, across all channels, in place."""
    np.subtract(row, mean, out=room)
    np.multiply(room, alpha, out=room)
    np.add(mean, room, out=mean)


def numpy_clip(mean, scale, row, alpha, width, room, limit):
    np.multiply(scale, width, out=limit)
    np.subtract(row, mean, out=room)
    np.minimum(room, limit, out=room)
    np.negative(limit, out=limit)
    np.maximum(room, limit, out=room)
    np.multiply(room, alpha, out=limit)
    np.add(mean, limit, out=mean)
    np.abs(room, out=room)
    np.subtract(room, scale, out=room)
    np.multiply(room, alpha, out=room)
    np.add(scale, room, out=scale)


def by_rows(block, whole):
    """Peers that keep a state per channel and take rows: one in each call, or all of the block where it is `whole`."""
    rows, channels = block.shape
    count = rows if whole else min(max(PART // channels, 1), rows)
    tolerance = 1e-5 if block.dtype == np.float32 else 1e-11
    alpha, width = block.dtype.type(ALPHA), block.dtype.type(3.0)

    def peer(name, robust, definition, mean, update, slack=1.0):
        place = [0]

        def part():
            start = place[0]
            stop = min(start + count, rows)
            update(block[start:stop])
            place[0] = stop % rows
            return (stop - start) * channels

        def estimates():
            picks = range(0, channels, max(channels // 16, 1))
            return [(channel, count, float(mean[channel])) for channel in picks]

        return Peer(name, robust, definition, slack * tolerance, part, estimates)

    def each(update):
        def run(rows):
            for row in rows:
                update(row)

        return run

    def each_alone(update):
        """Rows that come one by one, for a function of blocks; a block as it is."""

        def run(rows):
            for row in range(len(rows)):
                update(rows[row : row + 1])

        return update if whole else run

    def start():
        return block[0].copy(), np.ones(channels, block.dtype)

    mean, room = start()
    update = each(lambda row, mean=mean, room=room: numpy_average(mean, row, alpha, room))
    yield peer("numpy, average", "no", from_first, mean, update)

    mean, scale = start()
    rooms = np.empty_like(mean), np.empty_like(mean)
    update = each(lambda row, mean=mean, scale=scale: numpy_clip(mean, scale, row, alpha, width, *rooms))
    yield peer("numpy, clip", "clips only", clipped, mean, update, 10)

    if numba:
        mean, _ = start()
        update = each_alone(lambda rows, mean=mean: numba_average(mean, rows, alpha))
        yield peer("numba, average", "no", from_first, mean, update)

        mean, scale = start()
        update = each_alone(lambda rows, mean=mean, scale=scale: numba_clip(mean, scale, rows, alpha, width))
        yield peer("numba, clip", "clips only", clipped, mean, update, 10)

    if river_stats and not whole and block.dtype == np.float64:
        averages = [river_stats.EWMean(fading_factor=ALPHA) for _ in range(channels)]
        lists = [row.tolist() for row in block[:count]]  # its numbers are Python's, made before the clock starts

        def part():
            for row in lists:
                for average, x in zip(averages, row):
                    average.update(x)
            return count * channels

        def estimates():
            picks = range(0, channels, max(channels // 16, 1))
            return [(channel, count, averages[channel].get()) for channel in picks]

        yield Peer("river EWMean", "no", from_first, tolerance, part, estimates)


def by_series(block):
    """Peers that take whole series, from contiguous memory, and write an answer for every sample."""
    rows, channels = block.shape
    count = min(max(PART // rows, 1), channels)
    series_major = np.ascontiguousarray(block.T)
    tolerance = 1e-5 if block.dtype == np.float32 else 1e-11

    def peer(name, robust, definition, make, run, last):
        """`make` turns some series into what the library wants, before the clock starts; `run` is timed."""
        inputs = [make(series_major[start : start + count]) for start in range(0, channels, count)]
        state = {"next": 0, "first": None}

        def part():
            at = state["next"]
            output = run(inputs[at])
            if state["first"] is None:
                state["first"] = output
            state["next"] = (at + 1) % len(inputs)
            return min(count, channels - at * count) * rows

        def estimates():
            output, state["first"] = state["first"], True
            return [(channel, rows, float(last(output, channel))) for channel in range(0, count, max(count // 16, 1))]

        return Peer(name, robust, definition, tolerance, part, estimates)

    as_it_is = lambda series: series
    if scipy_signal:
        b, a = [ALPHA], [1.0, ALPHA - 1.0]
        b, a = np.array(b, block.dtype), np.array(a, block.dtype)
        run = lambda x: scipy_signal.lfilter(b, a, x, axis=-1, zi=(1 - b) * x[:, :1])[0]
        yield peer("scipy lfilter", "no", from_first, as_it_is, run, lambda out, channel: out[channel, -1])
    if pandas:
        frame = lambda series: pandas.DataFrame(series.T)
        last = lambda out, channel: out.iloc[-1, channel]
        run = lambda frame: frame.ewm(alpha=ALPHA).mean()
        yield peer("pandas ewm().mean()", "no", corrected, frame, run, last)
        run = lambda frame: frame.rolling(WINDOW, min_periods=1).median()
        yield peer("pandas rolling(199).median()", "yes, keeps 199 samples", rolling_median, frame, run, last)
    if bottleneck:
        run = lambda x: bottleneck.move_median(x, WINDOW, min_count=1, axis=-1)
        last = lambda out, channel: out[channel, -1]
        yield peer("bottleneck move_median, 199", "yes, keeps 199 samples", rolling_median, as_it_is, run, last)
    if polars:
        frame = lambda series: polars.DataFrame({str(channel): x for channel, x in enumerate(series)})
        run = lambda frame: frame.select(polars.all().ewm_mean(alpha=ALPHA))
        last = lambda out, channel: out[-1, channel]
        yield peer("polars ewm_mean (Python)", "no", corrected, frame, run, last)
    if evenkeel:
        yield from wheel(peer)
    if channels == 1:
        yield from one_series(series_major[0], tolerance)


def wheel(peer):
    """evenkeel's Python package on the frames of the libraries above: a location for every sample, in a frame of the same kind."""
    run = lambda data: evenkeel.robust_mean(data, alpha=ALPHA)
    columns = lambda series: np.asfortranarray(series.T)
    yield peer("evenkeel (Python), numpy", "yes", robust, columns, run, lambda out, channel: out[-1, channel])
    if pandas:
        frame = lambda series: pandas.DataFrame(series.T)
        yield peer("evenkeel (Python), pandas frame", "yes", robust, frame, run, lambda out, channel: out.iloc[-1, channel])
    if polars:
        frame = lambda series: polars.DataFrame({str(channel): x for channel, x in enumerate(series)})
        yield peer("evenkeel (Python), polars frame", "yes", robust, frame, run, lambda out, channel: out[-1, channel])


def one_series(series, tolerance):
    """Loops over the samples of one series."""
    alpha, width = series.dtype.type(ALPHA), series.dtype.type(3.0)

    def peer(name, robust, definition, update, estimate, slack=1.0):
        def part():
            update()
            return len(series)

        return Peer(name, robust, definition, slack * tolerance, part, lambda: [(0, len(series), float(estimate()))])

    if numba:
        mean = series[:1].copy()
        yield peer(
            "numba, average",
            "no",
            from_first,
            lambda: numba_average_series(mean, series, alpha),
            lambda: mean[0],
        )
        centre, scale = series[:1].copy(), np.ones(1, series.dtype)
        yield peer(
            "numba, clip",
            "clips only",
            clipped,
            lambda: numba_clip_series(centre, scale, series, alpha, width),
            lambda: centre[0],
            10,
        )
    if river_stats and series.dtype == np.float64:
        average, samples = river_stats.EWMean(fading_factor=ALPHA), series.tolist()

        def update():
            for x in samples:
                average.update(x)

        yield peer("river EWMean", "no", from_first, update, average.get)


def adam(path, windows, weights):
    """torch's Adam over all weights; its gradient is a window on a long row, another one at each step."""
    if not torch:
        return
    torch.set_num_threads(1)
    data = np.fromfile(path, np.float32)
    start, gradients = data[:weights], torch.from_numpy(data[weights:].copy())
    stride = (len(gradients) - weights) // windows

    def peer(name, bytes, **options):
        parameter = torch.from_numpy(start.copy()).requires_grad_()
        optimiser = torch.optim.Adam([parameter], lr=1e-3, **options)
        steps = [0]

        def part():
            at = steps[0] % windows * stride
            parameter.grad = gradients[at : at + weights]
            optimiser.step()
            steps[0] += 1
            return weights

        part()
        part()
        estimates = lambda: [(at, 3, float(parameter.detach()[at])) for at in range(0, weights, weights // 100)]
        expected = lambda at: adam_by_hand(float(start[at]), [float(gradients[step * stride + at]) for step in range(3)])
        return Peer(name, "no", expected, 1e-5, part, estimates, bytes)

    # Weight and two moments read and written, the gradient read.
    yield peer("torch Adam(fused=True), a whole step", "28", fused=True)
    yield peer("torch Adam, a whole step", "-")


def adam_by_hand(weight, gradients):
    first = second = 0.0
    for step, g in enumerate(gradients, 1):
        first = 0.9 * first + 0.1 * g
        second = 0.999 * second + 0.001 * g * g
        weight -= 1e-3 * (first / (1 - 0.9**step)) / (math.sqrt(second / (1 - 0.999**step)) + 1e-8)
    return weight


def enter(case, lane, rows, channels, path):
    """The peers that have an answer, each held to its plain loop on its first part of the samples."""
    entered = []
    if case == "adam":
        for peer in adam(path, rows, channels):
            peer.part()
            for at, _, estimate in peer.estimates():
                compare(peer, f"weight {at}", estimate, peer.definition(at))
            entered.append(peer)
        return entered
    block = np.fromfile(path, np.float32 if lane == "f32" else np.float64).reshape(rows, channels)
    found = []
    if case in ("rows", "block"):
        found += by_rows(block, case == "block")
    if case in ("block", "series"):
        found += by_series(block)
    for peer in found:
        peer.part()
        for channel, seen, estimate in peer.estimates():
            # An average of gain 0.05 has forgotten everything before, and a window of 199 as well.
            samples = [float(x) for x in block[max(seen - 5000, 0) : seen, channel]]
            compare(peer, f"channel {channel}", estimate, peer.definition(samples))
        entered.append(peer)
    return entered


def compare(peer, where, estimate, expected):
    # Written so that a NaN fails.
    if not abs(estimate - expected) <= peer.tolerance * max(abs(expected), 0.01):
        raise SystemExit(f"{peer.name}, {where}: {estimate}; a plain loop has {expected}")


def turn(peer):
    """Nanoseconds per update: a part to warm the caches, then parts for as long as a turn lasts."""
    peer.part()
    updates, start = 0, time.perf_counter()
    while True:
        updates += peer.part()
        elapsed = time.perf_counter() - start
        if elapsed >= TURN:
            return elapsed * 1e9 / updates


def versions():
    modules = ["evenkeel", "numpy", "scipy", "pandas", "bottleneck", "numba", "river", "polars", "torch"]
    there = [name for name in modules if name in sys.modules]
    found = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in there)
    missing = f"; left out, because they cannot be imported: {', '.join(MISSING)}" if MISSING else ""
    return f"Python {sys.version.split()[0]}, {found}{missing}"


def main():
    print(versions(), flush=True)
    entered = []
    for line in sys.stdin:
        question, *arguments = line.rstrip("\n").split("\t")
        if question == "case":
            case, lane, rows, channels, path = arguments
            entered.clear()
            entered = enter(case, lane, int(rows), int(channels), path)
            print(len(entered))
            for peer in entered:
                print(peer.name, peer.robust, peer.bytes, sep="\t")
            sys.stdout.flush()
        elif question == "turn":
            print(turn(entered[int(arguments[0])]), flush=True)
        else:
            raise SystemExit(f"no such question: {question}")


if __name__ == "__main__":
    main()
