"""What the logs of a churn run prove: whether each record was processed, and who had which partition when."""

import bisect
from collections import defaultdict
from dataclasses import dataclass

from churn_log import FOREVER, History, Tenure

# Wrongs are told of each kind; so many say enough.
TOLD_MAX = 5
# A partition that stays may stand still for half a session, and this at least: the machine has other things to do.
STANDSTILL_SECONDS_MAX = 3


@dataclass
class Verdict:
    wrong: list[str]
    figures: dict[str, float]


class Check:
    """Goes through a history; `wrong` and `figures` are what it found."""

    def __init__(self, history: History):
        self.history = history
        self.found = defaultdict(list)
        self.figures = {}
        self.tenures: list[Tenure] = []
        # Who had a partition in a generation.
        self.holders = defaultdict(set)
        self.pauses = defaultdict(list)
        for line in history.faults:
            if line["event"] == "paused":
                self.pauses[line["member"]].append((line["t"], FOREVER))
            elif line["event"] == "resumed":
                self.pauses[line["member"]][-1] = (self.pauses[line["member"]][-1][0], line["t"])
        # Acknowledgements of the producer, by partition: times, and how many records there were then.
        self.fed = defaultdict(lambda: ([], []))
        for line in history.producer:
            if line["event"] == "acknowledged":
                for partition, end in line["ends"]:
                    self.fed[partition][0].append(line["t"])
                    self.fed[partition][1].append(end)

    def verdict(self) -> Verdict:
        killed = {line["member"]: line["t"] for line in self.history.faults if line["event"] == "killed"}
        for name, lines in [("producer", self.history.producer), ("faults", self.history.faults)]:
            self.look_for_wrong(name, lines)
        for member, lines in self.history.members.items():
            self.follow(member, lines, killed.get(member))
        self.check_generations()
        by_partition = defaultdict(list)
        for tenure in self.tenures:
            by_partition[tenure.partition].append(tenure)
        self.figures |= {"moves": 0, "stops": 0, "returned": 0}
        for tenures in by_partition.values():
            tenures.sort(key=lambda tenure: tenure.start)
            self.check_overlaps(tenures)
            self.check_stays(tenures)
        self.check_gaps(by_partition)
        self.check_records()
        self.check_commits()
        self.check_committers(by_partition)
        self.count()
        wrong = []
        for kind, lines in self.found.items():
            wrong += lines[:TOLD_MAX]
            if len(lines) > TOLD_MAX:
                wrong.append(f"{kind}: {len(lines)} in all")
        return Verdict(wrong, self.figures)

    def look_for_wrong(self, name, lines):
        self.found["said by a process"] += [f"{name}: {line['what']}" for line in lines if line["event"] == "wrong"]

    # What a member had

    def follow(self, member, lines, killed):
        """Makes tenures of one process's log, and checks that it kept to them."""
        self.look_for_wrong(member, lines)
        has: dict[int, Tenure] = {}
        for line in lines:
            event, time = line["event"], line["t"]
            if event == "assigned":
                for partition in line["partitions"]:
                    if partition in has:
                        self.found["given twice"].append(f"{member} was given {partition} that it has, at {time:.3f}")
                        continue
                    has[partition] = Tenure(member, partition, time, line["generation"], line["generation"])
                    self.tenures.append(has[partition])
            elif event in ("revoked", "lost"):
                for partition in line["partitions"]:
                    if tenure := has.pop(partition, None):
                        tenure.end, tenure.ending = time, event
            elif event == "processed":
                self.process(member, has, line)
            if event in ("assigned", "revoked") and line["generation"] >= 0:
                for partition, tenure in has.items():
                    self.holders[partition, line["generation"]].add(member)
                    tenure.is_held_in(line["generation"])
        stopped = next((line["t"] for line in lines if line["event"] == "stopped"), None)
        for tenure in has.values():
            if killed is not None:
                tenure.end, tenure.ending = killed, "killed"
            elif stopped is not None:
                tenure.end, tenure.ending = stopped, "stopped"

    def process(self, member, has, line):
        for partition, first, last in line["records"]:
            tenure = has.get(partition)
            if tenure is None:
                self.found["processed without having it"].append(
                    f"{member} processed {partition}@{first} at {line['t']:.3f} without having the partition")
                continue
            if tenure.runs and tenure.runs[-1][2] + 1 != first:
                self.found["out of order"].append(
                    f"{member} processed {partition}@{first} right after {partition}@{tenure.runs[-1][2]}")
            tenure.runs.append((line["t"], first, last))
            # A member of KIP-848 stays in its epoch until it has given up what it is to give up; in a classic group
            # the generation comes before its assignment.
            if self.history.kind == "consumer":
                tenure.is_held_in(line["generation"])

    # Owners

    def check_generations(self):
        for (partition, generation), members in sorted(self.holders.items()):
            if len(members) > 1:
                self.found["two owners in a generation"].append(
                    f"{partition} has two owners in generation {generation}: {', '.join(sorted(members))}")

    def may_be_taken_over(self, tenure, time):
        """Whether a member may have been taken for dead by then. One that was stopped has half a session at least; of
        others it is known only that they were told afterwards."""
        for start, until in self.pauses[tenure.member]:
            if until - start >= self.history.session / 2 and start + self.history.session / 2 <= time:
                return True
        return tenure.ending == "lost"

    def is_stale(self, tenure):
        """Whether a member that stood still took over an assignment of before, and then heard that it was out."""
        return tenure.ending == "lost" and any(
            until - start >= self.history.session / 2 and start <= tenure.start <= until + 1
            for start, until in self.pauses[tenure.member])

    def check_overlaps(self, tenures):
        for index, second in enumerate(tenures):
            for first in tenures[:index]:
                if first.end <= second.start or first.member == second.member:
                    continue
                if self.may_be_taken_over(first, second.start) or self.is_stale(second):
                    continue
                self.found["two owners at once"].append(
                    f"{first.partition} went to {second.member} at {second.start:.3f} while {first.member} "
                    f"had it until {first.end:.3f}")

    # Partitions that stay

    def has_returned(self, before, after):
        """Whether a partition that its member gave up was to be another's, or nobody's, in a generation in between. In
        an eager group everything is given up, and members miss generations that others end early: it has stayed."""
        return self.history.moves_only_what_must and after.first_generation > before.generation + 1

    def check_stays(self, tenures):
        """A member that had a partition in one generation and has it in the next must not have given it up between."""
        for before, after in zip(tenures, tenures[1:]):
            if before.member != after.member:
                self.figures["moves"] += 1
            elif before.ending == "revoked":
                if self.has_returned(before, after):
                    self.figures["returned"] += 1
                    continue
                self.figures["stops"] += 1
                if self.history.moves_only_what_must:
                    self.found["stopped"].append(
                        f"{before.partition} stays with {before.member} from generation {before.generation} to "
                        f"{after.first_generation}, and yet was revoked at {before.end:.3f}")

    def fed_at(self, partition, offset):
        """When the record of this offset was there to be read."""
        times, ends = self.fed[partition]
        place = bisect.bisect_right(ends, offset)
        return times[place] if place < len(times) else FOREVER

    def was_paused(self, member, start, end):
        return any(start <= until + 1 and paused <= end for paused, until in self.pauses[member])

    def gaps(self, stay):
        """How long records lay there while one member had the partition. The first record is not looked at: to find
        out where to begin takes time."""
        runs = [run for tenure in stay for run in tenure.runs]
        for before, after in zip(runs, runs[1:]):
            yield max(before[0], self.fed_at(stay[0].partition, after[1])), after[0]
        if runs and stay[-1].end < FOREVER:
            yield max(runs[-1][0], self.fed_at(stay[0].partition, runs[-1][2] + 1)), stay[-1].end

    def check_gaps(self, by_partition):
        bound = max(STANDSTILL_SECONDS_MAX, self.history.session / 2)
        longest = 0.0
        for tenures in by_partition.values():
            for stay in self.stays(tenures):
                for start, end in self.gaps(stay):
                    # Who is killed while it is stopped ends long after its last record.
                    if end <= start or self.was_paused(stay[0].member, start, end):
                        continue
                    longest = max(longest, end - start)
                    if self.history.moves_only_what_must and end - start > bound:
                        self.found["stood still"].append(
                            f"{stay[0].partition} stays with {stay[0].member}, and stood still for "
                            f"{end - start:.1f} s from {start:.3f} on")
        self.figures["longest gap"] = longest

    def stays(self, tenures):
        """Runs of tenures of one member, with nobody's in between."""
        stay = []
        for tenure in tenures:
            if stay and (tenure.member != stay[-1].member or self.has_returned(stay[-1], tenure)):
                yield stay
                stay = []
            stay.append(tenure)
        if stay:
            yield stay

    # Records and commits

    def check_records(self):
        ends = self.history.ends()
        seen = {partition: bytearray(end) for partition, end in ends.items()}
        processed = 0
        for tenure in self.tenures:
            marks = seen.setdefault(tenure.partition, bytearray())
            for _, first, last in tenure.runs:
                processed += last - first + 1
                marks[first:last + 1] = b"\1" * (last + 1 - first)
        for partition, end in sorted(ends.items()):
            missing = end - sum(seen[partition][:end])
            if missing:
                self.found["not processed"].append(
                    f"{missing} records of {partition} were not processed, the first at "
                    f"{seen[partition].index(0)} of {end}")
        distinct = sum(sum(marks) for marks in seen.values())
        self.figures |= {"records": sum(ends.values()), "again": processed - distinct}

    def check_commits(self):
        """No commit is beyond what had been processed by then, and whoever comes next goes on behind it."""
        steps = []
        for tenure in self.tenures:
            steps += [(time, 0, tenure.partition, (first, last)) for time, first, last in tenure.runs]
            if tenure.runs:
                steps.append((tenure.start, 2, tenure.partition, tenure))
        for member, lines in self.history.members.items():
            for line in lines:
                if line["event"] == "committed":
                    steps += [(line["t"], 1, partition, (member, offset)) for partition, offset in line["offsets"]]
        done, spans, stored = defaultdict(int), defaultdict(list), defaultdict(int)
        for time, what, partition, detail in sorted(steps, key=lambda step: step[:2]):
            if what == 0:
                done[partition] = extended(done[partition], spans[partition], *detail)
            elif what == 1:
                member, offset = detail
                if offset > done[partition]:
                    self.found["committed too much"].append(
                        f"{member} committed {offset} of {partition} at {time:.3f}, processed were {done[partition]}")
                stored[partition] = max(stored[partition], offset)
            elif detail.runs[0][1] < stored[partition] and not self.keeps_its_position(detail):
                self.found["commit lost"].append(
                    f"{detail.member} began with {partition}@{detail.runs[0][1]} at {time:.3f}, "
                    f"{stored[partition]} had been committed")
        if self.history.offsets is not None:
            for partition, end in sorted(self.history.ends().items()):
                if self.history.offsets.get(partition) != end:
                    self.found["committed at the end"].append(
                        f"{self.history.offsets.get(partition)} of {partition} is committed at the end, not {end}")

    def keeps_its_position(self, tenure):
        """kafka-python forgets where it was only with the next assignment that it gets: one that has missed a
        generation goes on where it stopped, and does not ask what others have committed meanwhile."""
        return tenure.member.endswith("kafka-python") and any(
            other.runs and other.member == tenure.member and other.partition == tenure.partition
            and other.end <= tenure.start and other.runs[-1][2] + 1 == tenure.runs[0][1] for other in self.tenures)

    def check_committers(self, by_partition):
        """Whoever commits when another has the partition already is to be refused."""
        for member, lines in self.history.members.items():
            for line in lines:
                if line["event"] != "committed" or line.get("sent") is None:
                    continue
                for partition, offset in line["offsets"]:
                    before = [
                        tenure for tenure in by_partition[partition]
                        if tenure.start < line["sent"] and not self.is_stale(tenure)]
                    if before and before[-1].member != member:
                        self.found["committed by another"].append(
                            f"{member} committed {offset} of {partition} at {line['sent']:.3f}, which "
                            f"{before[-1].member} had since {before[-1].start:.3f}")

    def count(self):
        expelled = {
            (tenure.member, tenure.end) for tenure in self.tenures
            if tenure.ending == "lost" and not self.was_paused(tenure.member, tenure.end - 1, tenure.end)}
        self.figures |= {
            "members": len(self.history.members),
            "generations": len({generation for _, generation in self.holders}),
            "kept": sum(tenure.kept for tenure in self.tenures),
            "expelled": len(expelled),
        }


def extended(done, spans, first, last):
    """The first offset that is not processed, once this run is: `spans` are runs ahead of it."""
    spans.append((first, last))
    spans.sort()
    while spans and spans[0][0] <= done:
        done = max(done, spans.pop(0)[1] + 1)
    return done


def check(history: History) -> Verdict:
    return Check(history).verdict()
