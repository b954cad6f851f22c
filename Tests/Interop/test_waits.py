"""Fetches wait as long as they should, and no longer."""

import select
import time

import pytest

import watch
import wire
from clients import CLIENTS, CONFLUENT, Record, create_topic

each_client = pytest.mark.parametrize("client", CLIENTS, ids=str)

# A busy machine may be slow; every wait below is longer than this by far.
PROMPT_SECONDS = 2


class Stopwatch:
    def __init__(self):
        self.started = time.monotonic()

    @property
    def seconds(self):
        return time.monotonic() - self.started


def is_silent(connection, seconds) -> bool:
    """Whether nothing comes within this time."""
    readable, _, _ = select.select([connection.socket], [], [], seconds)
    return not readable


@pytest.fixture
def waiting(broker, topic):
    """A connection to an empty topic."""
    create_topic(broker.address, topic)
    with wire.Connection(broker, seconds=40) as connection:
        yield connection


def write(broker, topic, *values):
    with wire.Connection(broker) as connection:
        error, _ = wire.produce_result(connection.call(wire.produce(topic, wire.batch(*values))), topic)
        assert error == 0


def test_a_fetch_is_answered_when_a_produce_arrives(broker, topic, waiting):
    """Long before max_wait_ms is over."""
    waiting.send(wire.fetch(topic, max_wait_ms=30_000))
    assert is_silent(waiting, 0.3)
    stopwatch = Stopwatch()
    write(broker, topic, b"value")
    error, records = wire.fetch_result(waiting.receive(), topic)
    assert stopwatch.seconds < PROMPT_SECONDS
    assert error == 0
    assert len(records) == len(wire.batch(b"value"))


def test_a_fetch_that_nothing_arrives_for_is_answered_after_its_wait(topic, waiting):
    """Empty, not before max_wait_ms, and soon after it."""
    for max_wait_ms in (500, 1000):
        stopwatch = Stopwatch()
        assert wire.fetch_result(waiting.call(wire.fetch(topic, max_wait_ms=max_wait_ms)), topic) == (0, b"")
        assert max_wait_ms / 1000 <= stopwatch.seconds < max_wait_ms / 1000 + PROMPT_SECONDS


@pytest.mark.parametrize("max_wait_ms, min_bytes", [(0, 1), (30_000, 0)])
def test_a_fetch_that_need_not_wait_is_answered_at_once(topic, waiting, max_wait_ms, min_bytes):
    """No time to wait, or nothing to wait for."""
    stopwatch = Stopwatch()
    asked = wire.fetch(topic, max_wait_ms=max_wait_ms, min_bytes=min_bytes)
    assert wire.fetch_result(waiting.call(asked), topic) == (0, b"")
    assert stopwatch.seconds < PROMPT_SECONDS


def test_a_fetch_waits_until_there_are_enough_bytes(broker, topic, waiting):
    """min_bytes: the first batch is too little, the second one makes it enough."""
    waiting.send(wire.fetch(topic, max_wait_ms=30_000, min_bytes=2000))
    write(broker, topic, bytes(1000))
    assert is_silent(waiting, 0.3)
    stopwatch = Stopwatch()
    write(broker, topic, bytes(1500))
    error, records = wire.fetch_result(waiting.receive(), topic)
    assert stopwatch.seconds < PROMPT_SECONDS
    assert error == 0
    assert len(records) == len(wire.batch(bytes(1000))) + len(wire.batch(bytes(1500)))


def test_a_fetch_gets_the_little_there_is_after_its_wait(broker, topic, waiting):
    """min_bytes is not reached in time."""
    write(broker, topic, b"little")
    stopwatch = Stopwatch()
    error, records = wire.fetch_result(waiting.call(wire.fetch(topic, max_wait_ms=700, min_bytes=2000)), topic)
    assert 0.7 <= stopwatch.seconds < 0.7 + PROMPT_SECONDS
    assert error == 0
    assert len(records) == len(wire.batch(b"little"))


def test_a_waiting_fetch_holds_back_the_answers_behind_it(broker, topic, waiting):
    """On one connection answers keep the order of the requests."""
    first, second = wire.fetch(topic, max_wait_ms=30_000), wire.metadata(topic)
    first = first[:8] + b"\0\0\0\1" + first[12:]
    second = second[:8] + b"\0\0\0\2" + second[12:]
    waiting.send(first + second)
    assert is_silent(waiting, 0.3)
    write(broker, topic, b"value")
    assert waiting.receive()[:4] == b"\0\0\0\1"
    assert waiting.receive()[:4] == b"\0\0\0\2"


@each_client
def test_a_consumer_at_the_end_sees_each_new_record_quickly(broker, topic, client):
    """Although it asks the broker to wait for ten seconds."""
    create_topic(broker.address, topic)
    with CONFLUENT.producer(broker.address) as producer, client.consumer(
            broker.address, topic, max_wait_ms=10_000) as consumer:
        assert consumer.poll() == []
        for number in range(5):
            stopwatch = Stopwatch()
            producer.send(topic, [Record(b"", b"%d" % number)])
            [(offset, record)] = consumer.take(1)
            assert stopwatch.seconds < PROMPT_SECONDS
            assert (offset, record.value) == (number, b"%d" % number)


def test_fetches_that_wait_cost_nothing(start_broker, topic, figures):
    """500 connections wait, each for any of 100 partitions; nobody looks at them until a record arrives."""
    broker = start_broker(num_partitions=100)
    create_topic(broker.address, topic)
    connections = [wire.Connection(broker, seconds=40) for _ in range(500)]
    for connection in connections:
        connection.send(wire.fetch(topic, max_wait_ms=60_000, partitions=100))
    assert is_silent(connections[-1], 2)
    before = watch.processor_seconds(broker.process.pid)
    assert is_silent(connections[-1], 5)
    seconds = watch.processor_seconds(broker.process.pid) - before
    stopwatch = Stopwatch()
    write(broker, topic, b"value")
    for connection in connections:
        assert wire.batch(b"value")[16:] in connection.receive()
    figures("milliseconds of processor time in five seconds of waiting", round(seconds * 1000))
    figures("milliseconds until one record has woken all 500", round(stopwatch.seconds * 1000))
    for connection in connections:
        connection.socket.close()
    assert seconds < 0.25
    assert stopwatch.seconds < 20


def test_a_stop_does_not_wait_for_fetches(start_broker, topic):
    """SIGTERM while a fetch waits for a minute."""
    broker = start_broker()
    create_topic(broker.address, topic)
    with wire.Connection(broker) as waiting:
        waiting.send(wire.fetch(topic, max_wait_ms=60_000))
        assert is_silent(waiting, 0.3)
        broker.stop(seconds=5)
        answer = waiting.receive()
        assert answer is None or wire.fetch_result(answer, topic) == (0, b"")
        assert waiting.is_ended_by_the_broker()


@each_client
def test_a_stop_does_not_wait_for_consumers(start_broker, topic, client):
    """SIGTERM while a consumer polls at the end of a log; what it has read was kept."""
    broker = start_broker()
    with client.producer(broker.address) as producer:
        producer.send(topic, [Record(b"", b"value")] * 3)
        with client.consumer(broker.address, topic, max_wait_ms=20_000) as consumer:
            assert len(consumer.take(3)) == 3
            assert consumer.poll() == []
            broker.stop(seconds=5)
    assert sum(batch.count for batch in broker.batches(topic)) == 3
