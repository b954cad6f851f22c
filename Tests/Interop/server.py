"""A broker process of a test's own."""

import os
import re
import select
import signal
import subprocess
import time
from pathlib import Path

from confluent_kafka.admin import AdminClient

ROOT = Path(__file__).resolve().parents[2]
BINARY = str((ROOT / os.environ.get("LOGBOOK", ".build/release/logbook")).resolve())

READY = re.compile(
    r"logbook broker ready on (\S+:\d+) "
    r"\(node 1, cluster \S+, \d+ topics in .+, \d+ bytes checked in \d+ ms\)\n"
)


class Server:
    """`logbook broker` on a free port, with a directory that outlives the process."""

    def __init__(self, directory: Path, descriptors=None, **settings):
        """`settings` are Kafka's, with underscores for dots: num_partitions=4. `descriptors` limits how
        many the process may have."""
        self.directory = directory
        self.descriptors = descriptors
        self.settings = {name.replace("_", "."): value for name, value in settings.items()}
        self.stderr_path = directory.parent / f"{directory.name}.stderr"
        self.process = None
        self.address = None

    def start(self) -> float:
        """Waits for the ready line; returns the seconds until it came."""
        command = [BINARY, "broker", "--log-dirs", str(self.directory)]
        if self.descriptors:
            command = ["sh", "-c", f'ulimit -n {self.descriptors}; exec "$@"', "sh", *command]
        # Many tests write records of long ago: retention would take them away.
        keeps = {} if any(name.startswith("log.retention.") for name in self.settings) else {"log.retention.ms": "-1"}
        for name, value in ({"listeners": "127.0.0.1:0"} | keeps | self.settings).items():
            command += ["--override", f"{name}={value}"]
        with open(self.stderr_path, "ab") as stderr:
            started = time.monotonic()
            self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=stderr)
        readable, _, _ = select.select([self.process.stdout], [], [], 30)
        assert readable, "no ready line after 30 s"
        line = self.process.stdout.readline().decode()
        seconds = time.monotonic() - started
        ready = READY.fullmatch(line)
        assert ready, f"not a ready line: {line!r}; stderr: {self.stderr()}"
        self.addresses = ready[1].split(",")
        self.address = self.addresses[0]
        return seconds

    @property
    def host_and_port(self):
        return host_and_port(self.address)

    def is_running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def stop(self, seconds=10):
        """Sends SIGTERM, and expects a clean end after no other line than the ready line."""
        assert self.is_running(), f"the broker ended by itself with status {self.process.returncode}"
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(timeout=seconds) == 0
        assert self.process.stdout.read() == b""
        self.process.stdout.close()

    def kill(self):
        """kill -9."""
        self.process.kill()
        self.process.wait(timeout=10)
        self.process.stdout.close()

    def stderr(self) -> str:
        return self.stderr_path.read_text(errors="replace") if self.stderr_path.exists() else ""

    def resident_bytes(self) -> int:
        listed = subprocess.run(["ps", "-o", "rss=", "-p", str(self.process.pid)], capture_output=True, check=True)
        return int(listed.stdout) * 1024

    def topics(self) -> set[str]:
        """The topics that there are. Who asks for all makes none."""
        return set(AdminClient({"bootstrap.servers": self.address}).list_topics(timeout=10).topics)

    def segments(self, topic: str, partition=0) -> list[Path]:
        return sorted((self.directory / f"{topic}-{partition}").glob("*.log"))

    def batches(self, topic: str, partition=0) -> list["Batch"]:
        """What is on disk, as dump-log tells it."""
        return [batch for path in self.segments(topic, partition) for batch in dump_log(path).batches]


def host_and_port(address: str):
    host, _, port = address.rpartition(":")
    return host.strip("[]"), int(port)


class Batch(dict):
    """One batch as dump-log prints it, by the names of its fields."""

    def __init__(self, line: str):
        super().__init__(re.findall(r"(\w+): (\S+)", line))
        self.records: list[str] = []

    def __getattr__(self, name):
        value = self[name]
        return int(value) if re.fullmatch(r"-?\d+", value) else value


class Dump:
    """What `logbook dump-log` said of a file."""

    def __init__(self, status: int, output: str):
        self.status = status
        self.damage = [line for line in output.splitlines() if line.startswith("damaged")]
        self.batches: list[Batch] = []
        for line in output.splitlines():
            if line.startswith("baseOffset:"):
                self.batches.append(Batch(line))
            elif line.startswith("| "):
                self.batches[-1].records.append(line)


def dump_log(path: Path, *flags: str) -> Dump:
    ended = subprocess.run([BINARY, "dump-log", *flags, str(path)], capture_output=True, text=True, timeout=60)
    return Dump(ended.returncode, ended.stdout)
