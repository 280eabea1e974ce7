"""A NATS server with its streams in a temporary folder, on loopback, and the program between them, for `.ci/streams` and `.ci/stream-kills`."""
import asyncio
import json
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time

import nats

PROGRAM, BINARY = sys.argv[1:3]
KILLS = int(sys.argv[3]) if len(sys.argv) > 3 else 50
OPTIONS = ["--half-life", "30s", "--max-idle", "60s", "--max-series", "90", "--overflow", "evict", "--save-every", "20ms"]
STARTED = []


def start(*arguments, **streams):
    """Starts the program."""
    streams = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE} | streams
    process = subprocess.Popen([PROGRAM, "pipe", *arguments], **streams)
    STARTED.append(process)
    return process


def ended(process, code=0, within=20):
    """Waits for the end of a program, and returns what it said."""
    out, said = process.communicate(timeout=within)
    said = (said or b"").decode()
    assert process.returncode == code, (process.returncode, said)
    return said if out is None else (out, said)


async def heard(process, words, within=20):
    """Waits until a program has said these words, and returns what it said until then."""
    said = ""
    while words not in said:
        line = await asyncio.wait_for(asyncio.to_thread(process.stderr.readline), within)
        assert line, f"the program has ended: {said}"
        said += line.decode()
    return said


def stop(process, code=0):
    """Ends a program as a service manager does."""
    process.send_signal(signal.SIGTERM)
    return ended(process, code)


class Server:
    """A server with its streams in a folder of its own, on a port that is free."""

    def __init__(self, folder, config=""):
        self.folder = tempfile.mkdtemp(dir=folder)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.config = os.path.join(self.folder, "server.conf")
        with open(self.config, "w") as file:
            file.write(f'host: 127.0.0.1\nport: {self.port}\njetstream {{ store_dir: "{self.folder}/streams" }}\n{config}\n')
        self.process = None
        self.start()

    def start(self):
        self.process = subprocess.Popen([BINARY, "-c", self.config], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        STARTED.append(self.process)
        for _ in range(500):
            try:
                return socket.create_connection(("127.0.0.1", self.port)).close()
            except OSError:
                time.sleep(0.01)
        raise AssertionError("the server does not start")

    def kill(self):
        self.process.kill()
        self.process.wait()

    def url(self, stream, user=""):
        return f"nats://{user}127.0.0.1:{self.port}/{stream}"

    async def connect(self, **options):
        async def nothing(_):
            pass
        connection = await nats.connect(f"nats://127.0.0.1:{self.port}", max_reconnect_attempts=-1, reconnect_time_wait=0.02,
                                        error_cb=nothing, **options)
        return connection, connection.jetstream(timeout=2)


async def again(act):
    """Does something that a server which is away lets fail, until it succeeds."""
    while True:
        try:
            return await act()
        except (nats.errors.Error, asyncio.TimeoutError):
            await asyncio.sleep(0.02)


async def until(holds, what, within=20):
    """Waits until something holds, which `what` says does not."""
    end = time.monotonic() + within
    while not await holds():
        assert time.monotonic() < end, what
        await asyncio.sleep(0.02)


async def published(js, stream):
    """All messages of a stream: text with the ends of lines, and the position in the header."""
    info = await again(lambda: js.stream_info(stream))
    subscription = await js.subscribe("", stream=stream, ordered_consumer=True, pending_msgs_limit=-1, pending_bytes_limit=-1)
    messages = [await subscription.next_msg(timeout=10) for _ in range(info.state.messages)]
    await subscription.unsubscribe()
    return messages


def text(payload):
    return payload if payload.endswith(b"\n") else payload + b"\n"


def whole(lines, folder, name="whole", options=OPTIONS):
    """What one process makes of lines without a break, and its state."""
    state = os.path.join(folder, name)
    process = start("--quiet", "--state", state, *options, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    out, said = process.communicate(lines)
    assert process.returncode == 0, said.decode()
    return out, state


def parts(path):
    """The note of a state, and the bytes of its series with their counters."""
    data = open(path, "rb").read()
    end = 16 + int.from_bytes(data[12:16], "little")
    note, _ = json.JSONDecoder().raw_decode(data[data.index(b'{"format"'):end].decode("latin-1"))
    return note, data[end + 4:]


def payload(number):
    """Message `number`: one to three lines, of series that come and go, with outliers, gaps, bad lines and late samples."""
    rng = random.Random(number)
    lines = []
    for _ in range(rng.choice([1, 1, 1, 2, 3])):
        moment = 1_700_000_000_000_000_000 + number * 50_000_000 + rng.randrange(20_000_000)
        if rng.random() < 0.02:
            moment -= 100_000_000_000
        host = number // 2000 * 10 + rng.randrange(60)
        value = rng.gauss(20, 3) if rng.random() < 0.95 else rng.choice([1e9, -1e9, 0.0])
        line = f"cpu,host=h{host} usage={value!r},count={rng.randrange(50)}i {moment}"
        lines.append(rng.choice(["# a comment", "no point at all"]) if rng.random() < 0.01 else line)
    return ("\n".join(lines) + ("\n" if rng.random() < 0.3 else "")).encode()


async def run(tests):
    """Runs those of the tests that the command line names, or all, and stops what has been started."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            for test in [test for test in tests if test.__name__ in sys.argv[4:] or not sys.argv[4:]]:
                begun = time.monotonic()
                await test(folder)
                print(f"    {time.monotonic() - begun:.1f} s", flush=True)
        finally:
            for process in STARTED:
                if process.poll() is None:
                    process.kill()
                    process.wait()
