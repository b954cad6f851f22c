"""`logbook produce` and `logbook consume`, as they are used in a shell."""

import hashlib
import json
import os
import random
import re
import signal
import socket
import subprocess
import time

import pytest

import cli
from cli import logbook
from clients import CONFLUENT, Record
from server import BINARY

NOON = 1_700_000_000_000


def test_100_000_lines_come_back_identical(start_broker, topic):
    """Every byte but the line end is a value's; the order is that of the lines."""
    broker = start_broker(num_partitions=1)
    seeded = random.Random(5)
    alphabet = bytes(byte for byte in range(256) if byte != 0x0A)
    lines = b"".join(bytes(seeded.choices(alphabet, k=seeded.randrange(120))) + b"\n" for _ in range(100_000))
    produced = logbook(broker, "produce", topic, input=lines)
    assert produced.lines == [f"0@{offset}" for offset in range(100_000)]
    assert logbook(broker, "consume", topic, "-e").output == lines


def test_what_has_line_ends_goes_through_with_another_end(broker, topic):
    """The same format on both sides."""
    values = [b"two\nlines", b"", b"\xff\xfe\n", b"last"]
    form = r"%k\x1f%v\x00"
    data = b"".join(b"k%d\x1f%s\x00" % (number, value) for number, value in enumerate(values))
    logbook(broker, "produce", topic, "-f", form, input=data)
    assert logbook(broker, "consume", topic, "-e", "-f", form).output == data
    with CONFLUENT.consumer(broker.address, topic) as consumer:
        assert [record.value for _, record in consumer.take(4)] == values


def test_records_have_keys_headers_codecs_and_times(broker, topic):
    """What was asked for is what another client reads."""
    logbook(broker, "produce", topic, "-f", "%T %k=%v", "-H", "a=1", "-H", "b=", "-z", "gzip",
            input=b"".join(b"%d k%d=%s\n" % (NOON + number, number, b"x" * 100) for number in range(50)))
    with CONFLUENT.consumer(broker.address, topic) as consumer:
        assert [record for _, record in consumer.take(50)] == [
            Record(b"k%d" % number, b"x" * 100, (("a", b"1"), ("b", b"")), NOON + number) for number in range(50)]
    assert {batch.compresscodec for batch in broker.batches(topic)} == {"gzip"}


@pytest.fixture(scope="module")
def ten(broker):
    """A topic of ten records, one second apart."""
    with CONFLUENT.producer(broker.address) as producer:
        producer.send("cli.ten", [
            Record(None if number == 0 else b"k%d" % number, b"%d" % number, timestamp=NOON + 1000 * number)
            for number in range(10)])
    return "cli.ten"


@pytest.mark.parametrize("start, expected", [
    (None, range(10)), ("start", range(10)), ("0", range(10)), ("7", range(7, 10)), ("10", []), ("end", []),
    ("-3", range(7, 10)), ("-100", range(10)), ("-0", []),
    (f"@{NOON + 3001}", range(4, 10)), (f"@{NOON + 9000}", range(9, 10)), (f"@{NOON + 9001}", []),
])
def test_reading_begins_where_it_is_told(broker, ten, start, expected):
    """By offset, from the end, and by timestamp."""
    where = [] if start is None else ["--offset", start]
    read = logbook(broker, "consume", ten, "-e", *where, "-f", r"%o %v %T\n")
    assert read.lines == [f"{number} {number} {NOON + 1000 * number}" for number in expected]


def test_reading_ends_after_a_count(broker, ten):
    """-n counts what is printed."""
    assert logbook(broker, "consume", ten, "-n", "3").lines == ["0", "1", "2"]
    assert logbook(broker, "consume", ten, "-n", "3", "--offset", "-2", "-e").lines == ["8", "9"]


def test_an_offset_that_is_not_there_is_an_error(broker, ten):
    """Nothing is passed over in silence; with auto.offset.reset it may be."""
    read = cli.run("consume", ten, "-e", "--offset", "11", address=broker.address)
    assert read.status == 0 and read.output == b""  # 11 is behind the end: there is nothing before it
    read = cli.run("consume", ten, "-n", "1", "--offset", "11", address=broker.address)
    assert read.status == 1 and read.output == b""
    assert "OFFSET_OUT_OF_RANGE" in read.error
    assert logbook(
        broker, "consume", ten, "-n", "1", "--offset", "11", "-X", "auto.offset.reset=earliest").lines == ["0"]


def test_json_has_stable_keys_and_wide_has_everything(broker, ten):
    """One object in each line; a dash for null."""
    first, second = logbook(broker, "consume", ten, "-n", "2", "-o", "json").objects
    assert first == {
        "topic": ten, "partition": 0, "offset": 0, "timestamp": NOON, "key": None, "keyEncoding": None, "value": "0",
        "valueEncoding": "utf8", "headers": []}
    assert (second["key"], second["keyEncoding"]) == ("k1", "utf8")
    assert logbook(broker, "consume", ten, "-n", "2", "-o", "wide").lines == [
        f"{ten}\t0@0\t{NOON}\t-\t0", f"{ten}\t0@1\t{NOON + 1000}\tk1\t1"]


def test_several_topics_and_chosen_partitions_are_read(start_broker, topic):
    """-p names partitions of each topic."""
    broker = start_broker(num_partitions=3)
    for name in ["a", "b"]:
        for partition in range(3):
            logbook(broker, "produce", name, "-p", partition, input=b"%s%d\n" % (name.encode(), partition))
    assert sorted(logbook(broker, "consume", "a", "b", "-e").lines) == ["a0", "a1", "a2", "b0", "b1", "b2"]
    assert sorted(logbook(broker, "consume", "a", "b", "-e", "-p", "0", "-p2").lines) == ["a0", "a2", "b0", "b2"]
    wrong = cli.run("consume", "a", "-e", "-p", "3", address=broker.address)
    assert (wrong.status, wrong.error) == (1, "logbook: topic a has 3 partitions, and no partition 3\n")
    wrong = cli.run("produce", "a", "-p", "3", input=b"x\n", address=broker.address)
    assert wrong.status == 1 and "topic a has 3 partitions, and no partition 3" in wrong.error


def test_a_topic_that_is_not_there_is_not_created_by_reading(broker):
    """A mistyped name is told at once."""
    read = cli.run("consume", "mistyped", address=broker.address)
    assert (read.status, read.output) == (1, b"")
    assert read.error == "logbook: mistyped: UNKNOWN_TOPIC_OR_PARTITION\n"
    assert "mistyped" not in broker.topics()


def test_a_topic_that_nobody_creates_is_told(start_broker, topic):
    """Where the broker makes none on first use."""
    broker = start_broker(auto_create_topics_enable="false")
    produced = cli.run("produce", topic, "-X", "max.block.ms=300", input=b"x\n", address=broker.address)
    assert (produced.status, produced.output) == (1, b"")
    assert produced.error == f"logbook: topic {topic}: UNKNOWN_TOPIC_OR_PARTITION\n"


def test_produce_says_where_each_record_is(broker, topic):
    """As text, wide and as JSON; a dash where the broker does not say."""
    assert logbook(broker, "produce", topic, input=b"one\ntwo").lines == ["0@0", "0@1"]
    [report] = logbook(broker, "produce", topic, "-o", "json", input=b"three\n").objects
    assert report.pop("timestamp") > NOON
    assert report == {"topic": topic, "partition": 0, "offset": 2, "error": None}
    [line] = logbook(broker, "produce", topic, "-o", "wide", input=b"four\n").lines
    assert re.fullmatch(rf"{re.escape(topic)}\t0@3\t\d{{13}}", line)
    assert logbook(broker, "produce", topic, "--acks", "0", input=b"five\n").lines == ["0@-"]
    assert logbook(broker, "produce", topic, input=b"").lines == []


def test_a_line_of_another_form_ends_it_and_what_came_before_is_there(broker, topic):
    """The line is named."""
    produced = cli.run("produce", topic, "-f", "%k:%v", input=b"a:1\nb:2\nnothing\nc:3\n", address=broker.address)
    assert produced.status == 1
    assert produced.error == "logbook: record 3 is not of the form that -f says: nothing\n"
    assert produced.lines == ["0@0", "0@1"]
    assert logbook(broker, "consume", topic, "-e", "-f", r"%k%v\n").lines == ["a1", "b2"]


def test_a_record_that_is_too_large_ends_it(broker, topic):
    """A line without end is not read into memory for ever."""
    produced = cli.run("produce", topic, input=b"small\n" + b"x" * (3 << 20), address=broker.address)
    assert produced.status == 1
    assert "max.request.size (1048576)" in produced.error
    assert produced.lines == ["0@0"]


def test_acknowledgements_are_printed_while_the_input_is_open(broker, topic):
    """An interactive producer is told at once."""
    with subprocess.Popen(
            [BINARY, "produce", topic, "-b", broker.address], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        for offset in range(3):
            process.stdin.write(b"line\n")
            process.stdin.flush()
            assert process.stdout.readline() == b"0@%d\n" % offset
        process.stdin.close()
        assert process.wait(10) == 0


def test_a_follower_prints_records_as_they_come(broker, topic):
    """And ends at SIGINT as any other program does."""
    logbook(broker, "produce", topic, input=b"before\n")
    with subprocess.Popen([BINARY, "consume", topic, "-b", broker.address], stdout=subprocess.PIPE) as reader:
        assert reader.stdout.readline() == b"before\n"
        for number in range(3):
            logbook(broker, "produce", topic, input=b"%d\n" % number)
            assert reader.stdout.readline() == b"%d\n" % number
        reader.send_signal(signal.SIGINT)
        assert reader.wait(10) == -signal.SIGINT


def test_a_reader_that_goes_away_ends_consume(start_broker, topic):
    """`consume | head -1` is no failure, and does not go on for ever."""
    broker = start_broker(num_partitions=1)
    logbook(broker, "produce", topic, input=b"line\n" * 100_000)
    with subprocess.Popen(
            [BINARY, "consume", topic, "-b", broker.address], stdout=subprocess.PIPE,
            stderr=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"line\n"
        process.stdout.close()
        assert process.wait(20) == 0
        assert process.stderr.read() == b""


def test_produce_goes_on_where_nobody_reads_its_reports(broker, topic):
    """The records matter, not the reports."""
    with subprocess.Popen(
            [BINARY, "produce", topic, "-b", broker.address], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE) as process:
        process.stdout.close()
        process.stdin.write(b"line\n" * 1000)
        process.stdin.close()
        assert process.wait(20) == 0
    assert len(logbook(broker, "consume", topic, "-e").lines) == 1000


@pytest.mark.parametrize("command", [
    ["produce", "t"], ["consume", "t"], ["topic", "list"], ["topic", "create", "t"], ["topic", "describe", "t"],
    ["group", "list"], ["group", "describe", "g"], ["group", "delete", "g"], ["consume", "t", "-g", "g"]])
def test_a_broker_that_is_away_is_an_error(command):
    """Status 1, and why."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    ended = cli.run(*command, "-b", f"127.0.0.1:{port}", "-X", "default.api.timeout.ms=300", input=b"x\n")
    assert (ended.status, ended.output) == (1, b"")
    assert f"no connection to 127.0.0.1:{port}" in ended.error and "Connection refused" in ended.error


@pytest.mark.parametrize("arguments, complaint", [
    ([], "no command given"),
    (["topics"], "unknown command topics"),
    (["topic"], "topic needs an action"),
    (["topic", "make", "t"], "there is no topic make"),
    (["topic", "create"], "topic create needs a topic"),
    (["topic", "create", "t", "-p", "0"], "-p takes a number from 1 to 2147483647, not 0"),
    (["topic", "create", "t", "-r", "many"], "-r takes a number from 1 to 32767, not many"),
    (["topic", "create", "t", "-c", "retention.ms"], "-c takes name=value, not retention.ms"),
    (["topic", "create", "t", "--if-exists"], "unknown flag --if-exists"),
    (["topic", "alter", "t"], "topic alter needs -c or -p"),
    (["topic", "alter", "t", "-r", "2"], "unknown flag -r"),
    (["topic", "list", "t"], "unexpected argument t"),
    (["topic", "list", "-o", "xml"], "-o takes table, wide or json, not xml"),
    (["topic", "list", "-b", "nowhere"], '"nowhere" is not host:port'),
    (["topic", "list", "-X", "a"], "-X takes name=value, not a"),
    (["topic", "list", "-X", "acks=1"], "there is no setting acks here"),
    (["topic", "list", "-X", "request.timeout.ms=0"], "must be 1 or more"),
    (["produce"], "produce needs a topic"),
    (["produce", "a", "b"], "unexpected argument b"),
    (["produce", "t", "-z", "brotli"], "compression.type takes one of none, gzip, snappy, lz4, zstd, not brotli"),
    (["produce", "t", "--acks", "2"], "acks takes one of all, -1, 1, 0, not 2"),
    (["produce", "t", "-f", "%o"], "%o cannot be read from the input"),
    (["produce", "t", "-H", "x"], "-H takes name=value, not x"),
    (["produce", "t", "-p", "-1"], "-p takes a number from 0"),
    (["produce", "t", "--idempotent"], "--idempotent: "),
    (["produce", "t", "-X", "linger.ms=-1"], "linger.ms is negative"),
    (["consume"], "consume needs a topic"),
    (["consume", "t", "--offset", "middle"], "--offset takes start, end, N, -N, @MS or @-AGE, not middle"),
    (["consume", "t", "-n", "0"], "-n takes a number from 1"),
    (["consume", "t", "-p", "x"], "-p takes a partition's number, not x"),
    (["consume", "t", "-f", "%z"], "there is no field %z"),
    (["consume", "t", "-f", "%v", "-o", "json"], "-f and -o json are two forms of the same"),
    (["consume", "t", "--isolation-level", "read_committed"], "--isolation-level read_committed: "),
    (["consume", "t", "--isolation-level", "strict"], "not strict"),
    (["consume", "t", "-X", "fetch.max.wait.ms=60000"], "fetch.max.wait.ms (60000) must be less"),
])
def test_a_command_line_that_makes_no_sense_is_told_so(arguments, complaint):
    """Status 2, nothing on standard output, and nobody is connected to."""
    ended = cli.run(*arguments)
    assert (ended.status, ended.output) == (2, b"")
    assert ended.error.startswith("logbook: ") and complaint in ended.error


@pytest.mark.parametrize("command", [
    [], ["topic"], ["topic", "create"], ["group"], ["group", "seek"], ["produce"], ["consume"]])
def test_help_is_data(command):
    """`--help` goes to standard output, with status 0."""
    ended = cli.run(*command, "--help")
    assert (ended.status, ended.error) == (0, "")
    assert ended.output.startswith(b"usage: logbook ")


def test_nothing_is_coloured_where_nobody_looks(broker, ten):
    """Colours are for terminals; progress too."""
    listed = logbook(broker, "topic", "list")
    assert b"\x1b" not in listed.output
