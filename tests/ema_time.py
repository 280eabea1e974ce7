"""Ema in time: the means of pandas' ewm(halflife, times, adjust=True), for samples at any distance. Needs NumPy and pandas.

    python3 ema_time.py            writes ema_time.json beside this file

Times are whole nanoseconds from 1970 on, and not of today: pandas takes them as floats before it takes their differences, and today's
nanoseconds are floats to 256 of them. A missing sample is null, and so is a mean before the first sample. What pandas makes of them is checked
here against the definition, the mean of all samples with weights 2^(-distance / halflife), summed with exact fractions of the
rounded weights, so that the vectors do not rest on pandas alone.
"""
import json, math, os
import numpy as np, pandas as pd

SECOND = 1_000_000_000


def defined(samples, times, half_life):
    out = []
    for last in range(len(samples)):
        pairs = [(2.0 ** (-(times[last] - times[i]) / half_life), samples[i]) for i in range(last + 1) if not math.isnan(samples[i])]
        total = math.fsum(weight for weight, _ in pairs)
        out.append(math.fsum(weight * sample for weight, sample in pairs) / total if pairs and total > 0 else math.nan)
    # A missing sample leaves the mean as it is: all weights have faded alike.
    return out


def case(name, distances, samples, half_life):
    times = [int(t) for t in np.cumsum([0] + list(distances))]
    assert len(times) == len(samples)
    series = pd.Series(samples, dtype="float64")
    mean = series.ewm(halflife=pd.Timedelta(half_life, unit="ns"), times=pd.to_datetime(pd.Series(times), unit="ns"), adjust=True).mean()
    largest = max([1.0] + [abs(m) for m in mean if not math.isnan(m)])
    for found, exact in zip(mean, defined(samples, times, half_life)):
        assert math.isnan(found) and math.isnan(exact) or abs(found - exact) <= 1e-12 * largest, (name, found, exact)
    null = lambda numbers: [None if math.isnan(number) else float(number) for number in numbers]
    return {"name": name, "half_life_ns": half_life, "times": times, "samples": null(samples), "mean": null(mean)}


def main():
    random = np.random.default_rng(20240817)
    noise = lambda n: list(np.round(50 + random.normal(size=n), 6))
    with_gaps = lambda numbers, share: [math.nan if random.random() < share else number for number in numbers]
    poisson = lambda n: np.round(random.exponential(size=n) * SECOND)
    n = 180
    cases = [
        case("equal distances", [SECOND] * (n - 1), noise(n), 60 * SECOND),
        case("random distances", poisson(n - 1), noise(n), 60 * SECOND),
        case("a short memory", poisson(n - 1), noise(n), SECOND // 2),
        case("missing samples", poisson(n - 1), [math.nan] * 3 + with_gaps(noise(n - 3), 0.3), 20 * SECOND),
        case("samples of one moment", np.where(random.random(n - 1) < 0.5, 0, SECOND), noise(n), 10 * SECOND),
        case("long silences", np.where(random.random(n - 1) < 0.05, 3600 * SECOND, SECOND), with_gaps(noise(n), 0.1), 60 * SECOND),
        case("a long memory", poisson(n - 1), noise(n), 86_400 * SECOND),
        case("spikes", poisson(n - 1), [1e9 if random.random() < 0.02 else x for x in noise(n)], 30 * SECOND),
    ]
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "ema_time.json")
    with open(path, "w") as file:
        json.dump({"pandas": pd.__version__, "cases": cases}, file)
        file.write("\n")


main()
