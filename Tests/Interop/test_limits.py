"""What the broker refuses, and how each client learns of it."""

import struct

import kafka
import pytest
from confluent_kafka import KafkaError, Producer

import wire
from clients import AIOKAFKA, CLIENTS, CONFLUENT, KAFKA_PYTHON, Record, Refused, create_topic

UNKNOWN_TOPIC_OR_PARTITION = 3
MESSAGE_TOO_LARGE = 10
INVALID_TOPIC = 17

each_client = pytest.mark.parametrize("client", CLIENTS, ids=str)

INVALID_NAMES = ["", ".", "..", "a b", "a/b", "../a", "a:b", "a\0b", "straße", "a" * 250]


@each_client
def test_a_record_over_the_limit_is_refused_and_the_client_goes_on(broker, topic, client):
    """message.max.bytes: the client's own limit is set higher, so that the broker's is met."""
    with client.producer(broker.address, request_bytes_max=10_000_000) as producer:
        assert producer.send(topic, [Record(b"before", b"small")]) == [0]
        with pytest.raises(Refused) as refused:
            producer.send(topic, [Record(b"large", bytes(2_000_000))])
        assert refused.value.code == MESSAGE_TOO_LARGE
        assert producer.send(topic, [Record(b"after", b"small")]) == [1]
    with client.consumer(broker.address, topic) as consumer:
        assert [record.key for _, record in consumer.take(2)] == [b"before", b"after"]
        assert consumer.ends() == (0, 2)


@each_client
def test_the_limit_can_be_set(start_broker, topic, client):
    """A record over the default is taken where message.max.bytes allows it, and comes back whole."""
    broker = start_broker(message_max_bytes=5_000_000)
    record = Record(b"large", bytes(range(250)) * 16_000)
    with client.producer(broker.address, request_bytes_max=10_000_000) as producer:
        assert producer.send(topic, [record]) == [0]
    # KIP-74: also to a client whose own limit is lower.
    with client.consumer(broker.address, topic) as consumer:
        assert consumer.take(1) == [(0, record)]


def test_the_limit_counts_the_batch_to_the_byte(start_broker, topic):
    """And the same connection serves the next request."""
    create = wire.metadata(topic)
    fits = wire.batch(bytes(1000))
    broker = start_broker(message_max_bytes=len(fits))
    with wire.Connection(broker) as connection:
        assert wire.topic_error(connection.call(create)) == 0
        assert wire.produce_result(connection.call(wire.produce(topic, fits)), topic) == (0, 0)
        for excess in (1, 2, 100_000):
            large = wire.batch(bytes(1000 + excess))
            assert wire.produce_result(connection.call(wire.produce(topic, large)), topic) == (MESSAGE_TOO_LARGE, -1)
        assert wire.produce_result(connection.call(wire.produce(topic, fits)), topic) == (0, 1)


@pytest.mark.parametrize("name", INVALID_NAMES, ids=lambda name: repr(name)[:20])
def test_an_invalid_name_is_refused(broker, name):
    """INVALID_TOPIC_EXCEPTION; nothing is made, and the connection serves the next request."""
    before = broker.topics()
    with wire.Connection(broker) as connection:
        assert wire.topic_error(connection.call(wire.metadata(name))) == INVALID_TOPIC
        assert wire.topic_error(connection.call(wire.metadata("valid"))) == 0
    assert broker.topics() == before | {"valid"}


def test_the_longest_valid_name_works(broker):
    """249 characters of every allowed kind."""
    name = ("aZ09._-" * 40)[:249]
    with CONFLUENT.producer(broker.address) as producer:
        assert producer.send(name, [Record(b"key", b"value")]) == [0]
    with CONFLUENT.consumer(broker.address, name) as consumer:
        assert consumer.take(1) == [(0, Record(b"key", b"value"))]
    assert name in broker.topics()


def test_confluent_kafka_reports_an_invalid_name(broker):
    """librdkafka leaves the check to the broker."""
    described = Producer({"bootstrap.servers": broker.address}).list_topics("a b", timeout=20)
    assert described.topics["a b"].error.code() == INVALID_TOPIC
    with CONFLUENT.producer(broker.address, wait_for_topic_ms=200) as producer:
        with pytest.raises(Refused) as refused:
            producer.send("a b", [Record(b"", b"")])
    assert refused.value.code == INVALID_TOPIC


@pytest.fixture
def strict_broker(start_broker):
    """A broker that makes no topics on first use."""
    broker = start_broker(auto_create_topics_enable="false")
    yield broker
    assert broker.topics() == set()


def test_an_unknown_topic_is_not_made_where_that_is_forbidden(strict_broker):
    """auto.create.topics.enable=false: UNKNOWN_TOPIC_OR_PARTITION, whatever the client allows."""
    with wire.Connection(strict_broker) as connection:
        for may_create in (True, False):
            asked = wire.metadata("unknown", may_create=may_create)
            assert wire.topic_error(connection.call(asked)) == UNKNOWN_TOPIC_OR_PARTITION
        produced = connection.call(wire.produce("unknown", wire.batch(b"value")))
        assert wire.produce_result(produced, "unknown") == (UNKNOWN_TOPIC_OR_PARTITION, -1)
        fetched = connection.call(wire.fetch("unknown", max_wait_ms=10_000))
        assert wire.fetch_result(fetched, "unknown") == (UNKNOWN_TOPIC_OR_PARTITION, b"")


def test_an_unknown_topic_is_not_made_where_the_client_forbids_it(broker, topic):
    """allow_auto_topic_creation=false in Metadata."""
    with wire.Connection(broker) as connection:
        forbidden = wire.metadata(topic, may_create=False)
        assert wire.topic_error(connection.call(forbidden)) == UNKNOWN_TOPIC_OR_PARTITION
        assert topic not in broker.topics()
        assert wire.topic_error(connection.call(wire.metadata(topic))) == 0
        assert topic in broker.topics()


def test_confluent_kafka_reports_an_unknown_topic(strict_broker):
    """Once topic.metadata.propagation.max.ms is over."""
    with CONFLUENT.producer(strict_broker.address, wait_for_topic_ms=500) as producer:
        with pytest.raises(Refused) as refused:
            producer.send("unknown", [Record(b"", b"")])
    assert refused.value.code in (KafkaError._UNKNOWN_TOPIC, UNKNOWN_TOPIC_OR_PARTITION)


def test_kafka_python_reports_an_unknown_topic(strict_broker):
    """It waits for the topic as long as max_block_ms."""
    with KAFKA_PYTHON.producer(strict_broker.address, wait_for_topic_ms=500) as producer:
        with pytest.raises(kafka.errors.KafkaTimeoutError):
            producer.send("unknown", [Record(b"", b"")])


def test_aiokafka_reports_an_unknown_topic(strict_broker):
    """It waits for the topic as long as request_timeout_ms."""
    with AIOKAFKA.producer(strict_broker.address, wait_for_topic_ms=500) as producer:
        with pytest.raises(Refused) as refused:
            producer.send("unknown", [Record(b"", b"")])
    assert refused.value.code == UNKNOWN_TOPIC_OR_PARTITION


@each_client
def test_a_partition_that_does_not_exist_is_reported(broker, topic, client):
    """The topic has one, and the client asks for the sixth."""
    create_topic(broker.address, topic)
    with wire.Connection(broker) as connection:
        asked = wire.fetch(topic)
        # The partition's number is the fourth field from the end.
        asked = asked[:-16] + struct.pack(">i", 5) + asked[-12:]
        assert wire.fetch_result(connection.call(asked), topic) == (UNKNOWN_TOPIC_OR_PARTITION, b"")
    with client.consumer(broker.address, topic) as consumer:
        assert consumer.ends() == (0, 0)
