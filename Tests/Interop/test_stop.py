"""How a broker ends, and where it says it is."""

import signal
import socket
import struct
import subprocess
import threading
import time

import pytest

import wire
from server import BINARY, host_and_port
from test_hostile import fill, send_what_fits
from wire import Connection


def advertised(address: str) -> tuple[str, int]:
    """The host and port that a client is told, who came in by `address`."""
    class Broker:
        host_and_port = host_and_port(address)

    with Connection(Broker) as connection:
        answer = connection.call(wire.request(wire.METADATA, 1, struct.pack(">i", 0)))
    _, brokers, _, length = struct.unpack_from(">iiih", answer)
    assert brokers == 1
    return answer[14:14 + length].decode(), struct.unpack_from(">i", answer, 14 + length)[0]



def test_what_is_in_flight_is_answered(start_broker, topic):
    """Fetches that wait are answered at SIGTERM, produces too; then the status is 0, and nobody is accepted."""
    broker = start_broker()
    with Connection(broker) as waiting, Connection(broker) as producing:
        producing.call(wire.metadata(topic))
        assert wire.produce_result(producing.call(wire.produce(topic, wire.batch(b"v"))), topic) == (0, 0)
        waiting.send(wire.fetch(topic, offset=1, max_wait_ms=3_600_000))
        acknowledged = []

        def produce():
            try:
                while (answer := producing.receive()) is not None:
                    acknowledged.append(wire.produce_result(answer, topic)[1])
            except OSError:
                pass

        def send():
            try:
                while True:
                    producing.send(wire.produce(topic, wire.batch(b"v" * 1000)))
            except OSError:
                pass

        threads = [threading.Thread(target=produce), threading.Thread(target=send)]
        for thread in threads:
            thread.start()
        while len(acknowledged) < 100:
            time.sleep(0.01)
        started = time.monotonic()
        broker.process.send_signal(signal.SIGTERM)
        assert wire.fetch_result(waiting.receive(), topic)[0] == 0
        assert broker.process.wait(timeout=20) == 0
        assert time.monotonic() - started < 10
        for thread in threads:
            thread.join()
    with pytest.raises(ConnectionRefusedError):
        Connection(broker)
    assert "event=stopping" in broker.stderr()
    # Started again, it has nothing to check, and every record that was acknowledged.
    broker.start()
    with Connection(broker) as connection:
        error, records = wire.fetch_result(connection.call(wire.fetch(topic, max(acknowledged))), topic)
        assert error == 0
        assert records


def test_a_client_that_does_not_read_cannot_hold_up_the_end(start_broker, topic):
    """Its answers get five seconds; the end is clean."""
    broker = start_broker()
    fill(broker, topic, 20)
    with Connection(broker) as slow:
        send_what_fits(slow, wire.fetch(topic) * 50, seconds=0.2)
        # An answer has begun: the broker has read what it was asked.
        assert slow.socket.recv(1)
        started = time.monotonic()
        broker.process.send_signal(signal.SIGTERM)
        assert broker.process.wait(timeout=20) == 0
        assert 3 < time.monotonic() - started < 12


def test_a_second_signal_ends_it_at_once(tmp_path_factory, topic):
    """With a status that is not zero; what was acknowledged is there at the next start."""
    from server import Server

    broker = Server(tmp_path_factory.mktemp("broker") / "data")
    broker.start()
    fill(broker, topic, 20)
    with Connection(broker) as slow:
        send_what_fits(slow, wire.fetch(topic) * 50, seconds=0.2)
        assert slow.socket.recv(1)
        broker.process.send_signal(signal.SIGTERM)
        while "event=stopping" not in broker.stderr():
            time.sleep(0.01)
        started = time.monotonic()
        broker.process.send_signal(signal.SIGTERM)
        assert broker.process.wait(timeout=5) == 128 + signal.SIGTERM
        assert time.monotonic() - started < 2
    broker.start()
    with Connection(broker) as connection:
        assert wire.fetch_result(connection.call(wire.fetch(topic, 19)), topic)[0] == 0
    broker.stop()


def test_each_listener_advertises_itself(start_broker):
    """Ports that the system picked, in both families."""
    broker = start_broker(
        listeners="PLAINTEXT://127.0.0.1:0,INTERNAL://[::1]:0",
        listener_security_protocol_map="PLAINTEXT:PLAINTEXT,INTERNAL:PLAINTEXT")
    assert [host for host, _ in map(host_and_port, broker.addresses)] == ["127.0.0.1", "::1"]
    for address in broker.addresses:
        assert advertised(address) == host_and_port(address)


def test_each_listener_advertises_what_it_is_told(start_broker):
    """And an empty host listens on every address, IPv4 and IPv6."""
    broker = start_broker(
        listeners="PLAINTEXT://:0,INTERNAL://localhost:0",
        listener_security_protocol_map="PLAINTEXT:PLAINTEXT,INTERNAL:PLAINTEXT",
        advertised_listeners="PLAINTEXT://broker.example:9092,INTERNAL://internal.example:9093")
    public, internal = (host_and_port(address)[1] for address in broker.addresses)
    assert advertised(f"127.0.0.1:{public}") == advertised(f"[::1]:{public}") == ("broker.example", 9092)
    for *_, address in socket.getaddrinfo("localhost", internal, type=socket.SOCK_STREAM):
        assert advertised(f"[{address[0]}]:{internal}") == ("internal.example", 9093)


@pytest.mark.parametrize("settings, words", [
    (["listeners=:9092"], "set advertised.listeners"),
    (["listeners=A://127.0.0.1:0"], "add A:PLAINTEXT to listener.security.protocol.map"),
    (["listeners=127.0.0.1:0,127.0.0.1:0"], "each must have a different name"),
    (["listeners=A://127.0.0.1:0", "listener.security.protocol.map=A:SSL"], "only PLAINTEXT is supported"),
    (["advertised.listeners=B://host:1"], "B is none of the listeners"),
    (["queued.max.request.bytes=1000"], "must be at least socket.request.max.bytes"),
    (["queued.max.request.bytes=0"], "from 1 on, or -1"), (["connections.max.idle.ms=-2"], "from 1 on, or -1"),
    (["max.connections.per.ip=0"], "from 1 to"), (["log.level=verbose"], "error, warn, info or debug"),
], ids=str)
def test_settings_that_cannot_be_say_what_to_do(tmp_path, settings, words):
    command = [BINARY, "broker", "--log-dirs", str(tmp_path / "data")]
    for setting in settings:
        command += ["--override", setting]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=20)
    assert ended.returncode == 2
    assert words in ended.stderr
    assert not (tmp_path / "data").exists()


def test_debug_lines_tell_of_each_connection(start_broker, topic):
    broker = start_broker(log_level="debug")
    with Connection(broker) as connection:
        connection.call(wire.metadata(topic))
    while "event=disconnected" not in broker.stderr():
        time.sleep(0.01)
    assert "event=connected" in broker.stderr()
    assert f"event=topic_created topic={topic} partitions=1" in broker.stderr()
