"""1,000 topics of 10 partitions each: created over the wire, listed, written, and there after a restart."""

import time

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, NewTopic

TOPICS, PARTITIONS = 1000, 10
# On a machine that is busy otherwise, every synchronize waits for a time slice.
SECONDS_MAX = 240
NAMES = [f"many-{number}" for number in range(TOPICS)]


@pytest.mark.timeout(900)
def test_a_thousand_topics(start_broker, figures):
    broker = start_broker()

    def timed(name, action):
        started = time.monotonic()
        result = action()
        figures(f"{name} s", f"{time.monotonic() - started:.2f}")
        return result

    def megabytes(name):
        figures(f"{name} MB", broker.resident_bytes() >> 20)

    megabytes("empty")
    admin = AdminClient({"bootstrap.servers": broker.address})
    for start in range(0, TOPICS, 500):
        futures = timed("create 500", lambda: wait(admin.create_topics(
            [NewTopic(name, PARTITIONS, 1) for name in NAMES[start:start + 500]], operation_timeout=SECONDS_MAX)))
        assert len(futures) == 500
    megabytes("created")
    check(timed("list", lambda: admin.list_topics(timeout=SECONDS_MAX)))
    timed("write each", lambda: write_each(broker.address))
    megabytes("written")
    timed("stop", lambda: broker.stop(seconds=SECONDS_MAX))
    started = broker.start()
    figures("start s", f"{started:.2f}")
    megabytes("started")
    check(timed("list again", lambda: AdminClient({"bootstrap.servers": broker.address}).list_topics(timeout=SECONDS_MAX)))
    timed("write each again", lambda: write_each(broker.address))
    wide = AdminClient({"bootstrap.servers": broker.address})
    timed("create 1 of 1000 partitions", lambda: wait(wide.create_topics([NewTopic("wide", 1000, 1)])))
    timed("delete all", lambda: wait(wide.delete_topics(NAMES, operation_timeout=SECONDS_MAX)))
    assert set(wide.list_topics(timeout=SECONDS_MAX).topics) == {"wide"}
    broker.stop(seconds=SECONDS_MAX)
    assert started < 5


def wait(futures):
    for future in futures.values():
        future.result(timeout=SECONDS_MAX)
    return futures


def check(listed):
    assert set(listed.topics) == set(NAMES)
    assert all(len(topic.partitions) == PARTITIONS for topic in listed.topics.values())


def write_each(address):
    """One record to each partition."""
    failed = []
    producer = Producer({"bootstrap.servers": address, "linger.ms": 50, "message.timeout.ms": SECONDS_MAX * 1000})
    for name in NAMES:
        for partition in range(PARTITIONS):
            producer.produce(name, b"value", partition=partition, on_delivery=lambda e, _: e and failed.append(e))
    assert producer.flush(SECONDS_MAX) == 0
    assert failed == []
