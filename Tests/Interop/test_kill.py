"""kill -9 in the middle of writing, again and again: what was acknowledged is there."""

import random
import struct
import time
from array import array

import pytest
from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition

ROUNDS = 20
TOPIC = "killed"
VALUE_BYTES = 200


class Writer:
    """Writes as fast as it can, until the broker is killed under it. Each value begins with a number."""

    def __init__(self, server, first_number: int):
        self.server = server
        self.next_number = first_number
        # Offsets and numbers of the records that the broker has acknowledged, side by side.
        self.offsets, self.numbers = array("q"), array("q")
        self.unacknowledged = 0
        self.producer = Producer({
            "bootstrap.servers": server.address,
            # A retry could write a record twice; without idempotence nobody would notice.
            "message.send.max.retries": 0,
            "acks": "all",
            # What purge() does not catch, on its way between two queues of the client, ends by this.
            "message.timeout.ms": 10_000,
            "linger.ms": 1,
            "batch.num.messages": 500,
            "queue.buffering.max.messages": 50_000,
            # The killed broker is not coming back on this port, and need not be mourned on stderr.
            "log_level": 0,
        })

    def _delivered(self, error, message):
        if error:
            self.unacknowledged += 1
        else:
            self.offsets.append(message.offset())
            self.numbers.append(struct.unpack_from(">q", message.value())[0])

    def _write(self, count: int):
        filler = bytes(VALUE_BYTES - 8)
        for _ in range(count):
            value = struct.pack(">q", self.next_number) + filler
            try:
                self.producer.produce(TOPIC, value, partition=0, on_delivery=self._delivered)
            except BufferError:
                return
            self.next_number += 1

    def write_until_killed(self, acknowledged: int, burst: int):
        """Writes until this many records are acknowledged, then a burst, and kills the broker in the
        middle of that: no time goes by with reports between the last record and the kill."""
        deadline = time.monotonic() + 60
        while len(self.offsets) < acknowledged:
            assert time.monotonic() < deadline, f"{len(self.offsets)} records acknowledged in 60 s"
            self._write(100)
            self.producer.poll(0)
        self._write(burst)
        self.server.kill()
        # An acknowledgement that has already arrived still counts; the rest is given up.
        self.producer.purge()
        assert self.producer.flush(30) == 0


class Reader:
    """Reads on from where it stopped, and checks each record on the way."""

    def __init__(self):
        # The number of the record at each offset.
        self.numbers = array("q")

    def read_to_the_end(self, server):
        consumer = Consumer({
            "bootstrap.servers": server.address, "group.id": "unused", "enable.auto.commit": False,
            "auto.offset.reset": "error", "check.crcs": True, "fetch.wait.max.ms": 10,
            "fetch.queue.backoff.ms": 10, "queued.max.messages.kbytes": 16_384,
        })
        partition = TopicPartition(TOPIC, 0, len(self.numbers))
        consumer.assign([partition])
        beginning, end = consumer.get_watermark_offsets(partition, timeout=20)
        assert beginning == 0
        assert end >= len(self.numbers), f"the log ends at {end}, and once had {len(self.numbers)} records"
        deadline = time.monotonic() + 60
        while len(self.numbers) < end:
            assert time.monotonic() < deadline, f"read {len(self.numbers)} of {end} records in 60 s"
            for message in consumer.consume(10_000, timeout=1):
                if message.error():
                    raise KafkaException(message.error())
                # Without gaps or repeats: offsets count up by one, and the numbers only grow.
                assert message.offset() == len(self.numbers)
                value = message.value()
                [number] = struct.unpack_from(">q", value)
                assert len(value) == VALUE_BYTES
                assert not self.numbers or number > self.numbers[-1], f"offset {message.offset()}"
                self.numbers.append(number)
        consumer.close()


def missing_records(reader: Reader, writer: Writer) -> list[tuple[int, int]]:
    """Acknowledged records that are not where the broker said; offset and number of the first ones."""
    assert len(writer.offsets) > 0
    missing = [
        (offset, number)
        for offset, number in zip(writer.offsets, writer.numbers)
        if offset >= len(reader.numbers) or reader.numbers[offset] != number
    ]
    return missing[:10]


@pytest.mark.timeout(240)
def test_twenty_kills_lose_nothing_that_was_acknowledged(start_broker, capsys):
    """Each round goes on with the directory that the last one left, over several segments."""
    server = start_broker(log_segment_bytes=16 << 20)
    reader = Reader()
    seeded = random.Random(20)
    start_seconds = []
    acknowledged = next_number = interrupted = 0
    for _ in range(ROUNDS):
        writer = Writer(server, next_number)
        writer.write_until_killed(seeded.randrange(1_000, 30_000), burst=seeded.randrange(1_000, 20_000))
        next_number = writer.next_number
        start_seconds.append(server.start())
        known = len(reader.numbers)
        reader.read_to_the_end(server)
        assert missing_records(reader, writer) == []
        acknowledged += len(writer.offsets)
        interrupted += writer.unacknowledged > 0
        with capsys.disabled():
            print(
                f"\nround {len(start_seconds):2}: {len(writer.offsets):6} acknowledged, "
                f"{writer.unacknowledged:6} not, "
                f"{len(reader.numbers) - known:6} found, ready in {start_seconds[-1] * 1000:4.0f} ms", end="")

    # What was read after each round is what a reader of the whole log finds at the end.
    whole = Reader()
    whole.read_to_the_end(server)
    assert whole.numbers == reader.numbers
    assert len(whole.numbers) >= acknowledged >= ROUNDS * 1_000
    assert len(server.segments(TOPIC)) > 3
    assert interrupted >= ROUNDS / 2, "the kills came when nothing was on the way"
    with capsys.disabled():
        print(
            f"\n{ROUNDS} kills, {interrupted} with records on the way, "
            f"{acknowledged} records acknowledged, {len(whole.numbers)} found in "
            f"{len(server.segments(TOPIC))} segments; start to ready: mean "
            f"{sum(start_seconds) / ROUNDS * 1000:.0f} ms, max {max(start_seconds) * 1000:.0f} ms")


def test_two_clean_stops_and_a_kill_without_writing_change_nothing(start_broker):
    """The log is read again after each."""
    server = start_broker()
    writer = Writer(server, 0)
    writer.write_until_killed(10_000, burst=1_000)
    server.start()
    reader = Reader()
    reader.read_to_the_end(server)
    assert missing_records(reader, writer) == []
    for end in (server.stop, server.kill, server.stop):
        end()
        server.start()
        again = Reader()
        again.read_to_the_end(server)
        assert again.numbers == reader.numbers
