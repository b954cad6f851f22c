"""Clients that do harm, by design or by accident. The broker's memory and descriptors stay bounded, and an
ordinary client is served throughout."""

import random
import socket
import struct
import threading
import time

import pytest

import wire
from watch import Watch, processor_seconds, take_all_descriptors, wait_until
from wire import Connection, framed, request

MB = 1_000_000
VERSIONS = request(wire.API_VERSIONS, 0)
ALL_METADATA = request(wire.METADATA, 1, struct.pack(">i", -1))


@pytest.fixture
def hostile(start_broker, figures):
    """Starts a broker under watch: `with hostile(grows_by=…) as server`."""
    take_all_descriptors()

    def start(grows_by, slowest_ms=2000, log_lines=60, **settings):
        watch = Watch(start_broker(**settings), figures, grows_by, slowest_ms, log_lines)
        return watch

    return start


def connections(server, count):
    return [Connection(server) for _ in range(count)]


def close_all(all_of_them):
    for connection in all_of_them:
        connection.socket.close()


def reset(connection):
    """The other end sees a reset instead of an orderly end."""
    connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.socket.close()


def send_what_fits(connection, data: bytes, seconds=0.5) -> int:
    """Sends until the other end takes no more for a while; returns how many bytes it took."""
    connection.socket.settimeout(seconds)
    sent = 0
    try:
        while sent < len(data):
            sent += connection.socket.send(data[sent:sent + (1 << 16)])
    except (TimeoutError, ConnectionError):
        pass
    connection.socket.settimeout(20)
    return sent


def fill(server, topic, megabytes):
    """A topic with batches of a megabyte, less a little."""
    with Connection(server) as connection:
        assert wire.topic_error(connection.call(wire.metadata(topic))) == 0
        records = wire.batch(random.Random(1).randbytes(999_000))
        for _ in range(megabytes):
            assert wire.produce_result(connection.call(wire.produce(topic, records)), topic)[0] == 0


# Senders


def test_length_bombs(hostile, figures):
    """1,000 connections announce 100 MB each and send a kilobyte; 2,000 announce what cannot be."""
    with hostile(grows_by=40 * MB) as watch:
        bombs = connections(watch.server, 1000)
        for bomb in bombs:
            bomb.send(struct.pack(">i", 100_000_000) + bytes(1000))
        for length in [-1, -2**31, 2**31 - 1, 104_857_601] * 500:
            with Connection(watch.server) as bomb:
                bomb.send(struct.pack(">i", length))
                assert bomb.is_ended_by_the_broker()
        figures("bombs held", len(bombs))
        close_all(bombs)


def test_slow_senders(hostile):
    """300 connections send a produce each, one byte at a time, in turns. All of them are answered."""
    with hostile(grows_by=40 * MB) as watch:
        with Connection(watch.server) as connection:
            assert wire.topic_error(connection.call(wire.metadata("slow"))) == 0
        frame = wire.produce("slow", wire.batch(b"slow but whole" * 40))
        senders = connections(watch.server, 300)
        for place in range(len(frame)):
            for sender in senders:
                sender.send(frame[place:place + 1])
        offsets = [wire.produce_result(sender.receive(), "slow") for sender in senders]
        assert sorted(offsets) == [(0, offset) for offset in range(300)]
        close_all(senders)


def test_who_sends_a_byte_now_and_then_is_idle(hostile, figures):
    """connections.max.idle.ms counts from the last request, or the last 64 KiB of one."""
    with hostile(grows_by=20 * MB, connections_max_idle_ms=1000) as watch:
        slow = connections(watch.server, 50)
        for connection in slow:
            connection.send(struct.pack(">i", 50_000))
        started = time.monotonic()
        ended = 0
        while slow and time.monotonic() < started + 20:
            for connection in list(slow):
                try:
                    connection.socket.send(b"x")
                except ConnectionError:
                    slow.remove(connection)
                    connection.socket.close()
                    ended += 1
            time.sleep(0.1)
        figures("ended after", f"{time.monotonic() - started:.1f} s")
        assert ended == 50
        # A fetch that waits is not idle, however long.
        with Connection(watch.server) as waiting:
            waiting.call(wire.metadata("empty"))
            started = time.monotonic()
            assert wire.fetch_result(waiting.call(wire.fetch("empty", max_wait_ms=3000)), "empty") == (0, b"")
            assert time.monotonic() - started >= 2.9


def test_resets_in_the_middle_of_a_frame(hostile):
    """3,000 connections end with a reset, at every place of a produce."""
    with hostile(grows_by=40 * MB) as watch:
        frame = wire.produce("nowhere", wire.batch(bytes(50_000)))
        for number in range(3000):
            connection = Connection(watch.server)
            connection.send(frame[:(number * 37) % len(frame)])
            reset(connection)


def test_queued_max_request_bytes(hostile, figures):
    """60 clients send 20 requests of a megabyte each, at once; at 4 MB nobody new is read from, and all of
    them are answered."""
    # An ordinary client waits for its turn among them, so it may take longer.
    with hostile(grows_by=30 * MB, slowest_ms=5000, queued_max_request_bytes=4 * MB,
                 socket_request_max_bytes=2 * MB) as watch:
        # More than a gigabyte: two segments.
        watch.logs = 2
        with Connection(watch.server) as connection:
            assert wire.topic_error(connection.call(wire.metadata("queued"))) == 0
        frame = wire.produce("queued", wire.batch(bytes(1 * MB)))
        answered = []

        def send():
            with Connection(watch.server, seconds=60) as client:
                for _ in range(20):
                    # In pieces: with all of them in memory, it would be 60 MB.
                    for place in range(0, len(frame), 100_000):
                        client.send(frame[place:place + 100_000])
                    answered.append(wire.produce_result(client.receive(), "queued"))

        clients = [threading.Thread(target=send) for _ in range(60)]
        for client in clients:
            client.start()
        for client in clients:
            client.join()
        assert sorted(answered) == [(0, offset) for offset in range(1200)]
        figures("requests answered", len(answered))
        assert "event=requests_held_back" in watch.server.stderr()


# Readers


def test_slow_readers_of_data(hostile, figures):
    """50 connections ask 100 times for a megabyte, and read nothing. What they asked for is still right
    when one of them reads on."""
    with hostile(grows_by=40 * MB) as watch:
        fill(watch.server, "large", 20)
        asked = wire.fetch("large") * 100
        slow = connections(watch.server, 50)
        for connection in slow:
            send_what_fits(connection, asked, seconds=0.05)
        time.sleep(1)
        for _ in range(5):
            error, records = wire.fetch_result(slow[0].receive(), "large")
            assert error == 0
            assert len(records) > 900_000
        figures("readers", len(slow))
        close_all(slow)


@pytest.mark.parametrize("waiting", [False, True], ids=["at once", "behind a fetch that waits"])
def test_a_flood_of_requests_for_much(hostile, figures, waiting):
    """30 connections ask 20,000 times for the metadata of 200 partitions, and read nothing: unread answers
    wait in the output, and those behind a waiting fetch in the node. Both are bounded."""
    with hostile(grows_by=30 * 4 * MB, num_partitions=100) as watch:
        watch.logs = 100
        with Connection(watch.server) as connection:
            assert wire.topic_error(connection.call(wire.metadata("wide"))) == 0
            answer = len(connection.call(ALL_METADATA))
        first = wire.fetch("wide", max_wait_ms=3_600_000) if waiting else b""
        flooding = connections(watch.server, 30)
        taken = [send_what_fits(connection, first + ALL_METADATA * 20_000, seconds=0.1) for connection in flooding]
        time.sleep(3)
        figures("asked for", f"{sum(taken) // len(ALL_METADATA) * answer / 1e6:.0f} MB")
        close_all(flooding)


def test_a_flood_of_small_requests(hostile, figures):
    """20 connections send 200,000 requests each as fast as they can, and read nothing."""
    with hostile(grows_by=20 * 6 * MB) as watch:
        flooding = connections(watch.server, 20)
        taken = [send_what_fits(connection, VERSIONS * 200_000, seconds=0.1) for connection in flooding]
        figures("requests taken from the sockets", sum(taken) // len(VERSIONS))
        # One of them reads after all: every answer, and in order of the requests.
        for _ in range(1000):
            assert flooding[0].receive()[:4] == VERSIONS[8:12]
        close_all(flooding)


def test_half_closed_connections_get_their_answers(hostile):
    """Requests, then the end of the sending direction: all answers come, then the end. Fetches do not wait."""
    with hostile(grows_by=40 * MB) as watch:
        with Connection(watch.server) as connection:
            assert wire.topic_error(connection.call(wire.metadata("half"))) == 0
        produce = wire.produce("half", wire.batch(b"v"))
        fetch = wire.fetch("half", offset=1 << 40, max_wait_ms=3_600_000)
        waits = wire.fetch("half", max_wait_ms=3_600_000, min_bytes=1 << 30)
        for number in range(100):
            count = 1 + number * 7 % 300
            with Connection(watch.server) as connection:
                connection.send((produce + fetch + waits) * count)
                connection.socket.shutdown(socket.SHUT_WR)
                for _ in range(count):
                    assert wire.produce_result(connection.receive(), "half")[0] == 0
                    assert wire.fetch_result(connection.receive(), "half")[0] == 1  # OFFSET_OUT_OF_RANGE
                    assert wire.fetch_result(connection.receive(), "half")[0] == 0
                assert connection.is_ended_by_the_broker()


# Connections


def test_5000_idle_connections(hostile, figures):
    """They cost memory and a descriptor each, and nobody is held up."""
    limit = take_all_descriptors()
    count = min(5000, limit - 500)
    with hostile(grows_by=count * 4000 + 10 * MB) as watch:
        idle = connections(watch.server, count)
        # The last one is served: so all of them were accepted.
        idle[-1].call(VERSIONS)
        used = processor_seconds(watch.pid)
        time.sleep(2)
        figures("connections", f"{count} of 5000 (descriptor limit {limit})")
        figures("processor in 2 s", f"{processor_seconds(watch.pid) - used:.2f} s")
        for connection in idle[::500]:
            connection.call(VERSIONS)
        close_all(idle)


def test_connections_that_come_and_go(hostile, figures):
    """10,000 connections, some with a request, some without, some that do not wait for the answer."""
    with hostile(grows_by=30 * MB) as watch:
        started = time.monotonic()
        for number in range(10_000):
            connection = Connection(watch.server)
            if number % 3 == 0:
                connection.call(VERSIONS)
            elif number % 3 == 1:
                connection.send(VERSIONS)
            if number % 7 == 0:
                reset(connection)
            else:
                connection.socket.close()
        figures("connections per second", round(10_000 / (time.monotonic() - started)))


def test_descriptors_run_out(hostile, figures):
    """With 300 descriptors, 500 clients come. The broker waits without spinning, leaves some descriptors for
    files, and serves whoever is left when others go."""
    with hostile(grows_by=20 * MB, descriptors=300) as watch:
        early = Connection(watch.server)
        early.call(VERSIONS)
        crowd = connections(watch.server, 500)
        wait_until(lambda: "event=connections_held_back" in watch.server.stderr())
        used = processor_seconds(watch.pid)
        time.sleep(2)
        spent = processor_seconds(watch.pid) - used
        figures("processor in 2 s", f"{spent:.2f} s")
        # The ordinary client alone needs some of it.
        assert spent < 1.2
        # New topics need descriptors too.
        for number in range(10):
            name = f"new.{number}"
            assert wire.topic_error(early.call(wire.metadata(name))) == 0
            assert wire.produce_result(early.call(wire.produce(name, wire.batch(b"v"))), name) == (0, 0)
        close_all(crowd[:300])
        crowd[-1].call(VERSIONS)
        close_all(crowd[300:])
        early.socket.close()
        assert watch.server.stderr().count("event=connections_held_back") <= 10
        watch.logs = 10


def test_max_connections_per_ip(hostile):
    """Surplus connections are closed at once; the others are served."""
    with hostile(grows_by=20 * MB, max_connections_per_ip=20) as watch:
        # The ordinary client has one.
        allowed = connections(watch.server, 19)
        for connection in allowed:
            connection.call(VERSIONS)
        for _ in range(4000):
            with Connection(watch.server) as surplus:
                assert surplus.is_ended_by_the_broker()
        for connection in allowed:
            connection.call(VERSIONS)
        close_all(allowed)


def test_hostile_text_stays_on_its_line(hostile):
    """Names with line breaks, quotes and escape sequences: the log has whole lines only (see Watch)."""
    with hostile(grows_by=20 * MB) as watch:
        forged = 'x"\nts=2026-01-01T00:00:00.000Z level=error event=forged a="\r\x1b[31m\u2028\u202e'
        with Connection(watch.server) as connection:
            connection.call(wire.metadata(forged))
            connection.call(wire.metadata(forged[:1] + "." * 200))
        for _ in range(2000):
            with Connection(watch.server) as connection:
                connection.send(request(9999, 0, forged.encode(), client_id=forged))
                assert connection.is_ended_by_the_broker()
            with Connection(watch.server) as connection:
                connection.send(framed(forged.encode()))
                assert connection.is_ended_by_the_broker()
        assert "event=request_refused" in watch.server.stderr()
        assert "\nts=2026-01-01T00:00:00.000Z" not in watch.server.stderr()
