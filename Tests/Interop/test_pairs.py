"""What one client writes, every client reads: each field, in each codec."""

import random

import pytest

from clients import CLIENTS, CODECS, Record

# Records of the year 2100 are taken.
BROKER_SETTINGS = {"log_message_timestamp_after_max_ms": 2**63 - 1}

NOISE = random.Random(900).randbytes(600_000)


def records_for(client):
    """All that the client is able to send, the largest last."""
    records = [
        Record(b"key", b"value"),
        Record(None, b"no key"),
        Record(b"no value", None),
        Record(b"", b"empty key"),
        Record(b"empty value", b""),
        Record(b"", b""),
        Record("schlüssel".encode(), bytes(range(256))),
        # Timestamps need not ascend.
        Record(b"time", b"early", timestamp=1),
        Record(b"time", b"late", timestamp=4_102_444_800_123),
        Record(b"time", b"between", timestamp=1_234_567_890_123),
        Record(b"headers", b"one", headers=(("name", b"value"),)),
        Record(b"headers", b"repeated, empty, binary", headers=(
            ("twice", b"1"), ("twice", b"2"), ("", b"no name"), ("empty", b""), ("名前", bytes(range(256))))),
        Record(b"headers", None, headers=(("deleted by", b"somebody"),)),
    ]
    if client.sends_null_headers:
        records.append(Record(b"headers", b"null", headers=(("null", None), ("not null", b""), ("null", None))))
    if client.sends_null_key_and_value:
        records.append(Record(None, None))
    records += [Record(b"%d" % number, b"filler " * number) for number in range(200)]
    records.append(Record(b"900 KB", NOISE + bytes(300_000), headers=(("size", b"900000"),)))
    return records


@pytest.fixture(
    scope="module",
    params=[(client, codec) for client in CLIENTS for codec in CODECS],
    ids=lambda param: f"{param[0]}-{param[1] or 'none'}",
)
def written(request, broker):
    """A topic that one client has written in one codec, and the records that must be in it."""
    client, codec = request.param
    topic = f"pairs.{client}.{codec or 'none'}"
    records = records_for(client)
    with client.producer(broker.address, codec=codec) as producer:
        offsets = producer.send(topic, records)
    assert offsets == list(range(len(records)))
    return topic, codec or "none", records


def test_the_codec_is_the_one_on_disk(broker, written):
    """The broker keeps what the client compressed, and the client did compress."""
    topic, codec, records = written
    batches = broker.batches(topic)
    assert sum(batch.count for batch in batches) == len(records)
    assert max(batch.count for batch in batches) > 1
    # The last batch holds the largest record; a small batch may be cheaper uncompressed.
    assert batches[-1].compresscodec == codec
    assert {batch.compresscodec for batch in batches} <= {codec, "none"}
    if codec == "none":
        assert batches[-1].size > 900_000
    else:
        assert 600_000 < batches[-1].size < 700_000


@pytest.mark.parametrize("reader", CLIENTS, ids=str)
def test_every_client_reads_every_field_as_it_was_written(broker, written, reader):
    """Keys, values, headers, timestamps and offsets are equal, and null is not empty."""
    topic, _, records = written
    assert len(records) >= 214
    with reader.consumer(broker.address, topic) as consumer:
        assert consumer.take(len(records)) == list(enumerate(records))
