"""The logs of a churn run, and what a member had when.

A member's log has these lines, each with a time `t`:

    started    client, pid
    assigned   partitions, generation         what came, once the member has it
    revoked    partitions, generation         what goes, before the member gives it up
    lost       partitions, generation         what the member was told that it had lost
    processed  records, generation            [partition, first offset, last offset] of each run of records
    committed  offsets, sent                  [partition, offset], as the coordinator acknowledged them; when they were
                                              handed in, where that is known
    refused    what                           a commit that failed, which is allowed
    wrong      what                           what must not be
    stopped    client                         it has left

The producer's has `acknowledged` with `ends`, that of the faults `killed`, `paused` and `resumed` with `member`.
"""

import json
from dataclasses import dataclass, field
from pathlib import Path

FOREVER = float("inf")


@dataclass
class Tenure:
    """One member has one partition: from `assigned` until it is revoked or lost, or the process ends."""

    member: str
    partition: int
    start: float
    # The last generation in which the member is known to have it.
    generation: int
    first_generation: int = 0
    end: float = FOREVER
    ending: str = "open"
    # (time, first offset, last offset)
    runs: list = field(default_factory=list)
    # How often a generation has come and the partition has stayed.
    kept: int = 0

    def is_held_in(self, generation):
        if generation > self.generation:
            self.generation, self.kept = generation, self.kept + 1


@dataclass
class History:
    """The logs of a run. `kind` is cooperative, eager or consumer; `session` the seconds of a member's session."""

    kind: str
    session: float
    members: dict[str, list[dict]]
    producer: list[dict]
    faults: list[dict] = field(default_factory=list)
    # The offsets that the group has at the end; none where nobody asked.
    offsets: dict[int, int] | None = None

    @property
    def moves_only_what_must(self):
        return self.kind != "eager"

    def ends(self):
        """How many records of each partition were acknowledged."""
        ends = {}
        for line in self.producer:
            if line["event"] == "acknowledged":
                ends |= dict(line["ends"])
        return ends


def read_lines(path: Path) -> list[dict]:
    """A line that is not whole was on its way when the process was killed."""
    return [json.loads(line) for line in path.read_bytes().split(b"\n")[:-1]] if path.exists() else []


def read(directory: Path, kind: str, session: float) -> History:
    members = {path.stem: read_lines(path) for path in sorted((directory / "members").glob("*.jsonl"))}
    offsets = read_lines(directory / "offsets.jsonl")
    return History(
        kind, session, members, read_lines(directory / "producer.jsonl"), read_lines(directory / "faults.jsonl"),
        dict(offsets[0]["offsets"]) if offsets else None)
