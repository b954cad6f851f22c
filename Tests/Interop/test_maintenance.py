"""Retention and compaction under load, beside a reader that keeps reading: what must be there is, and what
must be gone goes in time."""

import random
import threading
import time

import pytest
from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource, NewTopic

# What the broker is told, in milliseconds, and what a busy machine may add.
CHECK_INTERVAL = 200
FILE_DELETE_DELAY = 300
SLACK = 4000
BROKER_SETTINGS = {
    "log_retention_check_interval_ms": CHECK_INTERVAL,
    "log_cleaner_backoff_ms": 100,
    "log_segment_delete_delay_ms": FILE_DELETE_DELAY,
}
SECONDS = 10


def create(broker, topic, **configs):
    admin = AdminClient({"bootstrap.servers": broker.address})
    configs = {name.replace("_", "."): str(value) for name, value in configs.items()}
    admin.create_topics([NewTopic(topic, 1, config=configs)])[topic].result(timeout=20)
    return admin


def set_config(admin, topic, name, value):
    entry = ConfigEntry(name, str(value), incremental_operation=AlterConfigOpType.SET)
    resource = ConfigResource(ConfigResource.Type.TOPIC, topic, incremental_configs=[entry])
    [future] = admin.incremental_alter_configs([resource]).values()
    future.result(timeout=20)


class Writer(threading.Thread):
    """Writes keyed records, some of them tombstones, until it is told to stop."""

    def __init__(self, broker, topic, keys=500, tombstones=0.1):
        super().__init__(daemon=True)
        self.topic, self.keys, self.tombstones = topic, keys, tombstones
        self.random = random.Random(3)
        # What was acknowledged, by offset: key, value, milliseconds since 1970. And each key's last offset.
        self.records, self.latest = {}, {}
        self.end = 0
        self.failures = []
        self.lock = threading.Lock()
        self.stopping = threading.Event()
        self.producer = Producer({
            "bootstrap.servers": broker.address, "acks": "all", "linger.ms": 2, "batch.size": 32_768,
            "message.send.max.retries": 0, "max.in.flight.requests.per.connection": 1,
        })

    def delivered(self, error, message):
        if error:
            self.failures.append(error)
            return
        with self.lock:
            self.records[message.offset()] = (message.key(), message.value(), message.timestamp()[1])
            self.latest[message.key()] = max(message.offset(), self.latest.get(message.key(), -1))
            self.end = max(self.end, message.offset() + 1)

    def run(self):
        number = 0
        while not self.stopping.is_set():
            for _ in range(100):
                key = b"key-%d" % self.random.randrange(self.keys)
                value = None if self.random.random() < self.tombstones else b"%d " % number + bytes(150)
                self.producer.produce(self.topic, value, key, partition=0, on_delivery=self.delivered)
                number += 1
            self.producer.poll(0.01)
        self.producer.flush(30)

    def stop(self):
        self.stopping.set()
        self.join(60)
        assert not self.failures, self.failures[:3]

    def acknowledged(self):
        """The last offset of each key, and the end, as they are now."""
        with self.lock:
            return dict(self.latest), self.end


def read_through(broker, topic, end):
    """Reads from the beginning that there is up to `end` and a little further: pairs of offset and message."""
    consumer = Consumer({
        "bootstrap.servers": broker.address, "group.id": "unused", "enable.auto.commit": False,
        "auto.offset.reset": "earliest", "check.crcs": True, "fetch.wait.max.ms": 10,
    })
    try:
        low, high = consumer.get_watermark_offsets(TopicPartition(topic, 0), timeout=20)
        read = []
        # A segment may go between the question and the fetch: then the client begins at the new start.
        consumer.assign([TopicPartition(topic, 0, low)])
        deadline = time.monotonic() + 30
        while low < min(end, high):
            assert time.monotonic() < deadline, f"read {len(read)} records up to {low} of {min(end, high)}"
            for message in consumer.consume(5000, timeout=0.2):
                if message.error():
                    raise KafkaException(message.error())
                assert not read or message.offset() > read[-1].offset(), "an offset came twice"
                read.append(message)
            # Compaction may have taken the last offsets below the end: then only the position tells.
            [place] = consumer.position([TopicPartition(topic, 0)])
            low = max(low, place.offset)
            if not read:
                low = max(low, consumer.get_watermark_offsets(TopicPartition(topic, 0), timeout=20)[0])
        return read
    finally:
        consumer.close()


def check_contents(read, writer):
    """Each record is the one that was acknowledged with its offset."""
    with writer.lock:
        records = dict(writer.records)
    for message in read:
        if message.offset() in records:
            assert (message.key(), message.value()) == records[message.offset()][:2], message.offset()


def wait_until(condition, seconds, what):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(0.05)


@pytest.mark.timeout(240)
def test_compaction_under_load(start_broker, topic, figures):
    broker = start_broker(**BROKER_SETTINGS)
    create(
        broker, topic, cleanup_policy="compact", segment_bytes=256 << 10, segment_ms=1000,
        min_cleanable_dirty_ratio=0.3, delete_retention_ms=3_600_000, file_delete_delay_ms=FILE_DELETE_DELAY)
    writer = Writer(broker, topic)
    writer.start()
    wait_until(lambda: writer.end > 1000, 30, "1,000 records")
    stops = time.monotonic() + SECONDS
    passes = 0
    while time.monotonic() < stops:
        latest, end = writer.acknowledged()
        read = read_through(broker, topic, end)
        check_contents(read, writer)
        seen = {message.key(): message.offset() for message in read}
        # The record of each key that was its last one, or a later one.
        missing = [key for key, offset in latest.items() if seen.get(key, -1) < offset]
        assert missing == [], f"pass {passes}: {missing[:5]} of {len(latest)} keys"
        passes += 1
    writer.stop()
    latest, end = writer.acknowledged()

    # Nothing comes any more: the last segment is rolled by its age, and in the end each key is there once.
    def remaining():
        return [(message.key(), message.offset()) for message in read_through(broker, topic, end)]

    expected = sorted(latest.items(), key=lambda entry: entry[1])
    wait_until(lambda: remaining() == expected, 30, "each key once")
    compacted = broker.stderr().count("event=log_compacted")
    assert passes >= 3 and compacted >= 3
    path = broker.directory / f"{topic}-0"
    wait_until(lambda: not list(path.glob("*.deleted")), 10, "the replaced files are removed")
    figures("records", end)
    figures("passes of the reader", passes)
    figures("compactions", compacted)


@pytest.mark.timeout(240)
def test_retention_under_load(start_broker, topic, figures):
    broker = start_broker(**BROKER_SETTINGS)
    retention, segment = 2000, 500
    admin = create(
        broker, topic, retention_ms=retention, segment_bytes=4 << 20, segment_ms=segment,
        file_delete_delay_ms=FILE_DELETE_DELAY)
    writer = Writer(broker, topic, tombstones=0)
    writer.start()
    wait_until(lambda: writer.end > 1000, 30, "1,000 records")
    stops = time.monotonic() + SECONDS
    passes, oldest, starts = 0, 0, []
    while time.monotonic() < stops:
        _, end = writer.acknowledged()
        asked = time.time() * 1000
        read = read_through(broker, topic, end)
        check_contents(read, writer)
        offsets = [message.offset() for message in read]
        # What stands at the beginning has been due for no longer than it may ...
        age = asked - read[0].timestamp()[1]
        assert age <= retention + segment + CHECK_INTERVAL + SLACK, f"{age} ms old"
        oldest = max(oldest, age)
        # ... and what went was due, before it or under the reader's eyes: a segment's last record is its youngest.
        for before, offset in zip([-1, *offsets], offsets):
            if offset != before + 1:
                with writer.lock:
                    gone = writer.records[offset - 1][2]
                assert time.time() * 1000 - gone >= retention, f"{before} to {offset}"
        starts.append(offsets[0])
        passes += 1
    writer.stop()
    assert starts[-1] > 0 and passes >= 3
    _, end = writer.acknowledged()

    # Nothing comes any more: all of it goes, and so do the files.
    wait_until(lambda: [path.name for path in broker.segments(topic)] == [f"{end:020}.log"], 15, "an empty log")
    path = broker.directory / f"{topic}-0"
    wait_until(lambda: not list(path.glob("*.deleted")), 10, "the deleted files are removed")
    assert read_through(broker, topic, end) == []
    figures("records", end)
    figures("oldest record of a reader in ms", round(oldest))
    # A config that is altered counts at the next check.
    set_config(admin, topic, "retention.ms", -1)
    again = Writer(broker, topic, tombstones=0)
    again.start()
    wait_until(lambda: again.end > end + 20_000, 60, "20,000 records")
    again.stop()
    size = sum(path.stat().st_size for path in broker.segments(topic))
    set_config(admin, topic, "retention.bytes", 1 << 20)
    segment_max = max(path.stat().st_size for path in broker.segments(topic))
    wait_until(
        lambda: sum(path.stat().st_size for path in broker.segments(topic)) <= (1 << 20) + segment_max, 15,
        "less than retention.bytes and a segment")
    assert size > (1 << 20)


@pytest.mark.timeout(120)
def test_a_deleted_topic_leaves_the_disk_and_its_name_is_free_at_once(start_broker, topic):
    broker = start_broker(**BROKER_SETTINGS)
    for round in range(5):
        admin = create(broker, topic, segment_bytes=64 << 10)
        writer = Writer(broker, topic)
        writer.start()
        wait_until(lambda: writer.end > 2000, 30, "2,000 records")
        writer.stop()
        records = read_through(broker, topic, writer.end)
        assert [message.offset() for message in records] == list(range(writer.end)), f"round {round}"
        check_contents(records, writer)
        admin.delete_topics([topic])[topic].result(timeout=20)
    wait_until(
        lambda: not [entry for entry in broker.directory.iterdir() if topic in entry.name], 15,
        "no directory of the topic")
