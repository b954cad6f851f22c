"""Three Kafka clients behind one small interface.

    with client.producer(address, codec="lz4") as producer:
        offsets = producer.send(topic, records)
    with client.consumer(address, topic, start=0) as consumer:
        assert consumer.take(len(records)) == list(zip(offsets, records))

Nothing is retried, so an error that the broker answers is seen: it is raised as `Refused`, with
Kafka's number. Consumers assign their partition; there are no groups.
"""

import asyncio
import time
from dataclasses import dataclass

import aiokafka
import confluent_kafka
import kafka
from confluent_kafka import KafkaError

SECONDS_MAX = 20
MEGABYTE = 1 << 20


@dataclass(frozen=True)
class Record:
    """Every field that a producer chooses."""

    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes | None], ...] = ()
    timestamp: int = 1_700_000_000_000

    def __repr__(self):
        value = self.value if self.value is None or len(self.value) < 50 else f"<{len(self.value)} bytes>"
        return f"Record({self.key}, {value}, {self.headers}, {self.timestamp})"


class Refused(Exception):
    """The broker answered with this error."""

    def __init__(self, code: int):
        super().__init__(f"Kafka's error {code}")
        self.code = code


class Closing:
    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Consumer(Closing):
    """What the three consumers share. `poll` returns a few pairs of offset and record, or none."""

    def take(self, count: int, seconds=SECONDS_MAX) -> list[tuple[int, Record]]:
        """Exactly this many records, or a failure."""
        taken = []
        deadline = time.monotonic() + seconds
        while len(taken) < count:
            assert time.monotonic() < deadline, f"{len(taken)} of {count} records after {seconds} s"
            taken += self.poll()
        assert len(taken) == count, f"{len(taken)} records instead of {count}"
        return taken


# confluent-kafka, which is librdkafka


class ConfluentProducer(Closing):
    def __init__(self, address, codec, request_bytes_max, wait_for_topic_ms):
        self.producer = confluent_kafka.Producer({
            "bootstrap.servers": address,
            "compression.type": codec or "none",
            "message.max.bytes": request_bytes_max,
            "batch.size": MEGABYTE,
            "linger.ms": 50,
            "retries": 0,
            "topic.metadata.propagation.max.ms": wait_for_topic_ms,
        })

    def send(self, topic, records, partition=0):
        offsets, errors = [], []

        def delivered(error, message):
            errors.append(error.code()) if error else offsets.append(message.offset())

        for record in records:
            self.producer.produce(
                topic, partition=partition, key=record.key, value=record.value, headers=list(record.headers),
                timestamp=record.timestamp, on_delivery=delivered)
        assert self.producer.flush(SECONDS_MAX) == 0
        if errors:
            raise Refused(errors[0])
        return offsets

    def close(self):
        self.producer.purge()
        self.producer.flush(SECONDS_MAX)


class ConfluentConsumer(Consumer):
    def __init__(self, address, topic, partition, start, reset, max_wait_ms):
        self.partition = confluent_kafka.TopicPartition(topic, partition, start)
        self.consumer = confluent_kafka.Consumer({
            "bootstrap.servers": address,
            # The client asks for a name, but joins no group as long as it only assigns.
            "group.id": "unused",
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            "auto.offset.reset": "error" if reset == "none" else reset,
            "fetch.wait.max.ms": max_wait_ms,
            "check.crcs": True,
        })
        self.consumer.assign([self.partition])
        self.reached_end = None

    def poll(self):
        records = []
        for message in self.consumer.consume(1000, timeout=0.1):
            if message.error() is None:
                kind, timestamp = message.timestamp()
                assert kind == confluent_kafka.TIMESTAMP_CREATE_TIME
                records.append((message.offset(), Record(
                    message.key(), message.value(), tuple(message.headers() or ()), timestamp)))
            elif message.error().code() == KafkaError._PARTITION_EOF:
                self.reached_end = message.offset()
            elif message.error().code() == KafkaError._AUTO_OFFSET_RESET:
                raise Refused(KafkaError.OFFSET_OUT_OF_RANGE)
            else:
                raise Refused(message.error().code())
        return records

    def wait_for_reset(self):
        deadline = time.monotonic() + SECONDS_MAX
        while self.reached_end is None and time.monotonic() < deadline:
            assert self.poll() == []
        return self.reached_end

    def ends(self):
        return self.consumer.get_watermark_offsets(self.partition, timeout=SECONDS_MAX)

    def offset_for_time(self, timestamp):
        asked = confluent_kafka.TopicPartition(self.partition.topic, self.partition.partition, timestamp)
        [found] = self.consumer.offsets_for_times([asked], timeout=SECONDS_MAX)
        assert found.error is None
        # The client does not say the record's timestamp.
        return None if found.offset == confluent_kafka.OFFSET_END else (found.offset, None)

    def close(self):
        self.consumer.close()


# kafka-python


class KafkaPythonProducer(Closing):
    def __init__(self, address, codec, request_bytes_max, wait_for_topic_ms):
        self.producer = kafka.KafkaProducer(
            bootstrap_servers=address, compression_type=codec, max_request_size=request_bytes_max,
            batch_size=MEGABYTE, linger_ms=50, retries=0, enable_idempotence=False, max_block_ms=wait_for_topic_ms)

    def send(self, topic, records, partition=0):
        try:
            futures = [
                self.producer.send(
                    topic, record.value, record.key, list(record.headers), partition, record.timestamp)
                for record in records
            ]
            return [future.get(SECONDS_MAX).offset for future in futures]
        except kafka.errors.BrokerResponseError as error:
            raise Refused(error.errno) from error

    def close(self):
        self.producer.close(timeout=SECONDS_MAX)


class KafkaPythonConsumer(Consumer):
    def __init__(self, address, topic, partition, start, reset, max_wait_ms):
        self.partition = kafka.TopicPartition(topic, partition)
        self.start = start
        self.consumer = kafka.KafkaConsumer(
            bootstrap_servers=address, group_id=None, auto_offset_reset=reset, fetch_max_wait_ms=max_wait_ms,
            check_crcs=True)
        self.consumer.assign([self.partition])
        self.consumer.seek(self.partition, start)

    def poll(self):
        try:
            polled = self.consumer.poll(timeout_ms=100).get(self.partition, [])
        except kafka.errors.OffsetOutOfRangeError as error:
            raise Refused(error.errno) from error
        return [from_python(message) for message in polled]

    def wait_for_reset(self):
        deadline = time.monotonic() + SECONDS_MAX
        while self.consumer.position(self.partition) == self.start and time.monotonic() < deadline:
            assert self.poll() == []
        return self.consumer.position(self.partition)

    def ends(self):
        [beginning] = self.consumer.beginning_offsets([self.partition]).values()
        [end] = self.consumer.end_offsets([self.partition]).values()
        return beginning, end

    def offset_for_time(self, timestamp):
        found = self.consumer.offsets_for_times({self.partition: timestamp})[self.partition]
        return found and (found.offset, found.timestamp)

    def close(self):
        self.consumer.close()


def from_python(message):
    """A record as kafka-python and aiokafka represent it."""
    assert message.timestamp_type == 0, "not CreateTime"
    return message.offset, Record(message.key, message.value, tuple(message.headers), message.timestamp)


# aiokafka


class AioProducer(Closing):
    def __init__(self, address, codec, request_bytes_max, wait_for_topic_ms):
        self.runner = asyncio.Runner()
        self.runner.run(self.open(
            bootstrap_servers=address, compression_type=codec, max_request_size=request_bytes_max,
            max_batch_size=MEGABYTE, linger_ms=50, request_timeout_ms=wait_for_topic_ms))

    async def open(self, **settings):
        self.producer = aiokafka.AIOKafkaProducer(**settings)
        await self.producer.start()

    def send(self, topic, records, partition=0):
        return self.runner.run(self.send_all(topic, records, partition))

    async def send_all(self, topic, records, partition):
        try:
            futures = [
                await self.producer.send(
                    topic, record.value, record.key, partition, record.timestamp, list(record.headers))
                for record in records
            ]
            return [(await asyncio.wait_for(future, SECONDS_MAX)).offset for future in futures]
        except aiokafka.errors.BrokerResponseError as error:
            raise Refused(error.errno) from error

    def close(self):
        self.runner.run(self.producer.stop())
        self.runner.close()


class AioConsumer(Consumer):
    def __init__(self, address, topic, partition, start, reset, max_wait_ms):
        self.partition = aiokafka.TopicPartition(topic, partition)
        self.start = start
        self.runner = asyncio.Runner()
        self.runner.run(self.open(
            bootstrap_servers=address, group_id=None, enable_auto_commit=False, auto_offset_reset=reset,
            fetch_max_wait_ms=max_wait_ms, check_crcs=True))

    async def open(self, **settings):
        self.consumer = aiokafka.AIOKafkaConsumer(**settings)
        await self.consumer.start()
        self.consumer.assign([self.partition])
        self.consumer.seek(self.partition, self.start)

    def poll(self):
        try:
            polled = self.runner.run(self.consumer.getmany(self.partition, timeout_ms=100))
        except aiokafka.errors.OffsetOutOfRangeError as error:
            raise Refused(error.errno) from error
        return [from_python(message) for message in polled.get(self.partition, [])]

    def wait_for_reset(self):
        deadline = time.monotonic() + SECONDS_MAX
        position = self.start
        while position == self.start and time.monotonic() < deadline:
            assert self.poll() == []
            position = self.runner.run(self.consumer.position(self.partition))
        return position

    def ends(self):
        [beginning] = self.runner.run(self.consumer.beginning_offsets([self.partition])).values()
        [end] = self.runner.run(self.consumer.end_offsets([self.partition])).values()
        return beginning, end

    def offset_for_time(self, timestamp):
        found = self.runner.run(self.consumer.offsets_for_times({self.partition: timestamp}))[self.partition]
        return found and (found.offset, found.timestamp)

    def close(self):
        self.runner.run(self.consumer.stop())
        self.runner.close()


# The table of them


@dataclass(frozen=True)
class Client:
    name: str
    producer_type: type
    consumer_type: type
    # What the client lets one send; every client can receive all of it.
    sends_null_headers: bool
    sends_null_key_and_value: bool

    def __str__(self):
        return self.name

    def producer(self, address, codec=None, request_bytes_max=MEGABYTE, wait_for_topic_ms=SECONDS_MAX * 1000):
        return self.producer_type(address, codec, request_bytes_max, wait_for_topic_ms)

    def consumer(self, address, topic, partition=0, start=0, reset="none", max_wait_ms=500):
        return self.consumer_type(address, topic, partition, start, reset, max_wait_ms)


CONFLUENT = Client("confluent-kafka", ConfluentProducer, ConfluentConsumer, True, True)
KAFKA_PYTHON = Client("kafka-python", KafkaPythonProducer, KafkaPythonConsumer, False, False)
AIOKAFKA = Client("aiokafka", AioProducer, AioConsumer, True, False)

CLIENTS = [CONFLUENT, KAFKA_PYTHON, AIOKAFKA]
CODECS = [None, "gzip", "snappy", "lz4", "zstd"]


def create_topic(address, topic):
    """Makes a topic as every client does: a producer asks where it is."""
    described = confluent_kafka.Producer({"bootstrap.servers": address}).list_topics(topic, timeout=SECONDS_MAX)
    assert described.topics[topic].error is None
    assert described.topics[topic].partitions
