"""A broker under 200 connections that come and go, produce, fetch and misbehave, for as long as is wanted.

    make soak                 ten minutes
    make soak SECONDS=60      shorter

The run fails if the broker's memory or descriptors grow: see Docs/SOAK.md, which gets the result.
"""

import argparse
import asyncio
import random
import shutil
import socket
import statistics
import struct
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import wire
from server import ROOT, Server, host_and_port
from watch import Bystander, anonymous_bytes, descriptors, take_all_descriptors

CONNECTIONS = 200
TOPICS = [f"soak.{number}" for number in range(10)]
# Beyond the indexes of what was produced.
QUIET_MEMORY_MAY_GROW_BY = 500_000
# An entry of the offset index for each `index.interval.bytes`. Time indexes have none: all records are of one time.
INDEX_BYTES, INDEX_INTERVAL_BYTES = 8, 4096
# 320 KB for each connection.
MEMORY_MAY_BE = 64_000_000
# The broker gives free pages back to the system every 30 seconds.
GIVE_BACK_SECONDS = 32
# Connections come and go: their number differs from second to second.
DESCRIPTORS_MAY_GROW_BY = 20


async def answer(reader) -> bytes:
    [length] = struct.unpack(">i", await reader.readexactly(4))
    return await reader.readexactly(length)


async def produce_and_fetch(reader, writer, seeded):
    topic = seeded.choice(TOPICS)
    for _ in range(seeded.randrange(1, 10)):
        writer.write(wire.produce(topic, wire.batch(seeded.randbytes(seeded.randrange(1, 2000)))))
        error, offset = wire.produce_result(await answer(reader), topic)
        assert error == 0
        writer.write(wire.fetch(topic, max(0, offset - 5), max_wait_ms=100))
        assert wire.fetch_result(await answer(reader), topic)[0] == 0
        await asyncio.sleep(seeded.random() / 5)


async def wait_for_more(reader, writer, seeded):
    topic = seeded.choice(TOPICS)
    writer.write(wire.fetch(topic, 1 << 40, max_wait_ms=500))
    await answer(reader)


async def stay(reader, writer, seeded):
    await asyncio.sleep(seeded.random() * 5)


async def announce_much(reader, writer, seeded):
    writer.write(struct.pack(">i", 50_000_000) + seeded.randbytes(seeded.randrange(100_000)))
    await stay(reader, writer, seeded)


async def send_noise(reader, writer, seeded):
    writer.write(wire.framed(seeded.randbytes(seeded.randrange(1, 300))))
    await reader.read(1)


async def send_slowly(reader, writer, seeded):
    for byte in wire.request(wire.API_VERSIONS, 0):
        writer.write(bytes([byte]))
        await asyncio.sleep(seeded.random() / 20)
    await answer(reader)


async def ask_and_not_read(reader, writer, seeded):
    writer.transport.pause_reading()
    writer.write(wire.fetch(seeded.choice(TOPICS)) * seeded.randrange(1, 50))
    writer.write(wire.request(wire.METADATA, 1, struct.pack(">i", -1)) * seeded.randrange(1, 500))
    await stay(reader, writer, seeded)


async def send_the_end(reader, writer, seeded):
    count = seeded.randrange(1, 50)
    writer.write(wire.fetch(seeded.choice(TOPICS), max_wait_ms=60_000, min_bytes=1 << 30) * count)
    writer.write_eof()
    for _ in range(count):
        await answer(reader)
    assert await reader.read() == b""


async def reset_halfway(reader, writer, seeded):
    frame = wire.produce(TOPICS[0], wire.batch(bytes(20_000)))
    writer.write(frame[:seeded.randrange(len(frame))])
    await asyncio.sleep(0)
    linger = struct.pack("ii", 1, 0)
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)


# How often each is chosen.
BEHAVIOURS = {
    produce_and_fetch: 8, wait_for_more: 3, stay: 2, announce_much: 1, send_noise: 2, send_slowly: 1,
    ask_and_not_read: 1, send_the_end: 2, reset_halfway: 2,
}


async def connect_again_and_again(host, port, seed, until, seen):
    seeded = random.Random(seed)
    while time.monotonic() < until:
        [behave] = seeded.choices(list(BEHAVIOURS), weights=BEHAVIOURS.values())
        reader, writer = await asyncio.open_connection(host, port)
        try:
            # The broker may end the connections of those who misbehave, and no others.
            await asyncio.wait_for(behave(reader, writer, seeded), timeout=60)
            seen[behave.__name__] += 1
        except (ConnectionError, asyncio.IncompleteReadError):
            assert behave in (send_noise, announce_much), f"{behave.__name__} was ended by the broker"
        finally:
            writer.transport.abort() if behave is ask_and_not_read else writer.close()
        await asyncio.sleep(seeded.random() / 10)


async def sample(pid, until, samples):
    while time.monotonic() < until:
        samples.append((anonymous_bytes(pid), descriptors(pid)))
        await asyncio.sleep(1)


async def load(server, seconds):
    host, port = host_and_port(server.address)
    until = time.monotonic() + seconds
    samples, seen = [], Counter()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(sample(server.process.pid, until, samples))
        for seed in range(CONNECTIONS):
            tasks.create_task(connect_again_and_again(host, port, seed, until, seen))
    return samples, seen


def quiet_memory(pid) -> int:
    """What the broker keeps once everybody but the bystander has gone."""
    readings = []
    for _ in range(GIVE_BACK_SECONDS):
        time.sleep(1)
        readings.append(anonymous_bytes(pid))
    return min(readings)


def index_bytes(server) -> int:
    """The most that the active segments' indexes take."""
    return sum(file.stat().st_size for file in server.directory.glob("*/*.log")) // INDEX_INTERVAL_BYTES * INDEX_BYTES


def run(seconds: int) -> tuple[str, list[str]]:
    """A line of the table, and what is wrong."""
    directory = Path(tempfile.mkdtemp(prefix="logbook-soak-"))
    server = Server(directory / "data")
    server.start()
    pid = server.process.pid
    with wire.Connection(server) as connection:
        for topic in TOPICS:
            connection.call(wire.metadata(topic))
            connection.call(wire.produce(topic, wire.batch(b"first")))
            connection.call(wire.fetch(topic))
    bystander = Bystander(server)
    before = descriptors(pid) - 1

    # The first minute, or third of a short run, fills buffers and tables.
    first = min(60, seconds // 3)
    asyncio.run(load(server, first))
    quiet, indexes = quiet_memory(pid), index_bytes(server)
    samples, seen = asyncio.run(load(server, seconds - first))
    quiet_late, indexes_late = quiet_memory(pid), index_bytes(server)

    served = bystander.stop()
    for _ in range(500):
        if descriptors(pid) <= before:
            break
        time.sleep(0.01)
    left = descriptors(pid) - before
    lines = len(server.stderr().splitlines())
    server.stop()
    shutil.rmtree(directory)

    span = min(60, len(samples) // 2)
    files, files_late = (
        statistics.median(count for _, count in part) for part in (samples[:span], samples[-span:]))
    memory = [size for size, _ in samples]
    indexed = indexes_late - indexes
    wrong = []
    if quiet_late - quiet - indexed > QUIET_MEMORY_MAY_GROW_BY:
        wrong.append(f"memory grew by {(quiet_late - quiet) / 1e6:.2f} MB, where indexes take {indexed / 1e6:.2f} MB")
    if max(memory) > MEMORY_MAY_BE:
        wrong.append(f"{CONNECTIONS} connections took {max(memory) / 1e6:.0f} MB")
    if files_late - files > DESCRIPTORS_MAY_GROW_BY:
        wrong.append(f"descriptors grew by {files_late - files:.0f}")
    if left > 0:
        wrong.append(f"{left} descriptors are left over")
    if served["max"] > 5000:
        wrong.append(f"an ordinary client waited {served['max']:.0f} ms")
    if set(seen) != {behaviour.__name__ for behaviour in BEHAVIOURS}:
        wrong.append(f"not everything happened: {seen}")
    row = (
        f"| {seconds} | {sum(seen.values())} | {quiet / 1e6:.2f} | {quiet_late / 1e6:.2f} | {indexed / 1e6:.2f} "
        f"| {statistics.median(memory) / 1e6:.1f} | {max(memory) / 1e6:.1f} | {files:.0f} | {files_late:.0f} | {left} "
        f"| {served['p50']:.1f} / {served['p99']:.1f} / {served['max']:.0f} | {lines} |")
    return row, wrong


def write(row: str):
    """Puts the row into Docs/SOAK.md, in place of the one of the same duration."""
    path = ROOT / "Docs" / "SOAK.md"
    head, marker, tail = path.read_text().partition("<!-- result -->\n")
    table, end, rest = tail.partition("<!-- /result -->")
    lines = table.splitlines()
    key = row.split("|")[1]
    rows = [line for line in lines[2:] if line.split("|")[1] != key] + [row]
    rows.sort(key=lambda line: int(line.split("|")[1]))
    path.write_text(head + marker + "\n".join(lines[:2] + rows) + "\n" + end + rest)


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--seconds", type=int, default=600)
    arguments.add_argument("--write", action="store_true", help="put the result into Docs/SOAK.md")
    options = arguments.parse_args()
    take_all_descriptors()
    row, wrong = run(max(30, options.seconds))
    print(row)
    if options.write and not wrong:
        write(row)
    for line in wrong:
        print(f"soak: {line}", file=sys.stderr)
    sys.exit(1 if wrong else 0)
