"""`logbook dump-log` says what is in a segment, and where one is damaged."""

import re
import shutil

import pytest

from clients import CLIENTS, CODECS, CONFLUENT, Record
from server import Batch, dump_log

NOON = 1_700_000_000_000
BATCH_HEADER_BYTES = 61

# From the batch's beginning, and what is there.
CHECKED_BYTES = {
    8: "length", 11: "length", 16: "magic", 17: "CRC", 20: "CRC", 22: "attributes", 26: "last offset delta",
    34: "base timestamp", 42: "max timestamp", 50: "producer id", 52: "producer epoch", 56: "base sequence",
    60: "record count", 61: "first record", 100: "records", -1: "last byte",
}


def records_of(batch: Batch) -> list[tuple[str, ...]]:
    """The fields of each record as printed."""
    form = r"\| offset: (\d+) CreateTime: (\d+) keySize: (-?\d+) valueSize: (-?\d+) headerKeys: \[(.*?)\](.*)"
    return [re.fullmatch(form, line).groups() for line in batch.records]


@pytest.fixture(scope="module")
def segment(broker):
    """A segment of three batches with ten records each."""
    with CONFLUENT.producer(broker.address) as producer:
        for first in (0, 10, 20):
            producer.send("dumped", [
                Record(b"key%d" % number, b"value%d" % number, timestamp=NOON + number)
                for number in range(first, first + 10)])
    [path] = broker.segments("dumped")
    assert path.name == "00000000000000000000.log"
    dump = dump_log(path)
    assert (dump.status, dump.damage, len(dump.batches)) == (0, [], 3)
    return path


def test_every_batch_and_record_is_printed(segment):
    """With DumpLogSegments' fields; keys and values only with --print-data-log."""
    for flags, data in (((), ""), (("--print-data-log",), " key: key{0} payload: value{0}")):
        dump = dump_log(segment, *flags)
        assert (dump.status, dump.damage) == (0, [])
        assert [(batch.baseOffset, batch.lastOffset, batch.count) for batch in dump.batches] == [
            (0, 9, 10), (10, 19, 10), (20, 29, 10)]
        position = 0
        for batch in dump.batches:
            assert batch.position == position
            assert (batch.magic, batch.isvalid, batch.compresscodec) == (2, "true", "none")
            assert (batch.producerId, batch.baseSequence, batch.isTransactional) == (-1, -1, "false")
            assert batch.CreateTime == NOON + batch.lastOffset
            position += batch.size
            assert records_of(batch) == [
                (str(number), str(NOON + number), str(len(f"key{number}")), str(len(f"value{number}")), "",
                 data.format(number))
                for number in range(batch.baseOffset, batch.lastOffset + 1)]
        assert position == segment.stat().st_size


@pytest.mark.parametrize("client", CLIENTS, ids=str)
def test_null_and_empty_and_headers_are_told_apart(broker, topic, client):
    """Sizes of -1 for what is null."""
    records = [Record(b"", b""), Record(b"key", None), Record(None, b"v", (("a", b"1"), ("b", b"")))]
    with client.producer(broker.address) as producer:
        producer.send(topic, records)
    [path] = broker.segments(topic)
    printed = [record for batch in dump_log(path, "--print-data-log").batches for record in records_of(batch)]
    time = str(records[0].timestamp)
    assert printed == [
        ("0", time, "0", "0", "", " key:  payload: "),
        ("1", time, "3", "-1", "", " key: key"),
        ("2", time, "-1", "1", "a,b", " payload: v header: a=1 header: b="),
    ]


@pytest.mark.parametrize("codec", CODECS)
def test_the_codec_is_printed(broker, topic, codec):
    """And the number of records, which the batch's header tells."""
    with CONFLUENT.producer(broker.address, codec=codec) as producer:
        producer.send(topic, [Record(b"", bytes(10_000))] * 5)
    batches = broker.batches(topic)
    assert sum(batch.count for batch in batches) == 5
    assert {batch.compresscodec for batch in batches} == {codec or "none"}


def assert_damaged_at(path, position):
    """The batches before the damage are printed, then one line says where it is."""
    dump = dump_log(path)
    assert dump.status == 1
    [line] = dump.damage
    size = path.stat().st_size
    assert line.startswith(f"damaged at position {position}, {size - position} bytes before the end: ")
    assert sum(batch.size for batch in dump.batches) == position


@pytest.mark.parametrize("number", [0, 1, 2])
@pytest.mark.parametrize("place", CHECKED_BYTES, ids=lambda place: f"{place}-{CHECKED_BYTES[place]}")
def test_a_flipped_byte_is_found(segment, tmp_path, number, place):
    """In every field that the CRC covers, and in the length, the magic and the CRC."""
    batch = dump_log(segment).batches[number]
    data = bytearray(segment.read_bytes())
    assert batch.size > 200
    data[batch.position + place % batch.size] ^= 0x01
    copy = tmp_path / segment.name
    copy.write_bytes(data)
    assert_damaged_at(copy, batch.position)


def test_a_truncated_copy_is_found(segment, tmp_path):
    """The damage is where the last batch begins, wherever inside it the file ends."""
    last = dump_log(segment).batches[-1]
    data = segment.read_bytes()
    copy = tmp_path / segment.name
    for kept in (1, 8, 12, 16, 17, BATCH_HEADER_BYTES - 1, BATCH_HEADER_BYTES, 100, last.size - 1):
        copy.write_bytes(data[:last.position + kept])
        assert_damaged_at(copy, last.position)


def test_a_copy_that_ends_between_batches_is_sound(segment, tmp_path):
    """Nothing in it says that there was more."""
    data = segment.read_bytes()
    copy = tmp_path / segment.name
    for kept, batch in enumerate(dump_log(segment).batches):
        copy.write_bytes(data[:batch.position])
        dump = dump_log(copy)
        assert (dump.status, dump.damage, len(dump.batches)) == (0, [], kept)


def test_garbage_behind_the_last_batch_is_found(segment, tmp_path):
    """Zeros as a file system may leave them, and noise."""
    size = segment.stat().st_size
    for garbage in (bytes(4096), b"\xff" * 100, b"x"):
        copy = tmp_path / segment.name
        shutil.copy(segment, copy)
        with open(copy, "ab") as file:
            file.write(garbage)
        assert_damaged_at(copy, size)


def test_a_missing_file_is_a_failure(tmp_path):
    """Exit status 1, and not a word of batches."""
    dump = dump_log(tmp_path / "00000000000000000000.log")
    assert (dump.status, dump.batches) == (1, [])
