"""kcat, which is librdkafka of 2022: files go in and come out as they were."""

import json
import random
import subprocess
import zlib
from collections import Counter

import pytest

from clients import CONFLUENT, Record

LINES = 100_000
NOON = 1_700_000_000_000


def kcat(broker, *arguments, **options) -> str:
    """Runs kcat to its end; a failure of kcat is one of the test."""
    ended = subprocess.run(
        ["kcat", "-q", "-b", broker.address, *arguments], capture_output=True, text=True, timeout=60, **options)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


@pytest.fixture(scope="module")
def lines(tmp_path_factory):
    """A file of 100,000 lines `key:value` with 1,000 keys; the path, and the lines."""
    seeded = random.Random(1)
    lines = [f"key{seeded.randrange(1000)}:{number} {'x' * seeded.randrange(100)}" for number in range(LINES)]
    path = tmp_path_factory.mktemp("kcat") / "lines"
    path.write_text("\n".join(lines) + "\n")
    return path, lines


def test_a_file_comes_back_identical_from_one_partition(broker, topic, lines):
    """Every line, in order."""
    path, expected = lines
    kcat(broker, "-P", "-t", topic, "-K", ":", "-l", str(path))
    read = kcat(broker, "-C", "-t", topic, "-p", "0", "-o", "beginning", "-e", "-K", ":")
    assert len(expected) == LINES
    assert read == path.read_text()


def test_a_file_comes_back_in_order_from_each_of_several_partitions(start_broker, topic, lines):
    """librdkafka chooses the partition by the key's CRC-32, so each one's lines are known."""
    broker = start_broker(num_partitions=4)
    path, all_lines = lines
    expected = [[], [], [], []]
    for line in all_lines:
        expected[zlib.crc32(line.partition(":")[0].encode()) % 4].append(line)
    assert min(map(len, expected)) > LINES / 8

    kcat(broker, "-P", "-t", topic, "-K", ":", "-l", str(path))
    for partition in range(4):
        read = kcat(broker, "-C", "-t", topic, "-p", str(partition), "-o", "beginning", "-e", "-K", ":")
        assert read.splitlines() == expected[partition]
    # Without -p all partitions are read side by side.
    read = kcat(broker, "-C", "-t", topic, "-o", "beginning", "-e", "-K", ":")
    assert Counter(read.splitlines()) == Counter(all_lines)


def test_the_list_shows_brokers_topics_and_partitions(start_broker, topic):
    """`kcat -L`, for people and as JSON."""
    broker = start_broker(num_partitions=3)
    kcat(broker, "-P", "-t", topic, input="one\n")
    listed = json.loads(kcat(broker, "-L", "-J"))
    assert [(entry["id"], entry["name"]) for entry in listed["brokers"]] == [(1, broker.address)]
    assert listed["controllerid"] == 1
    [described] = listed["topics"]
    assert described["topic"] == topic
    assert [
        (entry["partition"], entry["leader"], entry["replicas"], entry["isrs"]) for entry in described["partitions"]
    ] == [(number, 1, [{"id": 1}], [{"id": 1}]) for number in range(3)]
    assert f'topic "{topic}" with 3 partitions:' in kcat(broker, "-L")
    assert f'topic "{topic}" with 3 partitions:' in kcat(broker, "-L", "-t", topic)


@pytest.mark.parametrize("codec", ["gzip", "snappy", "lz4", "zstd"])
def test_kcat_compresses(broker, topic, codec):
    """librdkafka before 2.11.1 does so only for a broker that offers Produce from version 0."""
    lines = "".join(f"{number} {'filler ' * 20}\n" for number in range(1000))
    kcat(broker, "-P", "-t", topic, "-z", codec, input=lines)
    batches = broker.batches(topic)
    assert sum(batch.count for batch in batches) == 1000
    assert {batch.compresscodec for batch in batches} == {codec}
    assert kcat(broker, "-C", "-t", topic, "-o", "beginning", "-e") == lines


def test_keys_headers_and_null_values_come_back(broker, topic):
    """-H, -Z, and the offset of each."""
    kcat(broker, "-P", "-t", topic, "-H", "colour=blue", "-H", "empty=", "-K", ":", "-Z", input="a:1\nb:\n:3\n")
    read = kcat(broker, "-C", "-t", topic, "-o", "beginning", "-e", "-Z", "-f", r"%o|%K|%k|%S|%s|%h\n")
    headers = "colour=blue,empty="
    assert read.splitlines() == [f"0|1|a|1|1|{headers}", f"1|1|b|-1|NULL|{headers}", f"2|-1|NULL|1|3|{headers}"]


@pytest.fixture(scope="module")
def ten(broker):
    """A topic of ten records, one second apart."""
    with CONFLUENT.producer(broker.address) as producer:
        producer.send("ten", [Record(b"", b"%d" % number, timestamp=NOON + 1000 * number) for number in range(10)])
    return "ten"


@pytest.mark.parametrize("start, expected", [
    ("beginning", range(0, 10)),
    ("0", range(0, 10)),
    ("7", range(7, 10)),
    ("-3", range(7, 10)),
    ("end", []),
    ("10", []),
    (f"s@{NOON}", range(0, 10)),
    (f"s@{NOON + 4000}", range(4, 10)),
    (f"s@{NOON + 3001}", range(4, 10)),
    (f"s@{NOON + 9000}", range(9, 10)),
    (f"s@{NOON + 9001}", []),
])
def test_reading_begins_where_it_is_told(broker, ten, start, expected):
    """By offset, from the end, and by timestamp."""
    read = kcat(broker, "-C", "-t", ten, "-p", "0", "-o", start, "-e", "-f", r"%o %s %T\n")
    assert read.splitlines() == [f"{number} {number} {NOON + 1000 * number}" for number in expected]


def test_reading_ends_at_a_timestamp(broker, ten):
    """`-o e@...` is not included."""
    read = kcat(broker, "-C", "-t", ten, "-p", "0", "-o", f"s@{NOON + 2000}", "-o", f"e@{NOON + 5000}", "-f", r"%o\n")
    assert read.split() == ["2", "3", "4"]


@pytest.mark.parametrize("timestamp, offset", [(NOON, 0), (NOON + 4001, 5), (NOON + 9001, -1), (-2, 0), (-1, 10)])
def test_a_query_finds_the_offset_of_a_time(broker, ten, timestamp, offset):
    """`kcat -Q`; -2 is the beginning, and -1 the end."""
    assert kcat(broker, "-Q", "-t", f"{ten}:0:{timestamp}").split() == [ten, "[0]", "offset", str(offset)]


def test_a_reader_at_the_end_sees_what_comes_next(broker, topic):
    """`-o end` skips what there is, and then follows."""
    kcat(broker, "-P", "-t", topic, input="before\n")
    reader = subprocess.Popen(
        ["kcat", "-b", broker.address, "-C", "-t", topic, "-p", "0", "-o", "end", "-c", "2", "-u"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert reader.stderr.readline().startswith(f"% Reached end of topic {topic} [0] at offset 1")
        kcat(broker, "-P", "-t", topic, input="after\nlater\n")
        output, _ = reader.communicate(timeout=20)
        assert output == "after\nlater\n"
        assert reader.returncode == 0
    finally:
        reader.kill()
        reader.wait()
