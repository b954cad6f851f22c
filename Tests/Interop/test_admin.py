"""Topics administered by the admin clients of confluent-kafka and kafka-python."""

import pytest
from confluent_kafka import KafkaError, KafkaException, TopicCollection, TopicPartition
from confluent_kafka.admin import AdminClient, NewPartitions, NewTopic, OffsetSpec
from kafka import errors
from kafka.admin import KafkaAdminClient

from clients import CONFLUENT, Record, Refused

BROKER_SETTINGS = {"num_partitions": 3}
SECONDS_MAX = 20


@pytest.fixture
def admin(broker):
    return AdminClient({"bootstrap.servers": broker.address})


@pytest.fixture
def python(broker):
    client = KafkaAdminClient(bootstrap_servers=broker.address)
    yield client
    client.close()


def outcomes(futures):
    """By key: None, or the number of Kafka's error and its text."""
    return {key: outcome(future) for key, future in futures.items()}


def outcome(future):
    try:
        future.result(timeout=SECONDS_MAX)
    except KafkaException as error:
        return error.args[0].code(), error.args[0].str()


def partitions_of(admin, topic):
    return admin.list_topics(timeout=SECONDS_MAX).topics[topic].partitions


def test_create_describe_grow_and_delete(admin, topic):
    assert outcomes(admin.create_topics([NewTopic(topic, 2, 1), NewTopic(topic + ".default")])) == {
        topic: None, topic + ".default": None}
    assert sorted(partitions_of(admin, topic)) == [0, 1]
    assert len(partitions_of(admin, topic + ".default")) == 3
    described = admin.describe_topics(TopicCollection([topic]))[topic].result(timeout=SECONDS_MAX)
    assert [(part.id, part.leader.id, len(part.replicas), len(part.isr)) for part in described.partitions] == [
        (0, 1, 1, 1), (1, 1, 1, 1)]
    assert not described.is_internal
    assert outcomes(admin.create_partitions([NewPartitions(topic, 5)])) == {topic: None}
    assert sorted(partitions_of(admin, topic)) == [0, 1, 2, 3, 4]
    assert outcomes(admin.delete_topics([topic])) == {topic: None}
    assert topic not in admin.list_topics(timeout=SECONDS_MAX).topics


def test_only_validates_where_asked(admin, topic):
    assert outcomes(admin.create_topics([NewTopic(topic, 2, 1)], validate_only=True)) == {topic: None}
    assert topic not in admin.list_topics(timeout=SECONDS_MAX).topics
    admin.create_topics([NewTopic(topic, 1, 1)])[topic].result()
    assert outcomes(admin.create_partitions([NewPartitions(topic, 2)], validate_only=True)) == {topic: None}
    assert sorted(partitions_of(admin, topic)) == [0]


WRONG_TOPICS = {
    "bad name": (NewTopic("a b", 1, 1), KafkaError.TOPIC_EXCEPTION),
    "dots": (NewTopic("..", 1, 1), KafkaError.TOPIC_EXCEPTION),
    "long name": (NewTopic("x" * 250, 1, 1), KafkaError.TOPIC_EXCEPTION),
    "the cluster's": (NewTopic("__cluster_metadata", 1, 1), KafkaError.TOPIC_EXCEPTION),
    "internal": (NewTopic("__consumer_offsets", 1, 1), KafkaError.TOPIC_EXCEPTION),
    "no partitions": (NewTopic("t", 0, 1), KafkaError.INVALID_PARTITIONS),
    "too many partitions": (NewTopic("t", 10001, 1), KafkaError.POLICY_VIOLATION),
    "replication factor": (NewTopic("t", 1, 2), KafkaError.INVALID_REPLICATION_FACTOR),
    "assignment": (NewTopic("t", 1, replica_assignment=[[9]]), KafkaError.INVALID_REPLICA_ASSIGNMENT),
    "unknown config": (NewTopic("t", 1, 1, config={"no.such": "1"}), KafkaError.INVALID_CONFIG),
    "bad value": (NewTopic("t", 1, 1, config={"retention.ms": "soon"}), KafkaError.INVALID_CONFIG),
}


@pytest.mark.parametrize("wrong", WRONG_TOPICS)
def test_says_why_a_topic_is_not_made(admin, wrong):
    new, code = WRONG_TOPICS[wrong]
    found, text = outcomes(admin.create_topics([new]))[new.topic]
    assert found == code
    assert len(text) > 10
    assert new.topic not in admin.list_topics(timeout=SECONDS_MAX).topics


def test_says_why_a_topic_stays_as_it_is(admin, topic):
    admin.create_topics([NewTopic(topic, 2, 1)])[topic].result()

    def code(futures):
        [(_, found)] = outcomes(futures).items()
        return found[0]

    assert code(admin.create_topics([NewTopic(topic, 2, 1)])) == KafkaError.TOPIC_ALREADY_EXISTS
    collision = topic.replace(".", "_")
    assert code(admin.create_topics([NewTopic(collision, 2, 1)])) == KafkaError.TOPIC_EXCEPTION
    assert code(admin.create_partitions([NewPartitions(topic, 2)])) == KafkaError.INVALID_PARTITIONS
    assert code(admin.create_partitions([NewPartitions(topic, 1)])) == KafkaError.INVALID_PARTITIONS
    assert code(admin.create_partitions([NewPartitions(topic + "x", 3)])) == KafkaError.UNKNOWN_TOPIC_OR_PART
    assert code(admin.delete_topics([topic + "x"])) == KafkaError.UNKNOWN_TOPIC_OR_PART
    assert sorted(partitions_of(admin, topic)) == [0, 1]


def test_deleted_records_cannot_be_read(broker, admin, topic):
    admin.create_topics([NewTopic(topic, 1, 1)])[topic].result()
    with CONFLUENT.producer(broker.address) as producer:
        producer.send(topic, [Record(None, b"%d" % number) for number in range(10)])

    def delete(offset):
        return outcomes(admin.delete_records([TopicPartition(topic, 0, offset)]))[TopicPartition(topic, 0)]

    assert delete(4) is None
    with CONFLUENT.consumer(broker.address, topic, start=4) as consumer:
        assert [offset for offset, _ in consumer.take(6)] == [4, 5, 6, 7, 8, 9]
    with CONFLUENT.consumer(broker.address, topic, start=3) as consumer, pytest.raises(Refused) as refused:
        consumer.take(1)
    assert refused.value.code in (KafkaError.OFFSET_OUT_OF_RANGE, KafkaError._AUTO_OFFSET_RESET)
    assert delete(11)[0] == KafkaError.OFFSET_OUT_OF_RANGE
    assert delete(-1) is None
    offsets = admin.list_offsets({TopicPartition(topic, 0): OffsetSpec.earliest()})
    assert [future.result(timeout=SECONDS_MAX).offset for future in offsets.values()] == [10]


def test_a_topic_made_again_is_empty(broker, admin, topic):
    for _ in range(3):
        admin.create_topics([NewTopic(topic, 1, 1)])[topic].result()
        with CONFLUENT.producer(broker.address) as producer:
            assert producer.send(topic, [Record(None, b"one")]) == [0]
        assert outcomes(admin.delete_topics([topic])) == {topic: None}


def test_describes_the_cluster(broker, admin):
    cluster = admin.describe_cluster().result(timeout=SECONDS_MAX)
    assert [node.id for node in cluster.nodes] == [1]
    assert cluster.controller.id == 1
    assert f"{cluster.nodes[0].host}:{cluster.nodes[0].port}" == broker.address


def test_deletion_can_be_switched_off(start_broker):
    broker = start_broker(delete_topic_enable="false")
    admin = AdminClient({"bootstrap.servers": broker.address})
    admin.create_topics([NewTopic("t", 1, 1)])["t"].result()
    assert outcomes(admin.delete_topics(["t"]))["t"][0] == 73
    assert "t" in admin.list_topics(timeout=SECONDS_MAX).topics


def test_internal_topics_take_no_records(broker):
    with CONFLUENT.producer(broker.address, wait_for_topic_ms=500) as producer, pytest.raises(Refused):
        producer.send("__consumer_offsets", [Record(None, b"x")])


def test_kafka_python_administers_topics_too(python, topic):
    made = python.create_topics({topic: {"num_partitions": 2, "replication_factor": 1}}, raise_errors=False)
    assert [(entry["name"], entry["error_code"]) for entry in made["topics"]] == [(topic, 0)]
    assert topic in python.list_topics()
    python.create_partitions({topic: 3})
    [described] = python.describe_topics([topic])
    assert [part["partition_index"] for part in described["partitions"]] == [0, 1, 2]
    logs = python.describe_log_dirs()
    assert topic in str(logs)
    with pytest.raises(errors.TopicAlreadyExistsError):
        python.create_topics({topic: {"num_partitions": 2, "replication_factor": 1}})
    with pytest.raises(errors.InvalidPartitionsError):
        python.create_partitions({topic: 2})
    with pytest.raises(errors.InvalidReplicationFactorError):
        python.create_topics({topic + "x": {"num_partitions": 1, "replication_factor": 2}})
    python.delete_topics([topic])
    with pytest.raises(errors.UnknownTopicOrPartitionError):
        python.delete_topics([topic])
