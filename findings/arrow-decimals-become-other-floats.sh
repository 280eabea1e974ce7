#!/usr/bin/env bash
# pyarrow 26.0.1: the cast of decimals to float64 is not the nearest float.
#
# Guess: a decimal is exact, so its cast is the float nearest to it, the one that its digits mean: 19.99 becomes 19.99, as `float` makes
# it of the same decimal, and as Arrow makes it of the same text.
# Seen: the digits become a float and are multiplied by a power of ten that is a float itself, which is rounded twice more: 19.99 becomes
# 19.990000000000002. Of all amounts to the cent up to a thousand, one of seven is off by a unit in the last place. So a column of
# prices that took the way through a table of decimals differs in its bits from the same column read from CSV, and a price is not
# found by `== 19.99`.
# Cure: cast through text, `x.cast(pyarrow.string()).cast(pyarrow.float64())`, which takes longer.
#
# Exits 0 while this holds and 1 if it has changed. Needs Python 3.11 or later and PyPI; works in a temporary folder.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -r "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet pyarrow==26.0.1
cat > decimals.py <<'PYTHON'
from decimal import Decimal

import pyarrow as pa

print("pyarrow", pa.__version__)
few = pa.array([Decimal("5.10"), Decimal("19.99"), Decimal("0.57"), Decimal("1.15")], pa.decimal128(10, 2))
print("decimals:", few.cast(pa.float64()).to_pylist())
print("by text: ", few.cast(pa.string()).cast(pa.float64()).to_pylist())
print("by float:", [float(x) for x in few.to_pylist()])
cents = pa.array([Decimal(cent).scaleb(-2) for cent in range(100_000)], pa.decimal128(10, 2))
pairs = list(zip(cents.cast(pa.float64()).to_pylist(), [float(x) for x in cents.to_pylist()]))
print(sum(cast != nearest for cast, nearest in pairs), "of", len(pairs), "amounts are off")
PYTHON
venv/bin/python decimals.py > seen
cat > expected <<'TEXT'
pyarrow 26.0.1
decimals: [5.1000000000000005, 19.990000000000002, 0.5700000000000001, 1.1500000000000001]
by text:  [5.1, 19.99, 0.57, 1.15]
by float: [5.1, 19.99, 0.57, 1.15]
13929 of 100000 amounts are off
TEXT
cat seen
diff expected seen || exit 1
