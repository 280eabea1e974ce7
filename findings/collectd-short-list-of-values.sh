#!/usr/bin/env bash
# collectd 5.12.0 (Debian collectd-core 5.12.0-14): a PUTVAL with too few values is a success, and the value that is missing is 0.
#
# Guess: a type such as `load` has three values, and a list of two is refused as one of four is, or the third is undefined.
# Seen: the socket answers `0 Success: 1 value has been dispatched.`, and GETVAL then has longterm=0: a number that nobody sent,
# which goes to every writer. A list with too many values is refused. Cure: whoever has no value writes `U`, which is undefined.
# Beside it: an option of the form `meta:x=y` has two answers, a failure and a success, after which a client that reads one answer
# for each command is one behind.
#
# Exits 0 while this holds and 1 if it has changed. Needs Debian's bookworm among the sources of apt, and Python 3; works in a
# temporary folder.
set -euo pipefail
folder=$(mktemp -d)
daemon=
trap '[ -z "$daemon" ] || kill "$daemon" 2>/dev/null || true; wait; rm -r "$folder"' EXIT
cd "$folder"
apt-get -q download collectd-core=5.12.0-14 >/dev/null 2>&1
dpkg-deb -x collectd-core_*.deb root
cat > collectd.conf <<TEXT
BaseDir "$folder"
PIDFile "$folder/pid"
PluginDir "$folder/root/usr/lib/collectd"
TypesDB "$folder/root/usr/share/collectd/types.db"
Hostname "host"
LoadPlugin unixsock
<Plugin unixsock>
  SocketFile "$folder/socket"
</Plugin>
TEXT
root/usr/sbin/collectd -f -C collectd.conf >log 2>&1 &
daemon=$!
python3 - <<'PYTHON' > seen
import socket, time

def ask(command):
    with socket.socket(socket.AF_UNIX) as connection:
        for _ in range(100):
            try:
                connection.connect("socket")
                break
            except OSError:
                time.sleep(0.1)
        connection.sendall(command.encode() + b"\n")
        connection.settimeout(1)
        answer = b""
        try:
            while part := connection.recv(4096):
                answer += part
        except TimeoutError:
            pass
    print(command, "->", "; ".join(answer.decode().splitlines()))

for command in [
    "PUTVAL host/a/load N:1:2",
    "GETVAL host/a/load",
    "PUTVAL host/b/load N:1:2:3:4",
    "PUTVAL host/c/load N:1:2:U",
    "GETVAL host/c/load",
    "PUTVAL host/d/gauge meta:x=y N:1",
]:
    ask(command)
PYTHON
cat > expected <<'TEXT'
PUTVAL host/a/load N:1:2 -> 0 Success: 1 value has been dispatched.
GETVAL host/a/load -> 3 Values found; shortterm=1.000000e+00; midterm=2.000000e+00; longterm=0.000000e+00
PUTVAL host/b/load N:1:2:3:4 -> -1 Parsing the values string failed.
PUTVAL host/c/load N:1:2:U -> 0 Success: 1 value has been dispatched.
GETVAL host/c/load -> 3 Values found; shortterm=1.000000e+00; midterm=2.000000e+00; longterm=NaN
PUTVAL host/d/gauge meta:x=y N:1 -> -1 Non-string metadata not supported yet; 0 Success: 1 value has been dispatched.
TEXT
cat seen
diff expected seen || exit 1
