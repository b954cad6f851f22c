"""A key goes to the same partition, whoever sends it."""

import random

import confluent_kafka
import kafka
import pytest

import cli
from clients import CONFLUENT, SECONDS_MAX, create_topic

PARTITIONS = 17
SEED = 20140204


def random_keys(count):
    """Keys of 0 to 40 bytes, each once. Line ends and tabs would end what the command line reads."""
    seeded = random.Random(SEED)
    alphabet = bytes(byte for byte in range(256) if byte not in b"\n\t")
    keys = {b"", b"\x00", b"\xff" * 4, "schlüssel".encode(), b"21", b"foobar"}
    while len(keys) < count:
        keys.add(bytes(seeded.choices(alphabet, k=seeded.randint(1, 40))))
    return sorted(keys)


def by_logbook(address, topic, keys):
    lines = b"".join(key + b"\tvalue\n" for key in keys)
    produced = cli.run("produce", topic, "-f", r"%k\t%v", "-o", "json", input=lines, address=address)
    assert produced.status == 0, produced.error
    return [report["partition"] for report in produced.objects]


def by_librdkafka(address, topic, keys):
    producer = confluent_kafka.Producer({
        "bootstrap.servers": address, "partitioner": "murmur2_random", "linger.ms": 50})
    for key in keys:
        producer.produce(topic, key=key, value=b"value")
        producer.poll(0)
    assert producer.flush(SECONDS_MAX) == 0


def by_kafka_python(address, topic, keys):
    producer = kafka.KafkaProducer(bootstrap_servers=address, enable_idempotence=False, linger_ms=50)
    for key in keys:
        producer.send(topic, key=key, value=b"value")
    producer.flush(SECONDS_MAX)
    producer.close()


def partitions_of_keys(address, topic):
    """What is in each partition, read by librdkafka."""
    found = {}
    for partition in range(PARTITIONS):
        with CONFLUENT.consumer(address, topic, partition) as consumer:
            _, end = consumer.ends()
            for _, record in consumer.take(end):
                assert found.setdefault(record.key, partition) == partition
    return found


def test_10_000_random_keys_go_to_the_same_partitions(start_broker, topic, figures):
    """By logbook produce, librdkafka's murmur2_random, and kafka-python's default partitioner."""
    broker = start_broker(num_partitions=PARTITIONS)
    keys = random_keys(10_000)
    placed = {}
    for name, produce in [("logbook", by_logbook), ("librdkafka", by_librdkafka), ("kafka-python", by_kafka_python)]:
        create_topic(broker.address, f"{topic}.{name}")
        reported = produce(broker.address, f"{topic}.{name}", keys)
        placed[name] = partitions_of_keys(broker.address, f"{topic}.{name}")
        # What was said is what was done.
        assert reported is None or dict(zip(keys, reported)) == placed[name]
    assert list(placed["logbook"]) != [] and sorted(placed["logbook"]) == keys
    assert placed["logbook"] == placed["librdkafka"] == placed["kafka-python"]
    sizes = [list(placed["logbook"].values()).count(partition) for partition in range(PARTITIONS)]
    assert min(sizes) > 10_000 / PARTITIONS * 0.8
    figures("keys", len(keys))
    figures("fewest and most in one of 17 partitions", f"{min(sizes)} and {max(sizes)}")


@pytest.mark.parametrize("partitioner", ["murmur2_random", "sticky", "round_robin"])
def test_records_without_a_key_reach_every_partition(start_broker, topic, partitioner):
    """Sticky ones in runs that fill a batch, the others in turn."""
    broker = start_broker(num_partitions=4)
    # The topic must be known before, or the first records would wait for its leaders.
    create_topic(broker.address, topic)
    lines = b"".join(b"%d %s\n" % (number, b"x" * 90) for number in range(10_000))
    produced = cli.logbook(broker, "produce", topic, "-o", "json", "-X", f"partitioner={partitioner}", input=lines)
    partitions = [report["partition"] for report in produced.objects]
    counts = [partitions.count(partition) for partition in range(4)]
    assert sum(counts) == 10_000
    if partitioner == "round_robin":
        assert counts == [2500] * 4
        assert partitions[:8] == [0, 1, 2, 3] * 2
    else:
        assert min(counts) > 500
        switches = sum(before != after for before, after in zip(partitions, partitions[1:]))
        # A megabyte in batches of 16 KiB: about 64 of them, and one switch for each or for every other.
        assert switches < 70
