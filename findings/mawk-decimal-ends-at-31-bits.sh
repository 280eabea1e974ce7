#!/usr/bin/env bash
# mawk 1.3.4 20200120, the awk of Debian 12: `printf "%d"` of a number beyond 2^31 - 1 prints 2147483647, and exits with 0.
#
# Guess: awk's numbers are doubles, so `printf "%d"` prints a timestamp in nanoseconds as a whole number, to within the rounding of
# 53 bits, as `print` does.
# Seen: the value is cut off at 2147483647, in both directions, without a word; `%i` as well, and `int(x)` does not help.
# `print` and `%.0f` show that the number itself is right. So a script that makes timestamps in nanoseconds, or in milliseconds,
# makes the same one in each line, and each of its lines looks right. Cure: `%.0f`.
#
# Exits 0 while this holds and 1 if it has changed. Needs Debian's bookworm among the sources of apt; works in a temporary folder.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -r "$folder"' EXIT
chmod 755 "$folder"
cd "$folder"
apt-get download --quiet --quiet mawk=1.3.4.20200120-3.1
dpkg -x mawk_*.deb .
usr/bin/mawk 'BEGIN {
    for (second = 0; second < 2; second++) {
        stamp = (1700000000 + second) * 1e9
        printf "%d %i %d %d %.0f\n", stamp, stamp, int(stamp), -stamp, stamp
    }
    printf "%d %d\n", 2147483647, 2147483648
}' > seen
cat > expected <<'TEXT'
2147483647 2147483647 2147483647 -2147483647 1700000000000000000
2147483647 2147483647 2147483647 -2147483647 1700000001000000000
2147483647 2147483647
TEXT
cat seen
diff expected seen || exit 1
