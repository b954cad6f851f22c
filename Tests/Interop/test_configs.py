"""Configs of topics and of the broker, by the admin clients of confluent-kafka and kafka-python."""

import pytest
from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import (
    AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource, ConfigSource, ResourceType)
from kafka.admin import ConfigResource as PythonResource
from kafka.admin import ConfigResourceType as PythonType
from kafka.admin import KafkaAdminClient

from clients import CONFLUENT, Record, Refused, create_topic

BROKER_SETTINGS = {"log_retention_hours": 2}
TOPIC, BROKER = ResourceType.TOPIC, ResourceType.BROKER
SET, DELETE = AlterConfigOpType.SET, AlterConfigOpType.DELETE
APPEND, SUBTRACT = AlterConfigOpType.APPEND, AlterConfigOpType.SUBTRACT


@pytest.fixture
def admin(broker):
    return AdminClient({"bootstrap.servers": broker.address})


@pytest.fixture
def made(broker, topic):
    """A topic that is there."""
    create_topic(broker.address, topic)
    return topic


def describe(admin, kind, name):
    """The entries by their names, or Kafka's error."""
    [future] = admin.describe_configs([ConfigResource(kind, name)]).values()
    return result(future)


def alter(admin, kind, name, *changes, **options):
    """Changes are pairs or triples of name, value and operation."""
    entries = [
        ConfigEntry(change[0], change[1], incremental_operation=change[2] if len(change) > 2 else SET)
        for change in changes
    ]
    resource = ConfigResource(kind, name, incremental_configs=entries)
    [future] = admin.incremental_alter_configs([resource], **options).values()
    return result(future)


def replace(admin, kind, name, configs):
    with pytest.warns(DeprecationWarning):
        [future] = admin.alter_configs([ConfigResource(kind, name, set_config=configs)]).values()
    return result(future)


def result(future):
    try:
        return future.result(timeout=20)
    except KafkaException as error:
        raise Refused(error.args[0].code()) from error


def refused(code):
    class Check:
        def __enter__(self):
            return self

        def __exit__(self, kind, error, _):
            assert kind is Refused and error.code == code, f"{error} instead of Kafka's error {code}"
            return True

    return Check()


def test_a_topics_configs_are_described(admin, made):
    """With what counts, where it comes from, and where else it could come from."""
    configs = describe(admin, TOPIC, made)
    assert {"cleanup.policy", "retention.ms", "segment.bytes", "min.insync.replicas", "compression.type"} <= set(configs)
    retention = configs["retention.ms"]
    assert retention.value == "7200000"
    assert retention.source == ConfigSource.STATIC_BROKER_CONFIG.value
    assert not retention.is_default and not retention.is_read_only and not retention.is_sensitive
    assert list(retention.synonyms) == ["log.retention.hours"]
    assert configs["segment.bytes"].value == str(1 << 30)
    assert configs["segment.bytes"].source == ConfigSource.DEFAULT_CONFIG.value
    assert configs["flush.messages"].value == "1"


def test_a_change_is_seen_and_done(broker, admin, made):
    """Of one config; the others stay."""
    alter(admin, TOPIC, made, ("max.message.bytes", "2000"), ("retention.ms", "-1"))
    configs = describe(admin, TOPIC, made)
    assert configs["max.message.bytes"].value == "2000" and configs["retention.ms"].value == "-1"
    assert configs["max.message.bytes"].source == ConfigSource.DYNAMIC_TOPIC_CONFIG.value
    with CONFLUENT.producer(broker.address) as producer:
        with refused(KafkaError.MSG_SIZE_TOO_LARGE):
            producer.send(made, [Record(None, bytes(3000))])
    alter(admin, TOPIC, made, ("max.message.bytes", None, DELETE))
    with CONFLUENT.producer(broker.address) as producer:
        producer.send(made, [Record(None, bytes(3000))])
    assert describe(admin, TOPIC, made)["retention.ms"].value == "-1"


def test_a_list_is_appended_to_and_subtracted_from(admin, made):
    for operation, value, expected in [
            (APPEND, "compact", "delete,compact"), (SUBTRACT, "delete", "compact"), (DELETE, None, "delete")]:
        alter(admin, TOPIC, made, ("cleanup.policy", value, operation))
        assert describe(admin, TOPIC, made)["cleanup.policy"].value == expected


def test_a_replacement_takes_back_what_it_does_not_name(admin, made):
    replace(admin, TOPIC, made, {"retention.ms": "5000", "segment.ms": "6000"})
    replace(admin, TOPIC, made, {"segment.ms": "7000"})
    configs = describe(admin, TOPIC, made)
    assert (configs["retention.ms"].value, configs["segment.ms"].value) == ("7200000", "7000")


def test_a_check_changes_nothing(admin, made):
    alter(admin, TOPIC, made, ("segment.ms", "7000"), validate_only=True)
    assert describe(admin, TOPIC, made)["segment.ms"].value == "604800000"
    with refused(KafkaError.INVALID_CONFIG):
        alter(admin, TOPIC, made, ("segment.ms", "0"), validate_only=True)


@pytest.mark.parametrize("name, value", [
    ("no.such.config", "1"), ("retention.ms", "soon"), ("retention.ms", "-2"), ("cleanup.policy", "shred"),
    ("min.cleanable.dirty.ratio", "2"), ("max.message.bytes", "99999999999"), ("compression.type", "zstd"),
    ("unclean.leader.election.enable", "true"), ("remote.storage.enable", "true"), ("log.retention.ms", "1"),
])
def test_a_wrong_config_is_refused(admin, made, name, value):
    with refused(KafkaError.INVALID_CONFIG):
        alter(admin, TOPIC, made, (name, value))
    with refused(KafkaError.INVALID_CONFIG):
        replace(admin, TOPIC, made, {name: value})


def test_only_a_list_can_be_appended_to(admin, made):
    for operation in (APPEND, SUBTRACT):
        with refused(KafkaError.INVALID_CONFIG):
            alter(admin, TOPIC, made, ("retention.ms", "1", operation))


def test_what_is_not_there_is_refused(admin, topic):
    for ask in (describe, lambda *asked: alter(*asked, ("retention.ms", "1")),
                lambda *asked: replace(*asked, {"retention.ms": "1"})):
        with refused(KafkaError.UNKNOWN_TOPIC_OR_PART):
            ask(admin, TOPIC, topic)
        with refused(KafkaError.TOPIC_EXCEPTION):
            ask(admin, TOPIC, "a/b")


def test_the_broker_is_described_and_changed(broker, admin, made):
    """What its topics' configs come from can be changed while it runs, and nothing else."""
    configs = describe(admin, BROKER, "1")
    assert configs["log.retention.hours"].value == "2" and configs["log.retention.ms"].value is None
    assert configs["num.partitions"].is_read_only and not configs["log.retention.ms"].is_read_only
    alter(admin, BROKER, "1", ("log.retention.ms", "3000"))
    retention = describe(admin, TOPIC, made)["retention.ms"]
    assert retention.value == "3000" and retention.source == ConfigSource.DYNAMIC_BROKER_CONFIG.value
    assert list(retention.synonyms) == ["log.retention.ms", "log.retention.hours"]
    alter(admin, BROKER, "1", ("log.retention.ms", None, DELETE))
    assert describe(admin, TOPIC, made)["retention.ms"].value == "7200000"
    with refused(KafkaError.INVALID_REQUEST):
        alter(admin, BROKER, "1", ("num.partitions", "3"))
    with refused(KafkaError.INVALID_REQUEST):
        alter(admin, BROKER, "1", ("log.retention.ms", "x"))


def test_what_was_changed_stays_over_a_kill(start_broker, topic):
    """It is durable when it is answered."""
    broker = start_broker()
    create_topic(broker.address, topic)
    admin = AdminClient({"bootstrap.servers": broker.address})
    alter(admin, TOPIC, topic, ("retention.ms", "1234"))
    alter(admin, BROKER, "1", ("log.segment.bytes", "4096"))
    broker.kill()
    broker.start()
    configs = describe(AdminClient({"bootstrap.servers": broker.address}), TOPIC, topic)
    assert (configs["retention.ms"].value, configs["segment.bytes"].value) == ("1234", "4096")


def test_kafka_python_describes_and_changes(broker, made):
    """It asks with synonyms, and looks up what can be changed before it changes anything."""
    admin = KafkaAdminClient(bootstrap_servers=broker.address)

    def described(**options):
        return admin.describe_configs([PythonResource(PythonType.TOPIC, made)], **options)["topic"][made]

    def alter(configs, **options):
        resource = PythonResource(PythonType.TOPIC, made, configs=configs)
        return admin.alter_configs([resource], **options)["topic"][made]

    try:
        assert described() == {}, "the topic itself sets nothing"
        everything = described(include_synonyms=True, config_filter="all")
        assert everything["retention.ms"]["config_type"] == "LONG"
        assert everything["cleanup.policy"]["config_type"] == "LIST"
        assert everything["retention.ms"]["synonyms"] == [
            {"name": "log.retention.hours", "value": "2", "source": "STATIC_BROKER_CONFIG"},
            {"name": "log.retention.hours", "value": "168", "source": "DEFAULT_CONFIG"},
        ]
        for incremental in (True, False):
            assert alter({"retention.ms": "4000"}, incremental=incremental) == "OK"
            assert alter({"segment.ms": "5000"}, incremental=incremental) == "OK"
            assert described()["retention.ms"]["value"] == "4000"
            assert "InvalidConfig" in alter({"segment.ms": "0"}, incremental=incremental)
            assert "topics have no config no.such" in alter(
                {"no.such": "1"}, raise_on_unknown=False, incremental=incremental)
        assert alter({"cleanup.policy": ("APPEND", "compact")}) == "OK"
        assert described()["cleanup.policy"]["value"] == "delete,compact"
        resource = PythonResource(PythonType.TOPIC, made, configs={})
        assert admin.reset_configs([resource])["topic"][made] == "OK"
        assert described() == {}
    finally:
        admin.close()
