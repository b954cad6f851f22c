"""What real clients and the broker say to each other, read by kafka-python's codec, which comes from
Kafka's schemas. With GOLDEN=DIRECTORY (`make golden`) it is written there, for a suite in Swift to
read without any client."""

import asyncio
import json
import os
import re
import struct
import subprocess
import uuid
from importlib.metadata import version
from pathlib import Path

import aiokafka
import confluent_kafka
import kafka
import kafka.protocol.consumer
import kafka.protocol.metadata
import kafka.protocol.producer
import pytest
from kafka.protocol.schemas.fields.codecs import UUID, BitField

from clients import AIOKAFKA, CONFLUENT, KAFKA_PYTHON, Record
from recorder import Recorder

MESSAGES = {
    0: (kafka.protocol.producer, "Produce"),
    1: (kafka.protocol.consumer, "Fetch"),
    2: (kafka.protocol.consumer, "ListOffsets"),
    3: (kafka.protocol.metadata, "Metadata"),
    10: (kafka.protocol.metadata, "FindCoordinator"),
    18: (kafka.protocol.metadata, "ApiVersions"),
}
RECORD = Record(b"golden key", b"golden value")


def kcat(recorder, topic):
    def run(*arguments, stdin=None):
        subprocess.run(["kcat", "-b", recorder.address, *arguments], input=stdin, check=True, capture_output=True)

    run("-P", "-t", topic, "-K", ":", stdin=RECORD.key + b":" + RECORD.value)
    run("-C", "-t", topic, "-o", "beginning", "-e")
    run("-Q", "-t", f"{topic}:0:1")
    run("-L")


def produce_and_consume(client, recorder, topic):
    with client.producer(recorder.address) as producer:
        assert producer.send(topic, [RECORD]) == [0]
    with client.consumer(recorder.address, topic) as consumer:
        assert consumer.take(1) == [(0, RECORD)]
        assert consumer.ends() == (0, 1)
        assert consumer.offset_for_time(1) is not None


def wait_until(recorder, api):
    """Runs the rest of a generator until a client has asked for `api`, and was answered."""
    while not any(key == api for key, _ in recorder.exchanges()):
        yield


def confluent(recorder, topic):
    produce_and_consume(CONFLUENT, recorder, topic)
    consumer = confluent_kafka.Consumer({"bootstrap.servers": recorder.address, "group.id": "golden-group"})
    consumer.subscribe([topic])
    for _ in wait_until(recorder, 10):
        consumer.poll(0.05)
    consumer.close()


def kafka_python(recorder, topic):
    produce_and_consume(KAFKA_PYTHON, recorder, topic)
    consumer = kafka.KafkaConsumer(topic, bootstrap_servers=recorder.address, group_id="golden-group")
    for _ in wait_until(recorder, 10):
        consumer.poll(50)
    consumer.close()


def aio(recorder, topic):
    produce_and_consume(AIOKAFKA, recorder, topic)

    async def find_coordinator():
        consumer = aiokafka.AIOKafkaConsumer(topic, bootstrap_servers=recorder.address, group_id="golden-group")
        started = asyncio.ensure_future(consumer.start())
        for _ in wait_until(recorder, 10):
            await asyncio.sleep(0.05)
        started.cancel()
        await asyncio.gather(started, return_exceptions=True)
        await consumer.stop()

    asyncio.run(find_coordinator())


def kcat_version():
    shown = subprocess.run(["kcat", "-V"], capture_output=True, text=True, check=True).stdout
    return " with librdkafka ".join(re.search(r"Version (\S+) .*librdkafka (\S+?) ", shown).groups())


CLIENTS = {
    "kcat": (kcat, kcat_version),
    "confluent-kafka": (confluent, lambda: f"{version('confluent-kafka')} with librdkafka {confluent_kafka.libversion()[0]}"),
    "kafka-python": (kafka_python, lambda: version("kafka-python")),
    "aiokafka": (aio, lambda: version("aiokafka")),
}


def text(field, value) -> str:
    codec = getattr(field, "_type", None)
    if codec is BitField:
        # A set of numbers, or None for what nobody asked for.
        return str(struct.unpack(">i", BitField.encode(value))[0])
    if codec is UUID:
        return (value or uuid.UUID(int=0)).hex
    match value:
        case bytes() | bytearray() | memoryview():
            return f"{len(value)} bytes"
        case _:
            return json.dumps(value)


def fields(data, version, path=""):
    """The fields in the order of the wire: names and values, for an array its length and its elements.
    A tagged field that has its default is not on the wire."""
    known = [field for field in data._struct._fields if field.for_version_q(version)]
    for field in sorted(known, key=lambda field: field.tag if field.tagged_field_q(version) else -1):
        name, value = path + field.name, getattr(data, field.name)
        if field.tagged_field_q(version) and (not value or value == field.default):
            continue
        if isinstance(value, (list, tuple)):
            yield name, str(len(value))
            for index, element in enumerate(value):
                if field.is_struct_array():
                    yield from fields(element, version, f"{name}[{index}].")
                else:
                    yield f"{name}[{index}]", text(None, element)
        elif field.is_struct():
            yield from fields(value, version, name + ".")
        else:
            yield name, text(field, value)


def skip_tags(frame: bytes, position: int) -> int:
    assert frame[position] == 0, "tags in a header"
    return position + 1


def describe_request(frame: bytes):
    """The line that says what it is, its fields, and its bytes."""
    api, version, correlation, length = struct.unpack_from(">hhih", frame, 4)
    module, name = MESSAGES[api]
    message = getattr(module, name + "Request")
    position = 14 + max(0, length)
    client = json.dumps(frame[14:position].decode() if length >= 0 else None)
    if message.flexible_version_q(version):
        position = skip_tags(frame, position)
    return f"request {name} {version} {correlation} {client}", body(message, version, frame, position), frame


def describe_response(api: int, version: int, frame: bytes):
    module, name = MESSAGES[api]
    message = getattr(module, name + "Response")
    position = 8
    # The header of an answer to ApiVersions never has tags.
    if message.flexible_version_q(version) and api != 18:
        position = skip_tags(frame, position)
    correlation = struct.unpack_from(">i", frame, 4)[0]
    return f"response {name} {version} {correlation}", body(message, version, frame, position), frame


def body(message, version, frame, position):
    decoded = message.decode(frame[position:], version=version)
    assert bytes(decoded.encode()) == frame[position:], f"{message.name} {version}: {frame.hex()}"
    return list(fields(decoded, version))


def chosen(exchanges):
    """Of each API and version the smallest exchange, and the largest where that is another."""
    def size(exchange):
        return sum(map(len, exchange))

    for (api, version), found in sorted(exchanges.items()):
        found.sort(key=size)
        for request, response in found[:1] + (found[-1:] if size(found[-1]) > size(found[0]) else []):
            yield describe_request(request)
            yield describe_response(api, version, response)


def write(path: Path, client: str, frames):
    lines = [f"# {client}", "# Written by `make golden`: what it is, the fields as kafka-python reads them, the bytes."]
    for title, values, frame in frames:
        lines += ["", title] + [f"  {name} {value}" for name, value in values]
        lines += [frame[start:start + 32].hex(" ") for start in range(0, len(frame), 32)]
    path.write_text("\n".join(lines) + "\n")


@pytest.mark.parametrize("client", CLIENTS)
def test_exchanges_are_read_by_another_codec(client, start_broker):
    recorder = Recorder()
    recorder.server = start_broker(advertised_listeners=recorder.address)
    talk, client_version = CLIENTS[client]
    talk(recorder, f"golden-{client}")
    recorder.close()
    # What a client says to its group is another test's.
    exchanges = {key: found for key, found in recorder.exchanges().items() if key[0] in MESSAGES}
    assert {api for api, _ in exchanges} >= set(MESSAGES) - {10}
    # All are read, a few are written.
    for (api, version), found in exchanges.items():
        for request, response in found:
            describe_request(request)
            describe_response(api, version, response)
    if directory := os.environ.get("GOLDEN"):
        write(Path(directory) / f"{client}.txt", f"{client} {client_version()}", chosen(exchanges))
