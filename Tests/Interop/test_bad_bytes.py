"""Bytes that no client should send. The broker lives on, and serves everybody else."""

import random
import socket
import struct
from collections import Counter

import pytest

import wire
from clients import CLIENTS, Record
from recorder import Recorder
from wire import Connection, framed, request

UNSUPPORTED_VERSION = 35
SEEDS = 2000


class Witness:
    """A client that behaves, on connections that last through all tests."""

    def __init__(self, server):
        self.server = server
        self.connection = Connection(server)
        self.offset = 0
        assert wire.topic_error(self.connection.call(wire.metadata("witness"))) == 0

    def is_served(self) -> bool:
        """Writes a record, reads it back, and does so on a new connection as well."""
        assert self.server.is_running()
        for connection in (self.connection, Connection(self.server)):
            written = wire.batch(b"still here %d" % self.offset)
            answer = connection.call(wire.produce("witness", written))
            assert wire.produce_result(answer, "witness") == (0, self.offset)
            error, read = wire.fetch_result(connection.call(wire.fetch("witness", self.offset)), "witness")
            assert error == 0
            # But for the base offset and the leader epoch, which the broker sets.
            assert read[16:] == written[16:]
            self.offset += 1
        connection.socket.close()
        return True


@pytest.fixture(scope="module")
def witness(broker):
    witness = Witness(broker)
    yield witness
    assert witness.is_served()
    witness.connection.socket.close()


@pytest.fixture(autouse=True)
def after_each_test(witness):
    yield
    assert witness.is_served()


def send_and_close(broker, data: bytes) -> bytes:
    """Sends `data`, says that no more will come, and returns what came until the broker closed too."""
    answer = b""
    with Connection(broker, seconds=10) as connection:
        try:
            connection.send(data)
            connection.socket.shutdown(socket.SHUT_WR)
            while piece := connection.socket.recv(1 << 16):
                answer += piece
        except (ConnectionResetError, BrokenPipeError, OSError) as error:
            assert not isinstance(error, TimeoutError), "the broker keeps a connection that its client has left"
    return answer


def test_random_bytes(broker):
    """300 connections of up to 2,000 random bytes."""
    for seed in range(300):
        seeded = random.Random(seed)
        send_and_close(broker, seeded.randbytes(seeded.randrange(1, 2000)))


def test_random_bytes_in_whole_frames(broker):
    """The length fits; nothing else does."""
    for seed in range(300):
        seeded = random.Random(seed)
        send_and_close(broker, framed(seeded.randbytes(seeded.randrange(0, 500))))


@pytest.mark.parametrize("api", [0, 1, 2, 3, 10, 18])
def test_random_bytes_behind_a_valid_header(broker, api):
    """Every version's decoder meets 40 bodies of noise."""
    for version in range(17):
        for seed in range(40):
            seeded = random.Random(f"{api} {version} {seed}")
            send_and_close(broker, request(api, version, seeded.randbytes(seeded.randrange(100))))


def test_requests_cut_at_every_byte(broker, topic):
    """Half a request, and then the end."""
    cut = 0
    produce = wire.produce(topic, wire.batch(b"v"))
    for frame in (request(wire.API_VERSIONS, 0), wire.metadata(topic), wire.fetch(topic), produce):
        for length in range(len(frame)):
            assert send_and_close(broker, frame[:length]) == b""
            cut += 1
    assert cut > 300


@pytest.mark.parametrize("body", [b"", b"\0", b"\0\x12\0\0\0\0\0", b"\0\x12\0\0\0\0\0\7"])
def test_a_frame_too_short_for_a_header(broker, body):
    """The broker ends the connection; nobody has to wait for it."""
    with Connection(broker) as connection:
        connection.send(framed(body))
        assert connection.is_ended_by_the_broker()


@pytest.mark.parametrize("length", [2**31 - 1, 104_857_601, -1, -2**31])
def test_a_length_that_cannot_be(broker, length):
    """2 GB, a byte over socket.request.max.bytes, and negative lengths end the connection."""
    with Connection(broker) as connection:
        connection.send(struct.pack(">i", length) + bytes(100))
        assert connection.is_ended_by_the_broker()


def test_a_claimed_length_takes_no_memory(broker):
    """A hundred connections that announce 100 MB each, and send a kilobyte of it."""
    before = broker.resident_bytes()
    connections = [Connection(broker) for _ in range(100)]
    for connection in connections:
        connection.send(struct.pack(">i", 100_000_000) + bytes(1000))
    with Connection(broker) as connection:
        connection.call(request(wire.API_VERSIONS, 0))
    assert broker.resident_bytes() - before < 100_000_000
    for connection in connections:
        connection.socket.close()


def test_slow_clients_hold_nobody_up(broker, witness):
    """200 connections stop inside a request and stay; then each sends the rest, byte by byte."""
    frame = request(wire.API_VERSIONS, 0)
    connections = [Connection(broker) for _ in range(200)]
    for index, connection in enumerate(connections):
        connection.send(frame[:index % len(frame)])
    assert witness.is_served()
    for index, connection in enumerate(connections):
        for byte in frame[index % len(frame):]:
            connection.send(bytes([byte]))
        assert connection.receive()[:4] == frame[8:12]
        connection.socket.close()


@pytest.mark.parametrize("api, version", [
    (9999, 0), (-1, 0), (50, 0),  # APIs that are not served.
    (0, 12), (0, -1), (1, 3), (1, 17), (1, 32767), (2, 0), (3, 14), (10, 7),
])
def test_an_api_or_version_that_is_not_served(broker, api, version):
    """There is no way to answer it, so the connection ends: also in Kafka."""
    with Connection(broker) as connection:
        connection.call(request(wire.API_VERSIONS, 0))
        connection.send(request(api, version, bytes(100)))
        assert connection.is_ended_by_the_broker()


@pytest.mark.parametrize("version", [5, 99, 32767])
def test_api_versions_in_a_later_version_is_answered_in_version_0(broker, version):
    """KIP-511: error 35, and what is served; the client goes on, on the same connection."""
    with Connection(broker) as connection:
        answer = connection.call(request(wire.API_VERSIONS, version, b"\0whatever comes later"))
        error, count = struct.unpack_from(">hi", answer, 4)
        assert error == UNSUPPORTED_VERSION
        # Nothing but rows of six bytes: no throttle time, no tags.
        assert count > 0
        assert len(answer) == 4 + 2 + 4 + 6 * count
        offered = {row[0]: row[1:] for row in struct.iter_unpack(">hhh", answer[10:])}
        assert len(offered) == count
        assert offered[wire.API_VERSIONS][0] == 0
        assert offered[wire.API_VERSIONS][1] < version
        again = connection.call(request(wire.API_VERSIONS, 0))
        assert again[4:6] == b"\0\0"
        assert again[6:] == answer[6:]


def test_produce_versions_that_are_offered_but_not_taken_are_answered(broker, topic):
    """Produce 0 to 2 carry old message formats: an error for the partition, in that version's form."""
    body = struct.pack(">hii", -1, 10_000, 1) + wire.string(topic) + struct.pack(">iii", 1, 0, 40) + bytes(40)
    with Connection(broker) as connection:
        for version in (0, 1, 2):
            answer = connection.call(request(wire.PRODUCE, version, body))
            error, offset = wire.produce_result(answer, topic)
            assert error == 43  # UNSUPPORTED_FOR_MESSAGE_FORMAT
            assert offset == -1


def test_damaged_batches_are_refused_and_not_stored(broker, topic):
    """A byte changed anywhere that the CRC covers: CORRUPT_MESSAGE. The log stays empty."""
    batch = wire.batch(b"one", b"two", b"three")
    with Connection(broker) as connection:
        assert wire.topic_error(connection.call(wire.metadata(topic))) == 0
        for position in range(17, len(batch)):
            damaged = bytearray(batch)
            damaged[position] ^= 0x40
            error, offset = wire.produce_result(connection.call(wire.produce(topic, bytes(damaged))), topic)
            assert (error, offset) == (2, -1), f"byte {position}"
        for length in range(len(batch)):
            error, offset = wire.produce_result(connection.call(wire.produce(topic, batch[:length])), topic)
            # 87, INVALID_RECORD, for a partition without any batch.
            assert (error, offset) == (2 if length else 87, -1), f"{length} bytes"
        assert wire.fetch_result(connection.call(wire.fetch(topic)), topic) == (0, b"")
        assert wire.produce_result(connection.call(wire.produce(topic, batch)), topic) == (0, 0)


@pytest.fixture
def recorded(start_broker):
    """A broker, and the requests that the three clients sent to it: mutated, they still name topics
    of its."""
    recorder = Recorder()
    server = start_broker(advertised_listeners=recorder.address)
    recorder.server = server
    for client in CLIENTS:
        topic = f"recorded.{client}"
        records = [Record(b"key", b"value", (("name", b"value"),)), Record(b"", None)]
        with client.producer(recorder.address) as producer:
            producer.send(topic, records)
        with client.consumer(recorder.address, topic) as consumer:
            assert consumer.take(2) == list(enumerate(records))
            assert consumer.ends() == (0, 2)
            assert consumer.offset_for_time(1) is not None
    recorder.close()
    return server, [frame for _, found in sorted(recorder.frames().items()) for frame in found[:3]]


INTERESTING = [0, 1, -1, -2, 127, -128, 2**15 - 1, 2**31 - 1, -2**31, 2**20]


def mutate(frame: bytes, frames: list[bytes], seeded: random.Random) -> bytes:
    """A request that is almost valid."""
    body = bytearray(frame[4:])
    for _ in range(seeded.choice([1, 1, 1, 2, 4])):
        place = seeded.randrange(len(body))
        match seeded.randrange(9):
            case 0 | 7 | 8:
                body[place] ^= 1 << seeded.randrange(8)
            case 1:
                body[place] = seeded.choice([0, 1, 0x7F, 0x80, 0xFF])
            case 2:
                number = struct.pack(">i", seeded.choice(INTERESTING))
                body[place:place + 4] = number[:len(body[place:place + 4])]
            case 3 if len(body) > 20:
                del body[max(place, 8):]
            case 4:
                del body[place:place + seeded.randrange(1, 4)]
            case 5:
                body[place:place] = seeded.randbytes(seeded.randrange(1, 9))
            case _:
                # The tail of another request.
                body[place:] = seeded.choice(frames)[place:]
        if not body:
            return framed(b"")
    return framed(bytes(body))


def test_mutations_of_what_clients_send(recorded):
    """2,000 seeds; each mutation is followed by a valid request, on a connection of its own."""
    server, frames = recorded
    apis = Counter(struct.unpack_from(">h", frame, 4)[0] for frame in frames)
    assert set(apis) >= {wire.PRODUCE, wire.FETCH, wire.LIST_OFFSETS, wire.METADATA, wire.API_VERSIONS}
    witness = Witness(server)
    seen = Counter()
    for seed in range(SEEDS):
        seeded = random.Random(seed)
        mutated = mutate(seeded.choice(frames), frames, seeded)
        answer = send_and_close(server, mutated + request(wire.API_VERSIONS, 0, correlation=-5))
        seen["answered" if answer else "closed"] += 1
        assert server.is_running(), f"seed {seed}: {mutated.hex()}"
        if seed % 100 == 0:
            assert witness.is_served()
    assert witness.is_served()
    witness.connection.socket.close()
    # Both kinds of mutation were among them: readable and not.
    assert min(seen["answered"], seen["closed"]) > SEEDS / 20, seen
    assert server.resident_bytes() < 500_000_000
