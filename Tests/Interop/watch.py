"""What a broker's process takes, and how an ordinary client fares beside the others."""

import json
import os
import re
import resource
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

LOG_LINE = re.compile(
    r'ts=\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z level=(debug|info|warn|error) event=[a-z_]+'
    r'( [a-z_]+=([^\s"=\\]+|"([^"\\\x00-\x1f]|\\.)*"))*'
)


def take_all_descriptors() -> int:
    """Lets this process have as many descriptors as the machine gives; returns how many."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        # As root the hard limit can be raised as well.
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(most, 20_000), max(most, 20_000)))
    except (ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def anonymous_bytes(pid: int) -> int:
    """The heap and stacks that are in memory. Mapped files are not in it, nor is the page cache: they
    grow with the data, and the kernel takes them back when it likes."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"^RssAnon:\s+(\d+) kB", status, re.M)[1]) * 1024


def descriptors(pid: int) -> int:
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


def processor_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100


def wait_until(condition, seconds=20.0):
    """Waits until `condition` holds; the assertion fails after `seconds`."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds} s"
        time.sleep(0.01)


class Bystander:
    """An ordinary client in a process of its own: it produces a record, fetches it, and measures each."""

    def __init__(self, server):
        self.process = subprocess.Popen(
            [sys.executable, __file__, server.address], stdout=subprocess.PIPE, text=True)
        if self.process.stdout.readline() != "served\n":
            self.process.kill()
            self.process.wait()
            raise AssertionError("an ordinary client was not served")

    def stop(self) -> dict:
        """How many rounds there were, and their latencies in milliseconds."""
        self.process.send_signal(signal.SIGTERM)
        output, _ = self.process.communicate(timeout=30)
        assert self.process.returncode == 0, "the ordinary client failed"
        return json.loads(output)


class Watch:
    """Watches a broker while hostile clients are at work: `with Watch(server, figures, grows_by=…)`.

    At the end it asserts that the broker's memory grew by no more than `grows_by` bytes at any time, that
    an ordinary client was served throughout with no round slower than `slowest_ms`, that the process
    lives, that no descriptor is left over, and that its log is whole lines and few of them.
    """

    def __init__(self, server, figures, grows_by: int, slowest_ms=2000, log_lines=60):
        self.server, self.figures = server, figures
        self.grows_by, self.slowest_ms, self.log_lines = grows_by, slowest_ms, log_lines
        self.pid = server.process.pid
        # How many logs the test makes: each keeps a file open.
        self.logs = 1

    def __enter__(self):
        self.bystander = Bystander(self.server)
        # Without the bystander's connection, and with the logs of its topic.
        self.descriptors_before = descriptors(self.pid) - 1
        self.bytes_before = self.bytes_max = anonymous_bytes(self.pid)
        self.descriptors_max = 0
        self.lines_before = len(self.server.stderr().splitlines())
        self.is_over = threading.Event()
        self.sampler = threading.Thread(target=self.sample)
        self.sampler.start()
        return self

    def sample(self):
        while not self.is_over.wait(0.02):
            self.bytes_max = max(self.bytes_max, anonymous_bytes(self.pid))
            self.descriptors_max = max(self.descriptors_max, descriptors(self.pid))

    def __exit__(self, kind, *_):
        self.is_over.set()
        self.sampler.join()
        assert self.server.is_running(), f"the broker ended: {self.server.stderr()[-2000:]}"
        served = self.bystander.stop()
        if kind:
            return
        # The logs that the test makes stay open.
        allowed = self.descriptors_before + self.logs
        try:
            wait_until(lambda: descriptors(self.pid) <= allowed)
        except AssertionError:
            left = [os.readlink(path) for path in Path(f"/proc/{self.pid}/fd").iterdir()]
            raise AssertionError(f"{len(left)} descriptors are left, more than {allowed}: {left}") from None
        grown = self.bytes_max - self.bytes_before
        self.figures("memory grew by at most", f"{grown / 1e6:.1f} MB of {self.grows_by / 1e6:.0f} allowed")
        self.figures("descriptors", f"{self.descriptors_before} before, {self.descriptors_max} at most, "
                     f"{descriptors(self.pid)} after")
        self.figures("ordinary client", f"{served['rounds']} rounds, p50 {served['p50']:.1f} ms, "
                     f"p99 {served['p99']:.1f} ms, max {served['max']:.1f} ms")
        assert grown <= self.grows_by
        assert served["rounds"] >= 10
        assert served["max"] <= self.slowest_ms
        lines = self.server.stderr().splitlines()[self.lines_before:]
        broken = [line for line in lines if not LOG_LINE.fullmatch(line)]
        assert not broken, broken[:3]
        assert len(lines) <= self.log_lines, lines[:5]


def stand_by(address: str):
    """The bystander's process: rounds until SIGTERM, then one line of JSON."""
    import server
    import wire

    is_over = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: is_over.set())

    class Broker:
        host_and_port = server.host_and_port(address)

    latencies = []
    with wire.Connection(Broker) as connection:
        assert wire.topic_error(connection.call(wire.metadata("bystander"))) == 0
        offset = None
        while True:
            started = time.monotonic()
            error, written = wire.produce_result(
                connection.call(wire.produce("bystander", wire.batch(bytes(1000)))), "bystander")
            assert error == 0 and (offset is None or written == offset + 1), (error, written, offset)
            offset = written
            error, records = wire.fetch_result(connection.call(wire.fetch("bystander", offset)), "bystander")
            assert error == 0 and len(records) > 1000, (error, len(records))
            latencies.append((time.monotonic() - started) * 1000)
            if len(latencies) == 1:
                print("served", flush=True)
            if is_over.wait(0.005):
                break
    latencies.sort()
    print(json.dumps({
        "rounds": len(latencies), "p50": latencies[len(latencies) // 2],
        "p99": latencies[len(latencies) * 99 // 100], "max": latencies[-1],
    }))


if __name__ == "__main__":
    stand_by(sys.argv[1])
