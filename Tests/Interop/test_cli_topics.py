"""`logbook topic`: created, listed, described, altered and deleted, and what other clients then see."""

import contextlib

import kafka

import cli
from cli import logbook

BROKER_SETTINGS = {"num_partitions": 2}


def described(broker, topic):
    """The topic as `topic describe -o json` shows it."""
    [one] = logbook(broker, "topic", "describe", topic, "-o", "json").json
    return one


def kafka_python_sees(broker, topic):
    """How many partitions, or None for no such topic."""
    with contextlib.closing(kafka.KafkaAdminClient(bootstrap_servers=broker.address)) as admin:
        if topic not in admin.list_topics():
            return None
        [found] = admin.describe_topics([topic])
        return len(found["partitions"])


def test_a_topic_is_created_with_partitions_and_settings(broker, topic):
    """The table names it; another client sees it."""
    created = logbook(
        broker, "topic", "create", topic, "-p", 3, "-c", "retention.ms=1000", "--config=cleanup.policy=compact")
    heading, row = created.lines
    assert heading.split() == ["TOPIC", "STATUS", "PARTITIONS", "REPLICATION-FACTOR", "ID"]
    assert row.split()[:4] == [topic, "created", "3", "1"]
    assert kafka_python_sees(broker, topic) == 3
    found = described(broker, topic)
    assert found["summary"] == {
        "topic": topic, "id": row.split()[4], "internal": False, "partitions": 3, "replicationFactor": 1}
    configs = {config["name"]: (config["value"], config["source"]) for config in found["configs"]}
    assert configs["retention.ms"] == ("1000", "DYNAMIC_TOPIC_CONFIG")
    assert configs["cleanup.policy"] == ("compact", "DYNAMIC_TOPIC_CONFIG")
    assert configs["segment.bytes"][1] == "DEFAULT_CONFIG"
    assert found["partitions"] == [
        {"partition": number, "leader": 1, "epoch": 0, "replicas": [1], "isr": [1], "logStart": 0, "highWatermark": 0}
        for number in range(3)]


def test_without_numbers_the_broker_decides(broker, topic):
    """num.partitions is 2 here."""
    [created] = logbook(broker, "topic", "create", topic, "-o", "json").json
    assert created.pop("id")
    assert created == {"topic": topic, "status": "created", "partitions": 2, "replicationFactor": 1}


def test_each_topic_has_an_outcome_of_its_own(broker, topic):
    """What can be done is done; status 1 says that something was not."""
    logbook(broker, "topic", "create", f"{topic}.there")
    ended = cli.run(
        "topic", "create", f"{topic}.new", f"{topic}.there", "no/slash", "-o", "json", address=broker.address)
    assert ended.status == 1
    assert [(one["topic"], one["status"]) for one in ended.json] == [(f"{topic}.new", "created")]
    assert f"creating {topic}.there" in ended.error and "TOPIC_ALREADY_EXISTS" in ended.error
    assert "creating no/slash" in ended.error and "INVALID_TOPIC_EXCEPTION" in ended.error
    assert all(line.startswith("logbook: ") for line in ended.error.splitlines())
    assert kafka_python_sees(broker, f"{topic}.new") == 2


def test_a_topic_that_is_there_may_be_no_failure(broker, topic):
    """--if-not-exists."""
    logbook(broker, "topic", "create", topic)
    again = logbook(broker, "topic", "create", topic, "--if-not-exists")
    assert again.lines[1].split() == [topic, "exists", "-", "-", "-"]


def test_a_dry_run_changes_nothing_and_fails_as_the_real_one_would(broker, topic):
    """Of create, alter and delete."""
    would = logbook(broker, "topic", "create", topic, "-p", 5, "--dry-run")
    assert f"{topic}  would be created" in would.output.decode()
    assert kafka_python_sees(broker, topic) is None
    wrong = cli.run("topic", "create", topic, "-r", 3, "--dry-run", address=broker.address)
    assert wrong.status == 1 and "INVALID_REPLICATION_FACTOR" in wrong.error
    logbook(broker, "topic", "create", topic, "-p", 2)
    logbook(broker, "topic", "alter", topic, "-p", 4, "-c", "retention.ms=5", "--dry-run")
    logbook(broker, "topic", "delete", topic, "--dry-run")
    assert kafka_python_sees(broker, topic) == 2
    configs = {config["name"]: config["source"] for config in described(broker, topic)["configs"]}
    assert configs["retention.ms"] != "DYNAMIC_TOPIC_CONFIG"
    wrong = cli.run("topic", "delete", f"{topic}.other", "--dry-run", address=broker.address)
    assert wrong.status == 1 and "UNKNOWN_TOPIC_OR_PARTITION" in wrong.error


def test_settings_and_partitions_are_altered(broker, topic):
    """Set, append, go back to the default; more partitions, never fewer."""
    logbook(broker, "topic", "create", topic, "-c", "retention.ms=1000", "-c", "max.message.bytes=2000")
    altered = logbook(
        broker, "topic", "alter", topic, "-p", 5, "-c", "retention.ms=7", "-c", "max.message.bytes",
        "-c", "cleanup.policy+=compact")
    assert altered.lines[1].split() == [topic, "altered"]
    configs = {config["name"]: (config["value"], config["source"]) for config in described(broker, topic)["configs"]}
    assert configs["retention.ms"] == ("7", "DYNAMIC_TOPIC_CONFIG")
    assert configs["max.message.bytes"][1] == "DEFAULT_CONFIG"
    assert configs["cleanup.policy"] == ("delete,compact", "DYNAMIC_TOPIC_CONFIG")
    assert kafka_python_sees(broker, topic) == 5
    fewer = cli.run("topic", "alter", topic, "-p", 4, address=broker.address)
    assert fewer.status == 1 and "altering " in fewer.error and "INVALID_PARTITIONS" in fewer.error
    wrong = cli.run("topic", "alter", topic, "-p", 9, "-c", "no.such=1", address=broker.address)
    assert wrong.status == 1 and "no.such" in wrong.error and "INVALID_CONFIG" in wrong.error
    # The partitions stay as they are where the settings were refused.
    assert kafka_python_sees(broker, topic) == 5


def test_the_description_is_a_summary_settings_and_partitions(broker, topic):
    """For people, with the columns that are promised."""
    logbook(broker, "topic", "create", topic, "-p", 2)
    logbook(broker, "produce", topic, "-p", 1, input=b"one\ntwo\n")
    summary, configs, partitions = logbook(broker, "topic", "describe", topic).output.decode().split("\n\n")
    assert [line.split()[0] for line in summary.splitlines()] == [
        "TOPIC", "ID", "PARTITIONS", "REPLICATION-FACTOR", "INTERNAL"]
    assert configs.splitlines()[0].split() == ["CONFIG", "VALUE", "SOURCE"]
    assert any(line.split() == ["segment.bytes", "1073741824", "DEFAULT_CONFIG"] for line in configs.splitlines())
    assert [line.split() for line in partitions.splitlines()] == [
        ["PARTITION", "LEADER", "EPOCH", "REPLICAS", "ISR", "LOG-START", "HIGH-WATERMARK"],
        ["0", "1", "0", "1", "1", "0", "0"], ["1", "1", "0", "1", "1", "0", "2"]]


def test_what_is_under_replicated_can_be_asked_for(broker, topic):
    """One broker is in sync with itself."""
    logbook(broker, "topic", "create", topic)
    for names in [[], [topic]]:
        shown = logbook(broker, "topic", "describe", *names, "--under-replicated-partitions")
        assert [line.split() for line in shown.lines] == [["TOPIC", "PARTITION", "LEADER", "EPOCH", "REPLICAS", "ISR"]]
        assert logbook(broker, "topic", "describe", *names, "--under-replicated-partitions", "-o", "json").json == []


def test_a_topic_that_is_not_there_cannot_be_described(broker, topic):
    """Those that are there are shown all the same; none is created by asking."""
    logbook(broker, "topic", "create", topic)
    ended = cli.run("topic", "describe", topic, "absent", "-o", "json", address=broker.address)
    assert ended.status == 1
    assert ended.error == "logbook: describing absent: UNKNOWN_TOPIC_OR_PARTITION\n"
    assert [one["summary"]["topic"] for one in ended.json] == [topic]
    assert kafka_python_sees(broker, "absent") is None


def test_topics_are_deleted_with_their_records(broker, topic):
    """And one of the same name begins at offset 0."""
    logbook(broker, "produce", topic, input=b"old\n" * 10)
    deleted = logbook(broker, "topic", "delete", topic)
    assert deleted.lines[1].split() == [topic, "deleted"]
    assert kafka_python_sees(broker, topic) is None
    again = cli.run("topic", "delete", topic, address=broker.address)
    assert again.status == 1 and f"deleting {topic}" in again.error and "UNKNOWN_TOPIC_OR_PARTITION" in again.error
    logbook(broker, "topic", "create", topic, "-p", 1)
    assert logbook(broker, "produce", topic, input=b"new\n").lines == ["0@0"]
    assert logbook(broker, "consume", topic, "-e").lines == ["new"]


def test_topics_are_listed_by_name(start_broker):
    """As a table, wide and as JSON."""
    broker = start_broker(num_partitions=1)
    assert logbook(broker, "topic", "list").lines == ["TOPIC  PARTITIONS  REPLICATION-FACTOR"]
    assert logbook(broker, "topic", "list", "-o", "json").json == []
    logbook(broker, "topic", "create", "b", "a", "c-long-name", "-p", 2)
    assert [line.split() for line in logbook(broker, "topic", "list").lines[1:]] == [
        ["a", "2", "1"], ["b", "2", "1"], ["c-long-name", "2", "1"]]
    wide = [line.split() for line in logbook(broker, "topic", "list", "-o", "wide").lines]
    assert wide[0] == ["TOPIC", "PARTITIONS", "REPLICATION-FACTOR", "INTERNAL", "ID"]
    listed = logbook(broker, "topic", "list", "-o", "json").json
    assert [one["topic"] for one in listed] == ["a", "b", "c-long-name"]
    assert [one["id"] for one in listed] == [row[4] for row in wide[1:]]
