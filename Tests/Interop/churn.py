"""Members of a group that join, leave, crash and stand still at random, while records flow.

    make churn                three minutes of each kind of group
    make churn SECONDS=60     shorter

Each member is a process of its own with a log of its own; churn_check.py says afterwards what the logs prove. See
Docs/GROUPS.md, which gets the result. `--seed` repeats who is told to do what, if not what comes of it.
"""

import argparse
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections import Counter
from pathlib import Path

import churn_check
import churn_log
import churn_members
from churn_members import Log
from server import BINARY, ROOT, Server

GROUP, TOPIC, PARTITIONS = "churn", "records", 64
# The clients of each kind of group; the members are of each in turn.
KINDS = {
    "cooperative": ["confluent-kafka", "logbook"],
    "eager": ["confluent-kafka", "kafka-python", "aiokafka", "logbook"],
    "consumer": ["confluent-kafka", "logbook"],
}
MEMBER = Path(BINARY).with_name("group-member")
# What happens to a member, and how often.
ACTIONS = {"leave": 4, "crash": 4, "stop long": 1, "stop briefly": 1}
LEAVING_SECONDS_MAX = 30
CATCH_UP_SECONDS_MAX = 120
# In so long a run members of an eager group wait for one that has crashed.
LONG_SECONDS = 120


class Forked:
    """A process of this program's own, with the methods of Popen that are needed."""

    def __init__(self, stderr, function, *arguments):
        self.returncode = None
        self.pid = os.fork()
        if self.pid == 0:
            status = 1
            try:
                os.dup2(stderr.fileno(), 2)
                function(*arguments)
                status = 0
            except BaseException:
                traceback.print_exc()
            finally:
                os._exit(status)

    def poll(self):
        if self.returncode is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.returncode = os.waitstatus_to_exitcode(status)
        return self.returncode

    def send_signal(self, number):
        if self.poll() is None:
            os.kill(self.pid, number)

    def wait(self, timeout):
        deadline = time.monotonic() + timeout
        while self.poll() is None:
            if time.monotonic() > deadline:
                raise subprocess.TimeoutExpired("a member", timeout)
            time.sleep(0.01)
        return self.returncode


class Slot:
    """A place that a member takes, and after it the next one."""

    def __init__(self, number, client):
        self.number, self.client, self.lives = number, client, 0
        self.process, self.name, self.path = None, None, None
        # running, leaving, stopped (by SIGSTOP) or gone; the last two until `until`.
        self.state, self.until = "gone", 0.0

    def has_begun(self):
        return self.path.exists() and self.path.stat().st_size > 0


class Churn:
    def __init__(self, kind, members, session, directory, server, seeded):
        self.kind, self.session, self.directory, self.server, self.seeded = kind, session, directory, server, seeded
        self.faults = Log(directory / "faults.jsonl")
        self.stderr = open(directory / "members.stderr", "ab")
        self.slots = [Slot(number, KINDS[kind][number % len(KINDS[kind])]) for number in range(members)]
        self.happened = Counter()

    def wrong(self, what):
        self.faults.write("wrong", what=what)

    def fork(self, function, *arguments):
        return Forked(self.stderr, function, *arguments)

    def start(self, slot):
        slot.lives += 1
        slot.name = f"{slot.number:02}-{slot.lives}.{slot.client}"
        slot.path = self.directory / "members" / f"{slot.name}.jsonl"
        session_ms, heartbeat_ms = int(self.session * 1000), int(self.session * 250)
        if slot.client == "logbook":
            slot.process = subprocess.Popen(
                [MEMBER, "--bootstrap", self.server.address, "--group", GROUP, "--topic", TOPIC, "--kind", self.kind,
                 "--log", slot.path, "--session-ms", str(session_ms), "--heartbeat-ms", str(heartbeat_ms)],
                stderr=self.stderr)
        else:
            slot.process = self.fork(
                churn_members.run_member, slot.path, slot.client, self.server.address, GROUP, TOPIC, self.kind,
                session_ms, heartbeat_ms)
        slot.state = "running"
        self.happened["joined"] += 1

    # What happens to members

    def act(self):
        running = [slot for slot in self.slots if slot.state == "running"]
        if not running:
            return
        slot = self.seeded.choice(running)
        [action] = self.seeded.choices(list(ACTIONS), weights=ACTIONS.values())
        self.happened[action] += 1
        now = time.monotonic()
        if action == "leave":
            slot.process.send_signal(signal.SIGTERM)
            slot.state, slot.until = "leaving", now + LEAVING_SECONDS_MAX
        elif action == "crash":
            self.kill(slot)
        else:
            self.pause(slot, self.session * (1.5 if action == "stop long" else 0.3))

    def kill(self, slot):
        slot.process.send_signal(signal.SIGKILL)
        slot.process.wait(10)
        # It is dead: nothing of it comes after this.
        self.faults.write("killed", member=slot.name)
        self.gone(slot)

    def gone(self, slot):
        slot.state = "gone"
        slot.until = time.monotonic() + self.seeded.uniform(0.1, self.session / 2)

    def pause(self, slot, seconds):
        now = time.monotonic()
        slot.process.send_signal(signal.SIGSTOP)
        slot.state, slot.until = "stopped", now + seconds
        self.faults.write("paused", member=slot.name)

    def look_after(self, slot, starts=True):
        """What has become of a member, and what is due."""
        now = time.monotonic()
        if slot.state == "stopped" and slot.until <= now:
            slot.process.send_signal(signal.SIGCONT)
            slot.state = "running"
            self.faults.write("resumed", member=slot.name)
        if slot.state in ("running", "leaving") and slot.process.poll() is not None:
            status = slot.process.returncode
            # SIGTERM ends at once who has not begun yet.
            has_left = slot.state == "leaving" and (status == 0 or status == -signal.SIGTERM and not slot.has_begun())
            if not has_left:
                self.wrong(f"{slot.name} ended by itself with status {status} while {slot.state}")
            self.gone(slot)
        if slot.state == "leaving" and slot.until <= now:
            self.wrong(f"{slot.name} did not leave within {LEAVING_SECONDS_MAX} s")
            self.kill(slot)
        if slot.state == "gone" and slot.until <= now and starts:
            self.start(slot)

    def go_on(self, seconds, pace):
        """`pace` is the mean time between two actions."""
        until = time.monotonic() + seconds
        next_at = time.monotonic() + self.session / 2
        while time.monotonic() < until:
            for slot in self.slots:
                self.look_after(slot)
            if next_at <= time.monotonic():
                self.act()
                next_at = time.monotonic() + self.seeded.expovariate(1 / pace)
            time.sleep(0.02)

    # The end

    def history(self):
        return churn_log.read(self.directory, self.kind, self.session)

    def catch_up(self, producer):
        """Lets those who are there read to the end, and commit it."""
        deadline = time.monotonic() + CATCH_UP_SECONDS_MAX
        while time.monotonic() < deadline:
            for slot in self.slots:
                self.look_after(slot, starts=False)
            if producer.poll() is None:
                time.sleep(0.05)
                continue
            history = self.history()
            committed = Counter()
            for lines in history.members.values():
                for line in lines:
                    if line["event"] == "committed":
                        for partition, offset in line["offsets"]:
                            committed[partition] = max(committed[partition], offset)
            if all(committed[partition] >= end for partition, end in history.ends().items()):
                break
            time.sleep(0.5)
        if producer.poll() != 0:
            self.wrong("the producer failed")

    def stop(self):
        for slot in self.slots:
            if slot.state == "running":
                slot.process.send_signal(signal.SIGTERM)
                slot.state, slot.until = "leaving", time.monotonic() + LEAVING_SECONDS_MAX
        while any(slot.state == "leaving" for slot in self.slots):
            for slot in self.slots:
                self.look_after(slot, starts=False)
            time.sleep(0.02)

    def end_all(self):
        for slot in self.slots:
            if slot.process is not None and slot.process.poll() is None:
                slot.process.send_signal(signal.SIGKILL)
                slot.process.wait(10)


def run(kind, options, directory) -> tuple[churn_check.Verdict, Counter]:
    """One run with a broker of its own."""
    (directory / "members").mkdir(parents=True)
    server = Server(
        directory / "data", group_min_session_timeout_ms=1000, group_initial_rebalance_delay_ms=500,
        group_consumer_session_timeout_ms=int(options.session * 1000),
        group_consumer_heartbeat_interval_ms=int(options.session * 250))
    server.start()
    churn = Churn(kind, options.members, options.session, directory, server, random.Random(options.seed))
    producer = None
    try:
        assert churn.fork(churn_members.make_topic, server.address, TOPIC, PARTITIONS).wait(60) == 0
        producer = churn.fork(
            churn_members.run_producer, directory / "producer.jsonl", server.address, TOPIC, PARTITIONS, options.rate)
        churn.go_on(options.seconds, options.pace)
        producer.send_signal(signal.SIGTERM)
        churn.catch_up(producer)
        churn.stop()
        asked = directory / "offsets.jsonl"
        if churn.fork(churn_members.read_offsets, asked, server.address, GROUP, TOPIC, PARTITIONS).wait(60) != 0:
            churn.wrong("nobody could ask for the committed offsets")
        server.stop()
    finally:
        # Leaves no process behind, whatever has happened.
        churn.end_all()
        for process in (producer, server.process if server.is_running() else None):
            if process:
                process.send_signal(signal.SIGKILL)
    return churn_check.check(churn.history()), churn.happened


TABLE = [
    "| group | seconds | joined | left | crashed | stood still (of these beyond the session) | generations | records "
    "| read again | moved | stayed | stopped without moving | given up and got back | expelled | longest gap s |",
    "|---|" + "---:|" * 14,
]


def row(kind, options, figures, happened) -> str:
    stood = happened["stop long"] + happened["stop briefly"]
    cells = [
        kind, options.seconds, happened["joined"], happened["leave"], happened["crash"],
        f"{stood} ({happened['stop long']})", figures["generations"], figures["records"], figures["again"],
        figures["moves"], figures["kept"], figures["stops"], figures["returned"], figures["expelled"],
        f"{figures['longest gap']:.1f}",
    ]
    return "| " + " | ".join(str(cell) for cell in cells) + " |"


def write(rows, options):
    """Puts the table into Docs/GROUPS.md, in place of the one that is there."""
    path = ROOT / "Docs" / "GROUPS.md"
    head, marker, tail = path.read_text().partition("<!-- churn -->\n")
    _, end, rest = tail.partition("<!-- /churn -->")
    about = (
        f"{options.members} members, {options.rate} records a second, sessions of {options.session:g} s, "
        f"seed {options.seed}:")
    path.write_text(head + marker + "\n".join([about, "", *TABLE, *rows]) + "\n" + end + rest)


def parse():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--seconds", type=int, default=180, help="of each kind of group")
    arguments.add_argument("--kinds", default=",".join(KINDS), help="cooperative, eager, consumer")
    arguments.add_argument("--members", type=int, default=20)
    arguments.add_argument("--session", type=float, default=6, help="a member's session in seconds")
    arguments.add_argument("--pace", type=float, default=1.5, help="mean seconds from one member's fate to the next")
    arguments.add_argument("--rate", type=int, default=2000, help="records a second")
    arguments.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    arguments.add_argument("--keep", action="store_true", help="keep the logs, also where nothing is wrong")
    arguments.add_argument("--write", action="store_true", help="put the result into Docs/GROUPS.md")
    return arguments.parse_args()


def main() -> int:
    options = parse()
    print(f"churn: seed {options.seed}", flush=True)
    if not MEMBER.exists():
        print(f"churn: there is no {MEMBER}; build it with: swift build -c release --product group-member", file=sys.stderr)
        return 2
    root = Path(tempfile.mkdtemp(prefix="logbook-churn-"))
    rows, wrongs = [], []
    print("\n".join(TABLE), flush=True)
    for kind in options.kinds.split(","):
        verdict, happened = run(kind, options, root / kind)
        rows.append(row(kind, options, verdict.figures, happened))
        print(rows[-1], flush=True)
        wrongs += [f"{kind}: {line}" for line in verdict.wrong]
        if kind == "eager" and options.seconds >= LONG_SECONDS and verdict.figures["longest gap"] <= options.session / 2:
            wrongs.append("eager: nothing stood still for half a session: the bound for the other groups tells nothing")
    for line in wrongs:
        print(f"churn: {line}", file=sys.stderr)
    if wrongs or options.keep:
        print(f"churn: the logs are in {root}", file=sys.stderr)
    else:
        shutil.rmtree(root)
    if options.write and not wrongs:
        write(rows, options)
    return 1 if wrongs else 0


if __name__ == "__main__":
    sys.exit(main())
