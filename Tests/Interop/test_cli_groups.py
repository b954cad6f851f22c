"""`logbook group` and `logbook consume -g`: members that share, die and leave, and what is then said of their group."""

import contextlib
import signal
import subprocess
import threading
import time

import confluent_kafka
import pytest
from confluent_kafka import ConsumerGroupTopicPartitions as GroupOffsets
from confluent_kafka import Producer, TopicPartition
from confluent_kafka.admin import AdminClient

import cli
from cli import logbook
from server import BINARY

PARTITIONS = 4
NOON = 1_700_000_000_000
BROKER_SETTINGS = {
    "num.partitions": PARTITIONS, "group.initial.rebalance.delay.ms": 100, "group.min.session.timeout.ms": 1_000,
    "group.consumer.session.timeout.ms": 1_500, "group.consumer.heartbeat.interval.ms": 300,
}
SHORT_SESSION = ["-X", "session.timeout.ms=1500", "-X", "heartbeat.interval.ms=300"]
MEMBERS = {
    "range": SHORT_SESSION,
    "cooperative": [*SHORT_SESSION, "-X", "partition.assignment.strategy=cooperative-sticky"],
    "consumer": ["-X", "group.protocol=consumer"],
}


def until(condition, seconds=60):
    """What the condition returns, once that is true."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, "it did not come to that in time"
        time.sleep(0.1)
    return found


def fill(broker, topic, counts, first=0):
    """So many records to each partition, one second apart; values are `partition:offset`."""
    producer = Producer({"bootstrap.servers": broker.address, "linger.ms": 5})
    for partition, count in enumerate(counts):
        for number in range(first, first + count):
            producer.produce(topic, f"{partition}:{number}", partition=partition, timestamp=NOON + 1000 * number)
    assert producer.flush(30) == 0


@pytest.fixture
def filled(broker, topic):
    """A topic with 10 records in each partition."""
    logbook(broker, "topic", "create", topic, "-p", PARTITIONS)
    fill(broker, topic, [10] * PARTITIONS)
    return topic


def described(broker, group):
    """Its summary, and its rows."""
    [found] = logbook(broker, "group", "describe", group, "-o", "json").json
    return found["summary"], found["partitions"]


def committed(broker, group):
    """By partition, as confluent-kafka is told."""
    admin = AdminClient({"bootstrap.servers": broker.address})
    [future] = admin.list_consumer_group_offsets([GroupOffsets(group)]).values()
    return {place.partition: place.offset for place in future.result().topic_partitions}


def commit(broker, group, topic, offsets):
    """As a client that is no member."""
    consumer = confluent_kafka.Consumer({"bootstrap.servers": broker.address, "group.id": group})
    consumer.commit(
        offsets=[TopicPartition(topic, partition, offset) for partition, offset in offsets.items()],
        asynchronous=False)
    consumer.close()


def cut(broker, topic, partition, before):
    """Deletes a partition's first records."""
    admin = AdminClient({"bootstrap.servers": broker.address})
    [future] = admin.delete_records([TopicPartition(topic, partition, before)]).values()
    future.result()


@contextlib.contextmanager
def confluent_member(broker, group, topic, **settings):
    """A member that has its partitions, and reads none of their records."""
    consumer = confluent_kafka.Consumer({
        "bootstrap.servers": broker.address, "group.id": group, "enable.auto.commit": False, **settings})
    consumer.subscribe([topic])
    until(lambda: consumer.poll(0.1) or consumer.assignment())
    yield consumer
    consumer.close()


class Reader:
    """`logbook consume -g` as a process of its own, and the lines that it prints."""

    def __init__(self, broker, topic, group, *flags):
        self.lines = []
        self.process = subprocess.Popen(
            [BINARY, "consume", topic, "-g", group, "-b", broker.address, *flags], stdout=subprocess.PIPE,
            stderr=subprocess.PIPE)
        self.thread = threading.Thread(target=self.read, daemon=True)
        self.thread.start()

    def read(self):
        for line in self.process.stdout:
            self.lines.append(line.decode().rstrip("\n"))

    def end(self, number=signal.SIGTERM, seconds=20):
        """Sends a signal, and waits for the end of its output."""
        self.process.send_signal(number)
        status = self.process.wait(seconds)
        self.thread.join(seconds)
        error = self.process.stderr.read().decode()
        self.process.stdout.close()
        self.process.stderr.close()
        return status, error


def all_of(counts):
    return {f"{partition}:{number}" for partition, count in enumerate(counts) for number in range(count)}


@pytest.mark.parametrize("kind", MEMBERS)
def test_two_processes_share_and_one_takes_over_when_the_other_is_killed(broker, filled, kind):
    """All records are printed, and at the end the group has read all."""
    group = f"{filled}-group"
    readers = [Reader(broker, filled, group, *MEMBERS[kind]) for _ in range(2)]

    def shares():
        summary, rows = described(broker, group)
        owners = [row["memberId"] for row in rows]
        return summary["state"] == "Stable" and sorted(owners.count(owner) for owner in set(owners) - {None})

    # Before anybody has joined, there is no group to describe.
    until(lambda: group in [row["group"] for row in logbook(broker, "group", "list", "-o", "json").json])
    until(lambda: shares() == [2, 2])
    summary, _ = described(broker, group)
    assert summary["type"] == ("consumer" if kind == "consumer" else "classic")
    assert summary["members"] == 2
    fill(broker, filled, [50] * PARTITIONS, first=10)
    until(lambda: set(readers[0].lines) | set(readers[1].lines) == all_of([60] * PARTITIONS))
    status, _ = readers[0].end(signal.SIGKILL)
    assert status == -signal.SIGKILL
    until(lambda: shares() == [PARTITIONS])
    fill(broker, filled, [5] * PARTITIONS, first=60)
    until(lambda: set(readers[0].lines) | set(readers[1].lines) == all_of([65] * PARTITIONS))
    status, error = readers[1].end()
    assert (status, error) == (-signal.SIGTERM, "")
    summary, rows = described(broker, group)
    assert (summary["state"], summary["members"], summary["totalLag"]) == ("Empty", 0, 0)
    assert committed(broker, group) == {partition: 65 for partition in range(PARTITIONS)}
    # Nobody who stays reads anything twice: only what the killed one had not committed comes again.
    assert len(readers[0].lines) == len(set(readers[0].lines))
    assert len(readers[1].lines) == len(set(readers[1].lines))


def test_a_logbook_member_shares_with_one_of_confluent(broker, filled):
    """They agree on an assignor, and describe names both."""
    group = f"{filled}-group"
    with confluent_member(broker, group, filled, **{"client.id": "other"}) as other:
        reader = Reader(broker, filled, group, "-X", "client.id=mine")

        def owners():
            other.poll(0.05)
            summary, rows = described(broker, group)
            return summary["state"] == "Stable" and sorted(row["clientId"] for row in rows if row["clientId"])

        until(lambda: owners() == ["mine", "mine", "other", "other"])
        until(lambda: other.poll(0.05) is None and len(reader.lines) >= 2 * 10)
        reader.end()
        until(lambda: owners() == ["other"] * PARTITIONS)


@pytest.mark.parametrize("protocol", ["classic", "consumer"])
def test_a_group_goes_on_where_it_has_committed(start_broker, topic, protocol):
    """Also after the broker was killed; each record is printed once."""
    broker = start_broker(**BROKER_SETTINGS)
    logbook(broker, "topic", "create", topic, "-p", PARTITIONS)
    fill(broker, topic, [100] * PARTITIONS)
    command = ["consume", topic, "-g", "billing", "-e", "-X", f"group.protocol={protocol}"]
    assert sorted(logbook(broker, *command).lines) == sorted(all_of([100] * PARTITIONS))
    summary, rows = described(broker, "billing")
    assert (summary["state"], summary["members"], summary["totalLag"]) == ("Empty", 0, 0)
    assert [row["currentOffset"] for row in rows] == [100] * PARTITIONS
    broker.kill()
    broker.start()
    fill(broker, topic, [3, 0, 2, 0], first=100)
    assert described(broker, "billing")[0]["totalLag"] == 5
    assert sorted(logbook(broker, *command).lines) == ["0:100", "0:101", "0:102", "2:100", "2:101"]
    assert logbook(broker, *command).lines == []


def test_what_was_printed_is_what_is_committed(broker, filled):
    """-n ends in the middle of what was fetched, and the next process goes on there."""
    seen = []
    for count in [1, 7, 12]:
        lines = logbook(broker, "consume", filled, "-g", f"{filled}-group", "-n", count).lines
        assert len(lines) == count
        seen += lines
        assert sum(committed(broker, f"{filled}-group").values()) == len(seen)
    seen += logbook(broker, "consume", filled, "-g", f"{filled}-group", "-e").lines
    assert len(seen) == len(set(seen)) and set(seen) == all_of([10] * PARTITIONS)


def test_what_nobody_took_is_not_committed(start_broker, topic):
    """Where the reader of a pipe goes away, the group goes on there."""
    broker = start_broker(**BROKER_SETTINGS | {"num.partitions": 1})
    logbook(broker, "produce", topic, input=b"x" * 99 + b"\n" + b"line".ljust(99, b".") + b"\n")
    logbook(broker, "produce", topic, input=(b"y" * 99 + b"\n") * 19_998)
    with subprocess.Popen(
            [BINARY, "consume", topic, "-g", "pipe", "-b", broker.address], stdout=subprocess.PIPE,
            stderr=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"x" * 99 + b"\n"
        process.stdout.close()
        assert process.wait(20) == 0
        assert process.stderr.read() == b""
    # What may be in the pipe, and in the buffer of this end.
    taken = (65_536 + 8_192) // 100 + 1
    assert len(logbook(broker, "consume", topic, "-g", "pipe", "-e").lines) >= 20_000 - taken


def test_commits_are_made_while_it_reads(broker, filled):
    """Every auto.commit.interval.ms; a kill loses no more than that."""
    reader = Reader(broker, filled, f"{filled}-group", "-X", "auto.commit.interval.ms=100")
    until(lambda: len(reader.lines) == 10 * PARTITIONS)
    until(lambda: committed(broker, f"{filled}-group") == {partition: 10 for partition in range(PARTITIONS)})
    reader.end(signal.SIGKILL)
    assert described(broker, f"{filled}-group")[0]["totalLag"] == 0


def test_it_ends_by_the_signal_and_leaves_at_once(broker, filled):
    """The session of 45 s is not waited for."""
    reader = Reader(broker, filled, f"{filled}-group")
    until(lambda: len(reader.lines) == 10 * PARTITIONS)
    assert reader.end(signal.SIGINT) == (-signal.SIGINT, "")
    summary, _ = described(broker, f"{filled}-group")
    assert (summary["state"], summary["members"], summary["totalLag"]) == ("Empty", 0, 0)


def test_a_member_of_no_avail_commits_nothing(broker, filled):
    """enable.auto.commit=false looks without a trace."""
    read = logbook(broker, "consume", filled, "-g", f"{filled}-group", "-e", "-X", "enable.auto.commit=false")
    assert len(read.lines) == 10 * PARTITIONS
    assert committed(broker, f"{filled}-group") == {}


def test_a_group_without_offsets_begins_where_it_is_told(broker, filled):
    """--offset end passes over what is there; it moves no group that has offsets."""
    command = ["consume", filled, "-g", f"{filled}-group", "-e"]
    assert logbook(broker, *command, "--offset", "end").lines == []
    fill(broker, filled, [1, 0, 0, 0], first=10)
    assert logbook(broker, *command, "--offset", "start").lines == ["0:10"]


def test_a_topic_that_is_not_there_is_told_at_once(broker):
    """And nobody joins for it."""
    read = cli.run("consume", "mistyped", "-g", "for-nothing", address=broker.address)
    assert (read.status, read.error) == (1, "logbook: mistyped: UNKNOWN_TOPIC_OR_PARTITION\n")
    assert "for-nothing" not in [row["group"] for row in logbook(broker, "group", "list", "-o", "json").json]


def test_lag_is_what_was_produced_and_not_read(broker, topic):
    """By partition: committed, cut off, assigned without an offset, and neither."""
    counts = [40, 30, 20, 10]
    logbook(broker, "topic", "create", topic, "-p", PARTITIONS)
    fill(broker, topic, counts)
    group = f"{topic}-group"
    commit(broker, group, topic, {0: 15, 1: 30, 2: 7})
    cut(broker, topic, 2, before=5)

    def shown():
        _, rows = described(broker, group)
        return [
            (row["topic"], row["partition"], row["currentOffset"], row["logStartOffset"], row["logEndOffset"],
             row["lag"]) for row in rows]

    offsets = [(topic, 0, 15, 0, 40, 25), (topic, 1, 30, 0, 30, 0), (topic, 2, 7, 5, 20, 13)]
    assert shown() == offsets
    with confluent_member(broker, group, topic, **{"client.id": "reader"}):
        assert shown() == [*offsets, (topic, 3, None, 0, 10, None)]
        summary, rows = described(broker, group)
        assert summary == {
            "group": group, "type": "classic", "coordinator": 1, "coordinatorAddress": broker.address,
            "state": "Stable", "assignor": "range", "members": 1, "totalLag": 38}
        assert {(row["clientId"], row["host"]) for row in rows} == {("reader", "/127.0.0.1")}
        assert len({row["memberId"] for row in rows}) == 1


def test_a_description_is_a_summary_and_rows(broker, filled):
    """For people, with the columns that are promised; a member without a partition has a row."""
    group = f"{filled}-group"
    commit(broker, group, filled, {1: 4})
    summary, rows = logbook(broker, "group", "describe", group).output.decode().split("\n\n")
    assert [line.split(None, 1) for line in summary.splitlines()] == [
        ["GROUP", group], ["TYPE", "classic"], ["COORDINATOR", f"1 ({broker.address})"], ["STATE", "Empty"],
        ["ASSIGNOR", "-"], ["MEMBERS", "0"], ["TOTAL-LAG", "6"]]
    columns = [
        "TOPIC", "PARTITION", "CURRENT-OFFSET", "LOG-START-OFFSET", "LOG-END-OFFSET", "LAG", "MEMBER-ID", "CLIENT-ID",
        "HOST"]
    assert [line.split() for line in rows.splitlines()] == [
        columns, [filled, "1", "4", "0", "10", "6", "-", "-", "-"]]
    logbook(broker, "topic", "create", f"{filled}.one", "-p", 1)
    readers = [Reader(broker, f"{filled}.one", group, "-X", f"group.instance.id=i{number}") for number in range(2)]

    def instances():
        wide = logbook(broker, "group", "describe", group, "-o", "wide").output.decode().split("\n\n")[1]
        heading, *rows = [line.split() for line in wide.splitlines()]
        assert heading == [*columns, "INSTANCE-ID", "LEADER-EPOCH", "METADATA"]
        return [(row[0], row[9]) for row in rows if row[6] != "-"]

    until(lambda: sorted(instances()) in [
        [("-", "i0"), (f"{filled}.one", "i1")], [("-", "i1"), (f"{filled}.one", "i0")]])
    for reader in readers:
        reader.end()


def test_groups_of_both_kinds_are_listed_and_filtered(start_broker):
    """As a table and as JSON; states and types in any case."""
    broker = start_broker(**BROKER_SETTINGS)
    assert logbook(broker, "group", "list").lines == ["GROUP  TYPE  PROTOCOL  STATE"]
    assert logbook(broker, "group", "list", "-o", "json").json == []
    assert logbook(broker, "group", "describe", "-o", "json").json == []
    logbook(broker, "topic", "create", "t", "-p", PARTITIONS)
    commit(broker, "alone", "t", {0: 0})
    with confluent_member(broker, "old", "t"), confluent_member(broker, "new", "t", **{"group.protocol": "consumer"}):
        until(lambda: {row["state"] for row in logbook(broker, "group", "list", "-o", "json").json} == {
            "Stable", "Empty"})
        assert [line.split() for line in logbook(broker, "group", "list").lines] == [
            ["GROUP", "TYPE", "PROTOCOL", "STATE"], ["alone", "classic", "-", "Empty"],
            ["new", "consumer", "consumer", "Stable"], ["old", "classic", "consumer", "Stable"]]
        listed = logbook(broker, "group", "list", "--type", "CONSUMER", "-o", "json").json
        assert listed == [{"group": "new", "type": "consumer", "protocol": "consumer", "state": "Stable"}]

        def names(*flags):
            return [line.split()[0] for line in logbook(broker, "group", "list", *flags).lines[1:]]

        assert names("--state", "stable") == ["new", "old"]
        assert names("--state", "Stable", "--state", "Empty", "--type", "classic") == ["alone", "old"]
        assert names("--state", "Dead") == []
        assert [found["summary"]["group"] for found in logbook(broker, "group", "describe", "-o", "json").json] == [
            "alone", "new", "old"]


SEEKS = {
    "start": (["--to", "start"], [2, 0, 0, 0], ""),
    "end": (["--to", "end"], [10, 10, 10, 10], ""),
    "an offset": (["--to", "7"], [7, 7, 7, 7], ""),
    "the last three": (["--to", "-3"], [7, 7, 7, 7], ""),
    "a time": (["--to", f"@{NOON + 3_001}"], [4, 4, 4, 4], ""),
    "an age": (["--to", "@-1s"], [10, 10, 10, 10], "no record is of that time or later"),
    "on": (["--by", "2"], [6, 7, 8, 9], ""),
    "back": (["--by", "-3"], [2, 2, 3, 4], "1 is before the log's start"),
    "too far": (["--to", "11"], [10, 10, 10, 10], "11 is behind the log's end"),
    "far too far": (["--by", "9223372036854775807"], [10, 10, 10, 10], "9223372036854775807 is behind the log's end"),
}


@pytest.mark.parametrize("seek", SEEKS)
def test_a_group_is_moved_when_it_is_said_twice(broker, filled, seek):
    """First it is said what would be; with --execute it is. Nothing goes outside of the log."""
    flags, expected, note = SEEKS[seek]
    group = f"{filled}-group"
    before = {0: 4, 1: 5, 2: 6, 3: 7}
    commit(broker, group, filled, before)
    cut(broker, filled, 0, before=2)

    def rows(status):
        return [
            {"topic": filled, "partition": partition, "status": status, "currentOffset": before[partition],
             "newOffset": expected[partition]} for partition in range(PARTITIONS)]

    def moved(*more):
        shown = logbook(broker, "group", "seek", group, *flags, *more, "-o", "json").json
        notes = [row.pop("note") for row in shown]
        assert notes[0] == (note or None)
        return shown

    assert moved() == rows("would be set")
    assert moved("--dry-run") == rows("would be set")
    assert committed(broker, group) == before
    assert moved("--execute") == rows("set")
    assert committed(broker, group) == dict(enumerate(expected))
    assert sorted(logbook(broker, "consume", filled, "-g", group, "-e").lines) == sorted(
        f"{partition}:{number}" for partition in range(PARTITIONS) for number in range(expected[partition], 10))


def test_chosen_partitions_are_moved_and_no_others(broker, filled):
    """-t, any number of times; as a table."""
    group = f"{filled}-group"
    commit(broker, group, filled, {0: 4, 1: 5})
    logbook(broker, "topic", "create", f"{filled}.other", "-p", 1)
    shown = logbook(
        broker, "group", "seek", group, "--to", "9", "-t", f"{filled}:3,0", "-t", f"{filled}.other", "--execute")
    assert [line.split(None, 5) for line in shown.lines] == [
        ["TOPIC", "PARTITION", "STATUS", "CURRENT-OFFSET", "NEW-OFFSET", "NOTE"],
        [filled, "0", "set", "4", "9", "-"], [filled, "3", "set", "-", "9", "-"],
        [f"{filled}.other", "0", "set", "-", "0", "9 is behind the log's end"]]
    _, rows = described(broker, group)
    assert [(row["topic"], row["partition"], row["currentOffset"]) for row in rows] == [
        (filled, 0, 9), (filled, 1, 5), (filled, 3, 9), (f"{filled}.other", 0, 0)]


def test_what_cannot_be_moved_in_one_partition_moves_none(broker, filled):
    """Nothing to shift, no such partition, no such topic."""
    group = f"{filled}-group"
    commit(broker, group, filled, {0: 4})
    for flags, complaint in [
            (["--by", "1", "-t", filled], f"group {group} has no offset in {filled}-3 to move --by: say --to"),
            (["--to", "end", "-t", f"{filled}:0,4"], f"topic {filled} has {PARTITIONS} partitions, and no partition 4"),
            (["--to", "end", "-t", filled, "-t", "absent"], "looking for absent: UNKNOWN_TOPIC_OR_PARTITION")]:
        ended = cli.run("group", "seek", group, *flags, "--execute", address=broker.address)
        assert (ended.status, ended.output) == (1, b"")
        assert complaint in ended.error
    assert committed(broker, group) == {0: 4}


@pytest.mark.parametrize("protocol", ["classic", "consumer"])
def test_a_group_with_members_is_not_moved_and_not_deleted(broker, filled, protocol):
    """It is said what to do; a dry run says the same."""
    group = f"{filled}-group"
    commit(broker, group, filled, {0: 4})
    with confluent_member(broker, group, filled, **{"group.protocol": protocol}):
        until(lambda: described(broker, group)[0]["state"] == "Stable")
        for more in [[], ["--execute"]]:
            ended = cli.run("group", "seek", group, "--to", "end", *more, address=broker.address)
            assert (ended.status, ended.output) == (1, b"")
            assert ended.error == (
                f"logbook: group {group} has a member, and is Stable; its offsets can be set when nobody reads: stop "
                "its members, or wait until their sessions are over\n")
        for more in [[], ["--dry-run"]]:
            ended = cli.run("group", "delete", group, *more, address=broker.address)
            assert (ended.status, ended.output) == (1, b"")
            assert ended.error == f"logbook: deleting {group}: it has members (NON_EMPTY_GROUP); stop them first\n"
        assert committed(broker, group) == {0: 4}
    until(lambda: described(broker, group)[0]["state"] == "Empty")
    logbook(broker, "group", "seek", group, "--to", "end", "--execute")
    assert committed(broker, group)[0] == 10


def test_a_group_that_is_not_there_is_told(broker, filled):
    """Its offsets can be set before its first member comes, where topics are named."""
    group = f"{filled}-group"
    for command, complaint in [
            (["describe", group], f"describing {group}"), (["delete", group], f"deleting {group}"),
            (["delete", group, "--dry-run"], f"deleting {group}")]:
        ended = cli.run("group", *command, address=broker.address)
        assert ended.status == 1 and complaint in ended.error and "GROUP_ID_NOT_FOUND" in ended.error
    ended = cli.run("group", "seek", group, "--to", "end", "--execute", address=broker.address)
    assert (ended.status, ended.output) == (1, b"")
    assert ended.error == f"logbook: there is no group {group}; to begin one, choose its topics by -t\n"
    logbook(broker, "group", "seek", group, "--to", "8", "-t", filled, "--execute")
    assert len(logbook(broker, "consume", filled, "-g", group, "-e").lines) == 2 * PARTITIONS


def test_each_group_has_an_outcome_of_its_own(broker, filled):
    """A dry run deletes nothing."""
    here, there = f"{filled}-here", f"{filled}-there"
    for group in [here, there]:
        commit(broker, group, filled, {0: 4})
    dry = logbook(broker, "group", "delete", here, "--dry-run")
    assert [line.split(None, 1) for line in dry.lines] == [["GROUP", "STATUS"], [here, "would be deleted"]]
    assert committed(broker, here) == {0: 4}
    ended = cli.run("group", "delete", here, "absent", there, "-o", "json", address=broker.address)
    assert ended.status == 1
    assert ended.json == [{"group": here, "status": "deleted"}, {"group": there, "status": "deleted"}]
    assert ended.error.startswith("logbook: deleting absent") and "GROUP_ID_NOT_FOUND" in ended.error
    ended = cli.run("group", "describe", here, address=broker.address)
    assert ended.status == 1


@pytest.mark.parametrize("arguments, complaint", [
    (["group"], "group needs an action"),
    (["group", "make", "g"], "there is no group make"),
    (["group", "list", "g"], "unexpected argument g"),
    (["group", "list", "--state", "busy"], "--state takes one of Empty, "),
    (["group", "list", "--type", "share"], "--type takes one of classic, consumer, not share"),
    (["group", "delete"], "group delete needs a group"),
    (["group", "delete", "g", "--execute"], "unknown flag --execute"),
    (["group", "seek", "--to", "end"], "group seek needs a group"),
    (["group", "seek", "g"], "group seek needs --to or --by"),
    (["group", "seek", "g", "h", "--to", "end"], "one group at a time, not g h"),
    (["group", "seek", "g", "--to", "middle"], "--to takes start, end, N, -N, @MS or @-AGE, not middle"),
    (["group", "seek", "g", "--by", "all"], "--by takes a number of records, not all"),
    (["group", "seek", "g", "--to", "end", "--by", "1"], "give one"),
    (["group", "seek", "g", "--to", "end", "-t", "t:x"], "-t takes TOPIC or TOPIC:PARTITION,..., not t:x"),
    (["group", "seek", "g", "--to", "end", "--execute", "--dry-run"], "exclude each other"),
    (["consume", "t", "-g", "g", "-p", "0"], "-p: with -g the group says which partitions are read"),
    (["consume", "t", "-g", "g", "--offset", "5"], "--offset: with -g it takes start or end"),
    (["consume", "t", "-g", "g", "--offset", "end", "-X", "auto.offset.reset=none"], "give one"),
    (["consume", "t", "-g", ""], "group.id is empty"),
    (["consume", "t", "-g", "g", "-X", "group.protocol=new"], "group.protocol takes one of classic, consumer, not new"),
    (["consume", "t", "-g", "g", "-X", "group.remote.assignor=range"], "is for group.protocol=consumer"),
    (["consume", "t", "-g", "g", "-X", "partition.assignment.strategy=best"], "takes some of range, roundrobin, "),
    (["consume", "t", "-g", "g", "-X", "session.timeout.ms=1"], "heartbeat.interval.ms (3000) must be less"),
    (["consume", "t", "-X", "session.timeout.ms=6000"], "there is no setting session.timeout.ms here"),
])
def test_a_command_line_that_makes_no_sense_is_told_so(arguments, complaint):
    """Status 2, nothing on standard output, and nobody is connected to."""
    ended = cli.run(*arguments)
    assert (ended.status, ended.output) == (2, b"")
    assert ended.error.startswith("logbook: ") and complaint in ended.error
