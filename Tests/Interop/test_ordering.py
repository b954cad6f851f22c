"""Order per partition, end to end: what has one key comes out in the order in which it was sent, none missing."""

import random
import socket
import struct
import threading
import time
from concurrent.futures import ThreadPoolExecutor

from confluent_kafka import Consumer, KafkaError, Producer, TopicPartition

PRODUCERS = 8
PARTITIONS = 64
RECORDS = 1_000_000
KEYS = 400  # of each producer


class Proxy:
    """Passes bytes between clients and the broker, and cuts connections at random: with a reset, in the middle
    of whatever is on its way."""

    def __init__(self, rng: random.Random):
        self.rng = rng
        self.is_cutting = True
        self.left = 0  # bytes until the next cut
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self.listener.getsockname()[1]
        self.target = None
        self.pairs: set[tuple[socket.socket, socket.socket]] = set()
        self.lock = threading.Lock()
        self.cuts = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
                broker = socket.create_connection(self.target)
            except OSError:
                return
            pair = (client, broker)
            with self.lock:
                self.pairs.add(pair)
            for source, sink in (pair, pair[::-1]):
                threading.Thread(target=self._pass, args=(source, sink, pair), daemon=True).start()

    def _pass(self, source, sink, pair):
        try:
            while data := source.recv(1 << 16):
                sink.sendall(data)
                self._count(len(data))
        except OSError:
            pass
        self._end(pair)

    def _end(self, pair, reset=False):
        with self.lock:
            if pair not in self.pairs:
                return False
            self.pairs.discard(pair)
        for end in pair:
            if reset:
                end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            end.close()
        return True

    def _count(self, passed: int):
        """Cuts one of the connections whenever so many bytes have passed: in a fast run as often as in a slow one."""
        with self.lock:
            self.left -= passed
            if not self.is_cutting or self.left > 0:
                return
            self.left = self.rng.randint(100_000, 600_000)
            pair = self.rng.choice(sorted(self.pairs, key=lambda pair: pair[0].fileno())) if self.pairs else None
            reset = self.rng.random() < 0.5
        if pair and self._end(pair, reset):
            self.cuts += 1

    def close(self):
        self.listener.close()


def send(number: int, address: str, topic: str, count: int, settings: dict) -> int:
    """Sends records with consecutive numbers for each key, and returns how many were acknowledged."""
    acknowledged = 0

    def delivered(error, _):
        nonlocal acknowledged
        assert error is None, error
        acknowledged += 1

    producer = Producer({
        "bootstrap.servers": address,
        "acks": "all",
        "linger.ms": 5,
        "partitioner": "murmur2_random",
        "message.timeout.ms": 300_000,
        "reconnect.backoff.ms": 10,
        "reconnect.backoff.max.ms": 100,
        "retry.backoff.ms": 20,
        "log_level": 0,
        **settings,
    })
    for index in range(count):
        key = f"{number}-{index % KEYS}".encode()
        while True:
            try:
                producer.produce(topic, struct.pack(">I", index // KEYS), key, on_delivery=delivered)
                break
            except BufferError:
                producer.poll(0.05)
        if index % 1000 == 0:
            producer.poll(0)
    assert producer.flush(300) == 0
    return acknowledged


def check(address: str, topic: str, total: int) -> int:
    """Reads everything. Each key's numbers ascend without a gap; what was sent again after a cut may come again,
    and never changes the order. Returns how many records came again."""
    consumer = Consumer({
        "bootstrap.servers": address, "group.id": "none", "enable.partition.eof": True,
        "auto.offset.reset": "earliest", "fetch.message.max.bytes": 1 << 20,
    })
    consumer.assign([TopicPartition(topic, partition, 0) for partition in range(PARTITIONS)])
    next_number: dict[bytes, int] = {}
    homes: dict[bytes, int] = {}
    ended, again, deadline = set(), 0, time.monotonic() + 180
    while len(ended) < PARTITIONS:
        assert time.monotonic() < deadline, "the records do not come to an end"
        for message in consumer.consume(10_000, timeout=1):
            if message.error():
                assert message.error().code() == KafkaError._PARTITION_EOF, message.error()
                ended.add(message.partition())
                continue
            key, (number,) = message.key(), struct.unpack(">I", message.value())
            assert homes.setdefault(key, message.partition()) == message.partition(), f"{key} is in two partitions"
            expected = next_number.get(key, 0)
            assert number <= expected, f"{key}: {number} came where {expected} was to come"
            if number == expected:
                next_number[key] = expected + 1
            else:
                again += 1
    consumer.close()
    assert len(next_number) == PRODUCERS * KEYS
    assert sum(next_number.values()) == total
    return again


def run(address: str, topic: str, total: int, settings: dict) -> None:
    with ThreadPoolExecutor(PRODUCERS) as pool:
        sent = [pool.submit(send, n, address, topic, total // PRODUCERS, settings) for n in range(PRODUCERS)]
        assert sum(done.result() for done in sent) == total


def test_keys_keep_their_order_while_connections_are_cut(start_broker, topic, figures):
    proxy = Proxy(random.Random(6))
    broker = start_broker(
        num_partitions=PARTITIONS, advertised_listeners=f"PLAINTEXT://127.0.0.1:{proxy.port}")
    host, port = broker.address.split(":")
    proxy.target = (host, int(port))
    address = f"127.0.0.1:{proxy.port}"
    # Without idempotence a client keeps its order over retries with one request in flight only.
    run(address, topic, RECORDS, {"max.in.flight.requests.per.connection": 1})
    proxy.is_cutting = False
    again = check(address, topic, RECORDS)
    proxy.close()
    figures("records", RECORDS)
    figures("connections cut", proxy.cuts)
    figures("records that came again", again)
    assert proxy.cuts >= 20


def test_keys_keep_their_order_with_several_requests_in_flight(start_broker, topic, figures):
    broker = start_broker(num_partitions=PARTITIONS)
    total = RECORDS // 4
    settings = {"max.in.flight.requests.per.connection": 20, "batch.num.messages": 50, "message.send.max.retries": 0}
    run(broker.address, topic, total, settings)
    assert check(broker.address, topic, total) == 0
    figures("records", total)
