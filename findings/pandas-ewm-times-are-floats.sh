#!/usr/bin/env bash
# pandas 3.1.1: `ewm(halflife=..., times=...)` rounds today's times in nanoseconds to 256 of them.
#
# Guess: times of type datetime64[ns] are integers, and the distances of two of them are exact; a mean depends on the distances alone,
# so the same samples a year later have the same means.
# Seen: `_calculate_deltas` makes floats of the times before it takes their differences. Nanoseconds since 1970 are 1.7e18 today, where
# a float is a multiple of 256: samples 100 ns apart are of one moment or 256 ns apart, and means are off by a quarter of their
# range. Samples about a second apart, and a half-life of a minute, still lose seven of sixteen digits. Times that are multiples of 256 ns,
# such as whole seconds, lose nothing, so that tests with round times do not notice; and times in a coarser unit, datetime64[us],
# are exact.
# Cure: take the first time away from all: `times - times[0]`, as datetimes from 1970 on.
#
# Exits 0 while this holds and 1 if it has changed. Needs Python 3.11 or later with venv, and PyPI; works in a temporary folder.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -r "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet pandas==3.1.1
cat > show.py <<'PYTHON'
import pandas as pd

samples = pd.Series([0.0, 1.0] * 3)


def means(start, distance, half_life):
    times = pd.to_datetime([start + distance * i for i in range(len(samples))], unit="ns").as_unit("ns")
    return samples.ewm(halflife=pd.Timedelta(half_life, unit="ns"), times=times).mean()


today = 1_700_000_000_000_000_000
print("100 ns apart, 1970: ", *means(0, 100, 100).round(3))
print("100 ns apart, today:", *means(today, 100, 100).round(3))
for name, distance in [("a second and 1 ns", 1_000_000_001), ("a second", 1_000_000_000)]:
    off = (means(today, distance, 60_000_000_000) - means(0, distance, 60_000_000_000)).abs().max()
    print(f"{name} apart:", "the same" if off == 0 else "off by more than 1e-12" if off > 1e-12 else "off by rounding")
PYTHON
venv/bin/python show.py > seen
cat > expected <<'TEXT'
100 ns apart, 1970:  0.0 0.667 0.286 0.667 0.323 0.667
100 ns apart, today: 0.0 0.5 0.127 0.5 0.142 0.5
a second and 1 ns apart: off by more than 1e-12
a second apart: the same
TEXT
cat seen
diff expected seen || exit 1
