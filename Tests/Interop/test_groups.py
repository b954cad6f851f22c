"""Consumer groups with the clients that people use: each alone, several in one group, and the broker
killed under them."""

import asyncio
import contextlib
import random
import threading
import time

import aiokafka
import pytest
from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition
from confluent_kafka import ConsumerGroupTopicPartitions as GroupOffsets
from confluent_kafka.admin import AdminClient, NewTopic
from kafka import KafkaConsumer

PARTITIONS = 8
RECORDS = 1_000
BROKER_SETTINGS = {"group.initial.rebalance.delay.ms": 100, "group.min.session.timeout.ms": 1_000}

CONFLUENT = {
    "range": {},
    "roundrobin": {"partition.assignment.strategy": "roundrobin"},
    "cooperative": {"partition.assignment.strategy": "cooperative-sticky"},
    "static": {"group.instance.id": "one"},
    "consumer": {"group.protocol": "consumer"},
}


@pytest.fixture
def filled(broker, topic):
    """A topic with records whose values are their numbers."""
    admin = AdminClient({"bootstrap.servers": broker.address})
    admin.create_topics([NewTopic(topic, PARTITIONS, 1)])[topic].result()
    fill(broker, topic, range(RECORDS))
    return topic


def fill(broker, topic, numbers):
    producer = Producer({"bootstrap.servers": broker.address, "linger.ms": 5})
    for number in numbers:
        producer.produce(topic, str(number), str(number))
    assert producer.flush(30) == 0


def confluent(broker, group, **settings):
    return Consumer({
        "bootstrap.servers": broker.address, "group.id": group, "auto.offset.reset": "earliest",
        "enable.auto.commit": False, **settings,
    })


def poll_all(consumer, count, seconds=60):
    """Polls until it has this many records, and commits."""
    numbers = []
    deadline = time.monotonic() + seconds
    while len(numbers) < count and time.monotonic() < deadline:
        message = consumer.poll(0.2)
        if message and not message.error():
            numbers.append(int(message.value()))
    consumer.commit(asynchronous=False)
    return numbers


@pytest.mark.parametrize("kind", CONFLUENT)
def test_confluent_reads_all_and_goes_on_where_it_committed(broker, filled, kind):
    settings = {name: value for name, value in CONFLUENT[kind].items()}
    consumer = confluent(broker, f"{filled}-group", **settings)
    consumer.subscribe([filled])
    assert sorted(poll_all(consumer, RECORDS)) == list(range(RECORDS))
    consumer.close()
    fill(broker, filled, range(RECORDS, RECORDS + 10))
    again = confluent(broker, f"{filled}-group", **settings)
    again.subscribe([filled])
    assert sorted(poll_all(again, 10)) == list(range(RECORDS, RECORDS + 10))
    again.close()


def test_kafka_python_reads_all_and_goes_on_where_it_committed(broker, filled):
    for expected in (range(RECORDS), range(RECORDS, RECORDS + 10)):
        consumer = KafkaConsumer(
            filled, bootstrap_servers=broker.address, group_id=f"{filled}-group", auto_offset_reset="earliest",
            enable_auto_commit=False)
        numbers = []
        deadline = time.monotonic() + 60
        while len(numbers) < len(expected) and time.monotonic() < deadline:
            for records in consumer.poll(timeout_ms=200).values():
                numbers += [int(record.value) for record in records]
        assert sorted(numbers) == list(expected)
        consumer.commit()
        consumer.close()
        if expected.start == 0:
            fill(broker, filled, range(RECORDS, RECORDS + 10))


def test_aiokafka_reads_all_and_goes_on_where_it_committed(broker, filled):
    async def read(count):
        consumer = aiokafka.AIOKafkaConsumer(
            filled, bootstrap_servers=broker.address, group_id=f"{filled}-group", auto_offset_reset="earliest",
            enable_auto_commit=False)
        await consumer.start()
        try:
            numbers = [int((await consumer.getone()).value) for _ in range(count)]
            await consumer.commit()
        finally:
            await consumer.stop()
        return sorted(numbers)

    assert asyncio.run(asyncio.wait_for(read(RECORDS), 60)) == list(range(RECORDS))
    fill(broker, filled, range(RECORDS, RECORDS + 10))
    assert asyncio.run(asyncio.wait_for(read(10), 60)) == list(range(RECORDS, RECORDS + 10))


class Member(threading.Thread):
    """A member that notes what it has and what it read, until it is told to leave."""

    def __init__(self, broker, group, topic, kind):
        super().__init__(daemon=True)
        self.owned, self.numbers, self.leaving = set(), [], threading.Event()
        self.broker, self.group, self.topic, self.kind = broker, group, topic, kind

    def run(self):
        {"kafka-python": self.kafka_python, "aiokafka": self.aiokafka}.get(self.kind, self.confluent)()

    def confluent(self):
        consumer = confluent(self.broker, self.group, **CONFLUENT.get(self.kind, {}))

        def assigned(_, partitions):
            self.owned |= {partition.partition for partition in partitions}

        def revoked(_, partitions):
            self.owned -= {partition.partition for partition in partitions}

        consumer.subscribe([self.topic], on_assign=assigned, on_revoke=revoked)
        while not self.leaving.is_set():
            message = consumer.poll(0.05)
            if message and not message.error():
                self.numbers.append(int(message.value()))
        consumer.close()

    def kafka_python(self):
        consumer = KafkaConsumer(
            self.topic, bootstrap_servers=self.broker.address, group_id=self.group, auto_offset_reset="earliest",
            enable_auto_commit=False)
        while not self.leaving.is_set():
            for records in consumer.poll(timeout_ms=50).values():
                self.numbers += [int(record.value) for record in records]
            self.owned = {partition.partition for partition in consumer.assignment()}
        consumer.close()

    def aiokafka(self):
        async def run():
            consumer = aiokafka.AIOKafkaConsumer(
                self.topic, bootstrap_servers=self.broker.address, group_id=self.group,
                auto_offset_reset="earliest", enable_auto_commit=False)
            await consumer.start()
            while not self.leaving.is_set():
                for records in (await consumer.getmany(timeout_ms=50)).values():
                    self.numbers += [int(record.value) for record in records]
                self.owned = {partition.partition for partition in consumer.assignment()}
            await consumer.stop()

        asyncio.run(run())


def until(condition, seconds=60):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come to that in time"
        time.sleep(0.05)


@pytest.mark.parametrize("kinds", [
    ("range", "kafka-python", "aiokafka"),
    ("consumer", "consumer", "consumer"),
    ("cooperative", "cooperative", "cooperative"),
], ids=["mixed classic", "consumer protocol", "cooperative"])
def test_members_share_the_partitions_and_take_over_what_one_leaves(broker, filled, kinds):
    group = f"{filled}-group"
    members = [Member(broker, group, filled, kind) for kind in kinds]

    def is_shared(among):
        owned = [partition for member in among for partition in member.owned]
        return sorted(owned) == list(range(PARTITIONS)) and all(
            PARTITIONS // len(among) <= len(member.owned) <= -(-PARTITIONS // len(among)) for member in among)

    for member in members:
        member.start()
    until(lambda: is_shared(members))
    until(lambda: set(range(RECORDS)) <= {number for member in members for number in member.numbers})
    members[0].leaving.set()
    members[0].join(30)
    until(lambda: is_shared(members[1:]))
    for member in members:
        member.leaving.set()
    for member in members:
        member.join(30)
        assert not member.is_alive()


def test_groups_are_listed_described_altered_and_deleted(broker, filled):
    admin = AdminClient({"bootstrap.servers": broker.address})
    for protocol in ("classic", "consumer"):
        group = f"{filled}-{protocol}"
        consumer = confluent(broker, group, **{"group.protocol": protocol, "client.id": "reader"})
        consumer.subscribe([filled])
        poll_all(consumer, RECORDS)
        listed = {found.group_id: found for found in admin.list_consumer_groups().result().valid}
        assert listed[group].state.name == "STABLE" and listed[group].type.name == protocol.upper()
        described = admin.describe_consumer_groups([group])[group].result()
        assert described.state.name == "STABLE" and len(described.members) == 1
        member = described.members[0]
        assert member.client_id == "reader" and "127.0.0.1" in member.host
        assert sorted(p.partition for p in member.assignment.topic_partitions) == list(range(PARTITIONS))
        with pytest.raises(KafkaException) as refused:
            admin.delete_consumer_groups([group])[group].result()
        assert refused.value.args[0].name() == "NON_EMPTY_GROUP"
        consumer.close()

        asked = [GroupOffsets(group, [TopicPartition(filled, 0, 5)])]
        altered = admin.alter_consumer_group_offsets(asked)[group].result()
        assert altered.topic_partitions[0].error is None
        offsets = admin.list_consumer_group_offsets([GroupOffsets(group)])[group].result().topic_partitions
        assert len(offsets) == PARTITIONS and [p.offset for p in offsets if p.partition == 0] == [5]
        admin.delete_consumer_groups([group])[group].result()
        assert group not in {found.group_id for found in admin.list_consumer_groups().result().valid}
        offsets = admin.list_consumer_group_offsets(
            [GroupOffsets(group, [TopicPartition(filled, 0)])])[group].result().topic_partitions
        assert offsets[0].offset < 0


def test_a_crashed_member_is_taken_for_gone_after_its_session(broker, filled):
    group = f"{filled}-group"
    crashed = confluent(broker, group, **{"session.timeout.ms": 1_500, "heartbeat.interval.ms": 300})
    crashed.subscribe([filled])
    until(lambda: crashed.poll(0.1) and len(crashed.assignment()) == PARTITIONS)
    # It is never closed, and its heartbeats end with its connections.
    broker_side = Member(broker, group, filled, "range")
    broker_side.start()
    until(lambda: crashed.poll(0.1) is not None or len(broker_side.owned) == PARTITIONS // 2)
    del crashed
    until(lambda: len(broker_side.owned) == PARTITIONS)
    broker_side.leaving.set()
    broker_side.join(30)


class Committer:
    """A client that commits ever higher offsets for a group, as fast as they are acknowledged."""

    def __init__(self, group):
        self.group = group
        self.acknowledged, self.attempted = {}, {}

    async def commit(self, address):
        consumer = aiokafka.AIOKafkaConsumer(
            bootstrap_servers=address, group_id=self.group, enable_auto_commit=False, request_timeout_ms=2_000)
        await consumer.start()
        partitions = [aiokafka.TopicPartition("t", number) for number in range(4)]
        consumer.assign(partitions)
        try:
            while True:
                partition = random.choice(partitions)
                offset = self.attempted.get(partition, 0) + 1
                self.attempted[partition] = offset
                await consumer.commit({partition: offset})
                self.acknowledged[partition] = offset
        finally:
            # The broker is gone: nobody is to be told goodbye.
            with contextlib.suppress(Exception):
                await asyncio.wait_for(consumer.stop(), 1)

    def check(self, address):
        reader = Consumer({"bootstrap.servers": address, "group.id": self.group})
        asked = [TopicPartition("t", number) for number in range(4)]
        for found in reader.committed(asked, timeout=30):
            partition = aiokafka.TopicPartition("t", found.partition)
            if partition in self.acknowledged:
                assert self.acknowledged[partition] <= found.offset <= self.attempted[partition]
        reader.close()


def test_no_acknowledged_commit_is_lost_by_kill_9(start_broker, figures):
    """20 kills during commits: what is there afterwards is what was acknowledged last, or what was on its way."""
    broker = start_broker(offsets_topic_num_partitions=4)
    admin = AdminClient({"bootstrap.servers": broker.address})
    admin.create_topics([NewTopic("t", 4, 1)])["t"].result()
    committers = [Committer(f"group {number}") for number in range(3)]

    def count():
        return sum(sum(committer.acknowledged.values()) for committer in committers)

    async def commit_and_kill(target):
        tasks = [asyncio.ensure_future(committer.commit(broker.address)) for committer in committers]
        deadline = time.monotonic() + 60
        while count() < target:
            assert time.monotonic() < deadline and not any(task.done() for task in tasks), "nothing is acknowledged"
            await asyncio.sleep(0)
        broker.kill()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    for _ in range(20):
        asyncio.run(commit_and_kill(count() + random.randrange(30, 300)))
        broker.start()
        for committer in committers:
            committer.check(broker.address)
    figures("commits acknowledged", count())
