"""Where logs begin and end, what happened when, and what lies beyond."""

import pytest
from confluent_kafka import TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec

from clients import CLIENTS, CONFLUENT, Record, Refused, create_topic

NOON = 1_700_000_000_000
OFFSET_OUT_OF_RANGE = 1

# A time is asked for behind a fetch that waits, on the same connection: consumers that only look up
# times have a short max_wait_ms.
each_client = pytest.mark.parametrize("client", CLIENTS, ids=str)


def write(broker, topic, timestamps, client=CONFLUENT, codec=None):
    records = [Record(b"%d" % number, b"value", timestamp=at) for number, at in enumerate(timestamps)]
    with client.producer(broker.address, codec=codec) as producer:
        producer.send(topic, records)
    return records


@each_client
def test_an_empty_log_begins_and_ends_at_zero(broker, topic, client):
    """Nothing has been written to it, and no time is found in it."""
    create_topic(broker.address, topic)
    with client.consumer(broker.address, topic) as consumer:
        assert consumer.ends() == (0, 0)
        assert consumer.offset_for_time(0) is None


@each_client
def test_the_end_is_the_offset_of_the_next_record(broker, topic, client):
    """It moves with every produce; the beginning stays."""
    with client.producer(broker.address) as producer:
        for count in (1, 2, 50):
            offsets = producer.send(topic, [Record(b"", b"value")] * count)
            assert len(offsets) == count
            with client.consumer(broker.address, topic) as consumer:
                assert consumer.ends() == (0, offsets[-1] + 1)
    assert offsets[-1] + 1 == 53


@each_client
@pytest.mark.parametrize("writer", CLIENTS, ids=str)
def test_a_time_is_found_exact_to_the_record(broker, topic, client, writer):
    """Not to the batch: here one batch holds many records."""
    write(broker, topic, [NOON + 10 * number for number in range(100)], writer)
    assert max(batch.count for batch in broker.batches(topic)) > 10
    with client.consumer(broker.address, topic, max_wait_ms=10) as consumer:
        for number in (0, 1, 37, 50, 98, 99):
            for early in (0, 1, 9):
                offset, timestamp = consumer.offset_for_time(NOON + 10 * number - early)
                assert offset == number
                assert timestamp in (None, NOON + 10 * number)
        assert consumer.offset_for_time(0)[0] == 0
        assert consumer.offset_for_time(NOON + 991) is None


@each_client
def test_of_times_out_of_order_the_first_offset_not_before_is_found(broker, topic, client):
    """Kafka answers with the lowest offset whose timestamp is not before the one asked for."""
    write(broker, topic, [NOON + at for at in (50, 10, 70, 20, 70, 90, 30)])
    with client.consumer(broker.address, topic, max_wait_ms=10) as consumer:
        found = {at: consumer.offset_for_time(NOON + at) for at in (5, 15, 50, 51, 70, 71, 90, 91)}
    offsets = {at: pair and pair[0] for at, pair in found.items()}
    assert offsets == {5: 0, 15: 0, 50: 0, 51: 2, 70: 2, 71: 5, 90: 5, 91: None}


@each_client
def test_a_time_is_found_across_batches_and_segments(start_broker, topic, client):
    """A lookup goes through the time index of the right segment."""
    broker = start_broker(log_segment_bytes=4096, message_max_bytes=4096, log_index_interval_bytes=256)
    with CONFLUENT.producer(broker.address) as producer:
        for first in range(0, 200, 20):
            producer.send(topic, [
                Record(b"", bytes(100), timestamp=NOON + 1000 * number) for number in range(first, first + 20)])
    assert len(broker.segments(topic)) > 3
    with client.consumer(broker.address, topic, max_wait_ms=10) as consumer:
        for number in range(0, 200, 7):
            assert consumer.offset_for_time(NOON + 1000 * number - 999)[0] == number
        assert consumer.offset_for_time(NOON + 199_001) is None


def test_an_admin_client_is_told_the_ends_and_the_greatest_timestamp(broker, topic):
    """ListOffsets with each of its special times."""
    write(broker, topic, [NOON + at for at in (50, 10, 70, 20)])
    admin = AdminClient({"bootstrap.servers": broker.address})

    def ask(spec):
        [future] = admin.list_offsets({TopicPartition(topic, 0): spec}).values()
        found = future.result(timeout=20)
        return found.offset, found.timestamp

    assert ask(OffsetSpec.earliest()) == (0, -1)
    assert ask(OffsetSpec.latest()) == (4, -1)
    assert ask(OffsetSpec.max_timestamp()) == (2, NOON + 70)
    assert ask(OffsetSpec.for_timestamp(NOON + 60)) == (2, NOON + 70)
    assert ask(OffsetSpec.for_timestamp(NOON + 71)) == (-1, -1)


@each_client
def test_beyond_the_end_a_consumer_may_begin_again_at_the_beginning(broker, topic, client):
    """auto.offset.reset=earliest."""
    records = write(broker, topic, [NOON] * 10)
    with client.consumer(broker.address, topic, start=1000, reset="earliest") as consumer:
        assert consumer.take(10) == list(enumerate(records))


@each_client
def test_beyond_the_end_a_consumer_may_go_on_at_the_end(broker, topic, client):
    """auto.offset.reset=latest."""
    write(broker, topic, [NOON] * 10)
    with client.consumer(broker.address, topic, start=1000, reset="latest") as consumer:
        assert consumer.wait_for_reset() == 10
        [record] = write(broker, topic, [NOON])
        assert consumer.take(1) == [(10, record)]


@each_client
def test_beyond_the_end_a_consumer_may_want_to_be_told(broker, topic, client):
    """auto.offset.reset=none."""
    write(broker, topic, [NOON] * 10)
    with client.consumer(broker.address, topic, start=11, reset="none") as consumer:
        with pytest.raises(Refused) as refused:
            consumer.take(1)
    assert refused.value.code == OFFSET_OUT_OF_RANGE


@each_client
def test_the_end_itself_is_not_out_of_range(broker, topic, client):
    """A consumer that has read everything waits there."""
    write(broker, topic, [NOON] * 10)
    with client.consumer(broker.address, topic, start=10, reset="none") as consumer:
        assert consumer.poll() == []
        [record] = write(broker, topic, [NOON])
        assert consumer.take(1) == [(10, record)]
