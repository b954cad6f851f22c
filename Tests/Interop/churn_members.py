"""The processes of a churn run: members of a group, each with a log of its own, and the producer that feeds them.

A log is JSON lines, each written whole and at once; its times are seconds of CLOCK_MONOTONIC, which all processes of a
machine share. `Tests/Member` writes the same for LogbookClient. churn_log.py says what each line means.
"""

import asyncio
import contextlib
import functools
import json
import os
import signal
import struct
import time

import aiokafka
import kafka
from aiokafka.coordinator.assignors.range import RangePartitionAssignor as AioRange
from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic
from kafka.coordinator.assignors.range import RangePartitionAssignor as PythonRange

COMMIT_SECONDS = 0.3
POLL_SECONDS = 0.1


class Log:
    def __init__(self, path):
        self.file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)

    def write(self, event, **fields):
        line = {"t": time.monotonic(), "event": event} | fields
        os.write(self.file, json.dumps(line).encode() + b"\n")


class Stopping:
    """True once SIGTERM has come."""

    def __init__(self):
        self.has_come = False
        signal.signal(signal.SIGTERM, self._come)
        signal.signal(signal.SIGINT, signal.SIG_IGN)

    def _come(self, *_):
        self.has_come = True


class Member:
    """What is the same with all clients: what is logged when, and what there is to commit."""

    def __init__(self, log):
        self.log = log
        # By partition, what its owner has processed and what the coordinator has acknowledged.
        self.ends, self.acknowledged = {}, {}
        self.commit_at = 0.0

    def changed(self, event, partitions, generation):
        self.log.write(event, partitions=sorted(partitions), generation=generation)

    def process(self, records, generation):
        """`records` are (partition, offset, value)."""
        runs = []
        places = {}
        for partition, offset, value in records:
            if value != b"%d" % offset:
                self.log.write("wrong", what=f"partition {partition} has {value} at offset {offset}")
            place = places.get(partition)
            if place is not None and runs[place][2] + 1 == offset:
                runs[place][2] = offset
            else:
                places[partition] = len(runs)
                runs.append([partition, offset, offset])
        if runs:
            self.log.write("processed", records=runs, generation=generation)
        for partition, _, last in runs:
            self.ends[partition] = last + 1

    def uncommitted(self, partitions=None):
        return {
            partition: end for partition, end in self.ends.items()
            if end > self.acknowledged.get(partition, -1) and (partitions is None or partition in partitions)}

    def is_commit_due(self):
        if time.monotonic() < self.commit_at:
            return False
        self.commit_at = time.monotonic() + COMMIT_SECONDS
        return True

    def committed(self, offsets, sent=None):
        """`sent` is when the commit was handed in, where that is known."""
        self.log.write("committed", sent=sent, offsets=sorted(offsets.items()))
        self.acknowledged |= {partition: end for partition, end in offsets.items() if partition in self.ends}

    def refused(self, what):
        """A commit that failed: that is allowed."""
        self.log.write("refused", what=str(what))

    def forget(self, partitions):
        for partition in partitions:
            self.ends.pop(partition, None)
            self.acknowledged.pop(partition, None)


class ConfluentMember(Member):
    def __init__(self, log, address, group, topic, settings):
        super().__init__(log)
        self.topic = topic
        self.consumer = Consumer({
            "bootstrap.servers": address, "group.id": group, "auto.offset.reset": "earliest",
            "enable.auto.commit": False, "on_commit": self.on_commit, "log_level": 2,
        } | settings)
        self.consumer.subscribe(
            [topic], on_assign=self.on_assign, on_revoke=self.on_revoke, on_lost=self.on_lost)

    def generation(self):
        """librdkafka writes it behind the mark CGMDv2; the number is the machine's own."""
        return struct.unpack_from("=7si", self.consumer.consumer_group_metadata())[1]

    def on_assign(self, _, partitions):
        self.changed("assigned", [p.partition for p in partitions], self.generation())

    def on_revoke(self, _, partitions):
        going = [p.partition for p in partitions]
        self.changed("revoked", going, self.generation())
        offsets = self.uncommitted(going)
        if offsets:
            try:
                answered = self.consumer.commit(offsets=self.offsets(offsets), asynchronous=False)
                self.on_commit(None, answered)
            except KafkaException as error:
                self.refused(error)
        self.forget(going)

    def on_lost(self, _, partitions):
        going = [p.partition for p in partitions]
        self.changed("lost", going, self.generation())
        self.forget(going)

    def on_commit(self, error, partitions):
        done = {p.partition: p.offset for p in partitions if error is None and p.error is None}
        if done:
            self.committed(done)
        if len(done) < len(partitions):
            self.refused(error or next(p.error for p in partitions if p.error is not None))

    def offsets(self, offsets):
        return [TopicPartition(self.topic, partition, end) for partition, end in offsets.items()]

    def run(self, stopping):
        while not stopping.has_come:
            messages = self.consumer.consume(500, POLL_SECONDS)
            records = [(m.partition(), m.offset(), m.value()) for m in messages if m.error() is None]
            if records:
                self.process(records, self.generation())
            if self.is_commit_due() and (offsets := self.uncommitted()):
                try:
                    self.consumer.commit(offsets=self.offsets(offsets), asynchronous=True)
                except KafkaException as error:
                    self.refused(error)
        self.consumer.close()


class KafkaPythonMember(Member, kafka.ConsumerRebalanceListener):
    def __init__(self, log, address, group, topic, session_ms, heartbeat_ms):
        super().__init__(log)
        self.topic = topic
        self.consumer = kafka.KafkaConsumer(
            bootstrap_servers=address, group_id=group, auto_offset_reset="earliest", enable_auto_commit=False,
            session_timeout_ms=session_ms, heartbeat_interval_ms=heartbeat_ms,
            partition_assignment_strategy=[PythonRange])
        self.consumer.subscribe([topic], listener=self)

    def generation(self):
        return self.consumer._coordinator._generation.generation_id

    def on_partitions_assigned(self, assigned):
        self.changed("assigned", [p.partition for p in assigned], self.generation())

    def on_partitions_revoked(self, revoked):
        """Commits nothing: kafka-python lets a listener wait for no answer."""
        going = [p.partition for p in revoked]
        if going:
            self.changed("revoked", going, self.generation())
        self.forget(going)

    def on_partitions_lost(self, lost):
        going = [p.partition for p in lost]
        self.changed("lost", going, self.generation())
        self.forget(going)

    def commit(self, offsets):
        if not offsets:
            return
        sent = time.monotonic()
        try:
            self.consumer.commit({
                kafka.TopicPartition(self.topic, partition): kafka.OffsetAndMetadata(end, "", -1)
                for partition, end in offsets.items()}, timeout_ms=5_000)
            self.committed(offsets, sent)
        except kafka.errors.KafkaError as error:
            self.refused(error)

    def run(self, stopping):
        while not stopping.has_come:
            polled = self.consumer.poll(timeout_ms=POLL_SECONDS * 1000)
            self.process(
                [(r.partition, r.offset, r.value) for records in polled.values() for r in records], self.generation())
            if self.is_commit_due():
                self.commit(self.uncommitted())
        self.consumer.close()


class AiokafkaMember(Member, aiokafka.abc.ConsumerRebalanceListener):
    def __init__(self, log, address, group, topic, session_ms, heartbeat_ms):
        super().__init__(log)
        self.topic, self.owned = topic, set()
        self.settings = {
            "bootstrap_servers": address, "group_id": group, "auto_offset_reset": "earliest",
            "enable_auto_commit": False, "session_timeout_ms": session_ms, "heartbeat_interval_ms": heartbeat_ms,
            "partition_assignment_strategy": (AioRange,),
        }

    def generation(self):
        return self.consumer._coordinator.generation

    async def on_partitions_assigned(self, assigned):
        self.owned = {p.partition for p in assigned}
        self.changed("assigned", self.owned, self.generation())

    async def on_partitions_revoked(self, revoked):
        """aiokafka has no word of its own for partitions that are lost: it has no generation then."""
        going = [p.partition for p in revoked]
        generation = self.generation()
        if going:
            self.changed("revoked" if generation >= 0 else "lost", going, generation)
        if generation >= 0:
            await self.commit(self.uncommitted(going))
        self.forget(going)
        self.owned -= set(going)

    async def commit(self, offsets):
        if not offsets:
            return
        sent = time.monotonic()
        try:
            await self.consumer.commit(
                {aiokafka.TopicPartition(self.topic, partition): end for partition, end in offsets.items()})
            self.committed(offsets, sent)
        except (aiokafka.errors.KafkaError, ValueError) as error:
            self.refused(error)

    def run(self, stopping):
        asyncio.run(self.read(stopping))

    async def read(self, stopping):
        self.consumer = aiokafka.AIOKafkaConsumer(**self.settings)
        self.consumer.subscribe([self.topic], listener=self)
        await self.consumer.start()
        while not stopping.has_come:
            polled = await self.consumer.getmany(timeout_ms=int(POLL_SECONDS * 1000))
            self.process(
                [(r.partition, r.offset, r.value) for records in polled.values() for r in records], self.generation())
            if self.is_commit_due():
                await self.commit(self.uncommitted())
        await self.commit(self.uncommitted())
        # It leaves without telling its listener.
        if self.owned:
            self.changed("revoked", self.owned, self.generation())
        await self.consumer.stop()


def run_member(path, client, address, group, topic, kind, session_ms, heartbeat_ms):
    """A member's process, until SIGTERM."""
    stopping = Stopping()
    log = Log(path)
    log.write("started", client=client, pid=os.getpid())
    times = {"session.timeout.ms": session_ms, "heartbeat.interval.ms": heartbeat_ms}
    if client == "confluent-kafka":
        settings = {
            "cooperative": times | {"partition.assignment.strategy": "cooperative-sticky"},
            "eager": times | {"partition.assignment.strategy": "range"},
            "consumer": {"group.protocol": "consumer"},
        }[kind]
        member = ConfluentMember(log, address, group, topic, settings)
    else:
        of_client = {"kafka-python": KafkaPythonMember, "aiokafka": AiokafkaMember}[client]
        member = of_client(log, address, group, topic, session_ms, heartbeat_ms)
    try:
        member.run(stopping)
    except Exception as error:
        log.write("wrong", what=f"{client} ended with {error!r}")
        raise
    log.write("stopped", client=client)


def run_producer(path, address, topic, partitions, rate):
    """Feeds all partitions alike until SIGTERM; a record's value is its number in its partition."""
    stopping = Stopping()
    log = Log(path)
    numbers, ends, news = [0] * partitions, {}, set()

    def delivered(number, error, message):
        partition = message.partition()
        if error is not None or message.offset() != number:
            return log.write("wrong", what=f"number {number} of partition {partition}: {error or message.offset()}")
        ends[partition] = number + 1
        news.add(partition)

    producer = Producer({"bootstrap.servers": address, "linger.ms": 100, "log_level": 2})
    turn, began, sent = 0, time.monotonic(), 0
    log_at = began
    while not stopping.has_come:
        # No more than a second's records wait: those that wait too long would be sent twice.
        while sent < (time.monotonic() - began) * rate and len(producer) < rate:
            number = numbers[turn]
            numbers[turn] += 1
            producer.produce(topic, b"%d" % number, partition=turn, on_delivery=functools.partial(delivered, number))
            turn = (turn + 1) % partitions
            sent += 1
        producer.poll(0.02)
        if time.monotonic() >= log_at and news:
            log_at = time.monotonic() + 0.1
            log.write("acknowledged", ends=sorted((p, ends[p]) for p in news))
            news.clear()
    left = producer.flush(60)
    log.write("acknowledged", ends=sorted(ends.items()))
    if left:
        log.write("wrong", what=f"{left} records were not acknowledged")
    log.write("stopped", client="producer")


def make_topic(address, topic, partitions):
    admin = AdminClient({"bootstrap.servers": address})
    admin.create_topics([NewTopic(topic, partitions, 1)])[topic].result()


def read_offsets(path, address, group, topic, partitions):
    """What the coordinator says that the group has committed, in a log."""
    consumer = Consumer({"bootstrap.servers": address, "group.id": group})
    found = consumer.committed([TopicPartition(topic, number) for number in range(partitions)], timeout=30)
    Log(path).write("offsets", offsets=[[p.partition, p.offset] for p in found])
    with contextlib.suppress(KafkaException):
        consumer.close()
