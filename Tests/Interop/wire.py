"""Kafka's protocol by hand, for what no client would send: frames, and a plain connection."""

import socket
import struct

from aiokafka.record.default_records import DefaultRecordBatchBuilder

PRODUCE, FETCH, LIST_OFFSETS, METADATA, API_VERSIONS = 0, 1, 2, 3, 18


def framed(body: bytes) -> bytes:
    return struct.pack(">i", len(body)) + body


def string(text: str | None) -> bytes:
    return struct.pack(">h", -1) if text is None else struct.pack(">h", len(text.encode())) + text.encode()


def request(api: int, version: int, body: bytes = b"", correlation=7, client_id="by hand") -> bytes:
    """A frame with a header of version 1."""
    return framed(struct.pack(">hhi", api, version, correlation) + string(client_id) + body)


def metadata(*topics: str, may_create=True) -> bytes:
    body = struct.pack(">i", len(topics)) + b"".join(map(string, topics)) + struct.pack(">?", may_create)
    return request(METADATA, 4, body)


def topic_error(answer: bytes) -> int:
    """The error of the one topic in an answer to `metadata`."""
    _, _, brokers, _, length = struct.unpack_from(">iiiih", answer)
    assert brokers == 1
    position = 18 + length + 4  # The host's name, the port.
    for _ in ("rack", "cluster id"):
        [length] = struct.unpack_from(">h", answer, position)
        position += 2 + max(0, length)
    _, topics, error = struct.unpack_from(">iih", answer, position)
    assert topics == 1
    return error


def batch(*values: bytes) -> bytes:
    builder = DefaultRecordBatchBuilder(2, 0, False, -1, -1, -1, 1 << 30)
    for offset, value in enumerate(values):
        assert builder.append(offset, 1_700_000_000_000, None, value, [])
    return bytes(builder.build())


def produce(topic: str, records: bytes, version=7, acks=-1) -> bytes:
    body = string(None) + struct.pack(">hii", acks, 10_000, 1) + string(topic)
    return request(PRODUCE, version, body + struct.pack(">iii", 1, 0, len(records)) + records)


def produce_result(answer: bytes, topic: str) -> tuple[int, int]:
    """Error and base offset of the one partition in an answer to `produce`."""
    _, topics = struct.unpack_from(">ii", answer)
    partitions, _, error, offset = struct.unpack_from(">iihq", answer, 8 + len(string(topic)))
    assert (topics, partitions) == (1, 1)
    return error, offset


def fetch(topic: str, offset=0, max_wait_ms=0, min_bytes=1, version=4, partitions=1) -> bytes:
    """Partitions 0 up to `partitions`, each from the same offset on."""
    body = struct.pack(">iiiibi", -1, max_wait_ms, min_bytes, 1 << 20, 0, 1) + string(topic)
    body += struct.pack(">i", partitions)
    return request(FETCH, version, body + b"".join(
        struct.pack(">iqi", partition, offset, 1 << 20) for partition in range(partitions)))


def fetch_result(answer: bytes, topic: str) -> tuple[int, bytes]:
    """Error and records of the one partition in an answer to `fetch`."""
    _, _, topics = struct.unpack_from(">iii", answer)
    position = 12 + len(string(topic))
    partitions, _, error, _, _, aborted, length = struct.unpack_from(">iihqqii", answer, position)
    assert (topics, partitions) == (1, 1)
    assert aborted <= 0
    records = answer[position + 34:]
    assert len(records) == max(0, length)
    return error, records


class Connection:
    """A socket that is closed at the end of a `with`."""

    def __init__(self, server, seconds=20):
        self.socket = socket.create_connection(server.host_and_port, timeout=seconds)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, data: bytes):
        self.socket.sendall(data)

    def receive(self) -> bytes | None:
        """The next answer without its length; None if the connection ends instead."""
        length = self._read(4)
        return None if length is None else self._read(struct.unpack(">i", length)[0])

    def call(self, frame: bytes) -> bytes:
        self.send(frame)
        answer = self.receive()
        assert answer is not None, "the connection ended instead of an answer"
        assert answer[:4] == frame[8:12], "another correlation id"
        return answer

    def is_ended_by_the_broker(self) -> bool:
        """Whether nothing comes but the end."""
        return self._read(1) is None

    def _read(self, count: int) -> bytes | None:
        data = b""
        while len(data) < count:
            try:
                piece = self.socket.recv(count - len(data))
            except ConnectionResetError:
                return None
            if not piece:
                return None
            data += piece
        return data
