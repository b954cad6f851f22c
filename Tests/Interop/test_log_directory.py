"""A log directory parses with kafka-python's reader of records, which shares no line with ours."""

import random
import re
from pathlib import Path

import pytest
from kafka.record import MemoryRecords

from clients import CODECS, CONFLUENT, Record

NOON = 1_700_000_000_000
NUMBERS = {None: 0, "gzip": 1, "snappy": 2, "lz4": 3, "zstd": 4}

# Small, so that a few batches make several segments.
BROKER_SETTINGS = {"segment_bytes": 65_536}


def records_of_every_kind() -> list[Record]:
    """Nulls, empty ones and headers; incompressible bytes, repeated ones, and more than snappy's block of 32 KiB."""
    return [
        Record(b"key", b"value", timestamp=NOON),
        Record(None, b"value", timestamp=NOON + 1),
        Record(b"key", None, timestamp=NOON + 2),
        Record(None, None, timestamp=NOON + 3),
        Record(b"", b"", timestamp=NOON - 1_000),
        Record(b"k", b"v", (("a", b"1"), ("a", b""), ("ü", None)), timestamp=NOON + 4),
        Record(b"noise", random.Random(1).randbytes(5_000), timestamp=NOON + 5),
        Record(b"zeros", bytes(40_000), timestamp=NOON + 6),
    ]


def read_log(path: Path):
    """The batches of one segment, as kafka-python parses and checks them."""
    records = MemoryRecords(path.read_bytes())
    parsed = 0
    while (batch := records.next_batch()) is not None:
        assert batch.validate_crc()
        parsed += batch.size_in_bytes
        yield batch
    assert parsed == path.stat().st_size, "bytes that are no batch"


def read_partition(paths: list[Path]):
    """Every record with its offset; each segment is named for its first offset."""
    pairs = []
    for path in paths:
        assert re.fullmatch(r"\d{20}\.log", path.name)
        assert int(path.stem) == len(pairs)
        for batch in read_log(path):
            assert batch.base_offset == len(pairs)
            for record in batch:
                assert record.timestamp_type == 0, "not CreateTime"
                pairs.append((record.offset, Record(
                    record.key, record.value, tuple(record.headers), record.timestamp)))
    return pairs


def codecs_of(paths: list[Path]) -> set[int]:
    """Kafka's numbers of the codecs that the batches have."""
    return {batch.compression_type for path in paths for batch in read_log(path)}


@pytest.mark.parametrize("codec", CODECS)
def test_every_record_is_read_from_the_files(broker, topic, codec):
    """Also those of the segments before the last one."""
    sent = []
    with CONFLUENT.producer(broker.address, codec=codec) as producer:
        while len(broker.segments(topic)) < 3:
            assert len(sent) < 10_000, "the log does not roll"
            records = [
                Record(record.key, record.value, record.headers, record.timestamp + len(sent))
                for record in records_of_every_kind()]
            assert producer.send(topic, records) == list(range(len(sent), len(sent) + len(records)))
            sent += records
    paths = broker.segments(topic)
    assert read_partition(paths) == list(enumerate(sent))
    # librdkafka sends a batch as it is where compressing would not make it smaller.
    assert NUMBERS[codec] in codecs_of(paths) <= {NUMBERS[codec], NUMBERS[None]}


def test_batches_of_every_codec_stand_in_one_log(broker, topic):
    """As they do when producers disagree, or change their mind."""
    sent = []
    for codec in CODECS * 2:
        with CONFLUENT.producer(broker.address, codec=codec) as producer:
            records = records_of_every_kind()
            producer.send(topic, records)
            sent += records
    paths = broker.segments(topic)
    assert read_partition(paths) == list(enumerate(sent))
    assert codecs_of(paths) == set(NUMBERS.values())
