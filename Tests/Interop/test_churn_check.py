"""The checker of churn runs finds what is wrong in logs made by hand, and nothing in those where nothing is."""

import json

import pytest

from churn_check import check
from churn_log import History, read


def at(t, event, **fields):
    return {"t": t, "event": event} | fields


def assigned(t, generation, *partitions):
    return at(t, "assigned", partitions=list(partitions), generation=generation)


def revoked(t, generation, *partitions):
    return at(t, "revoked", partitions=list(partitions), generation=generation)


def lost(t, *partitions):
    return at(t, "lost", partitions=list(partitions), generation=-1)


def processed(t, generation, *runs):
    return at(t, "processed", records=[list(run) for run in runs], generation=generation)


def committed(t, *offsets):
    return at(t, "committed", sent=t - 0.05, offsets=[list(offset) for offset in offsets])


def paused(start, end):
    return [at(start, "paused", member="one"), at(end, "resumed", member="one")]


STOPPED = at(9.9, "stopped", client="one")
# Two records of each of the two partitions at 1, two more at 5.
PRODUCER = [
    at(1, "acknowledged", ends=[[0, 2], [1, 2]]),
    at(5, "acknowledged", ends=[[0, 4], [1, 4]]),
]


def history(kind="cooperative", session=6.0, faults=(), offsets=None, **members):
    return History(kind, session, members, PRODUCER, list(faults), offsets)


def good():
    """One has both partitions; then two comes and gets partition 1, without a word about partition 0."""
    return {
        "one": [
            assigned(0, 1, 0, 1), processed(1.1, 1, (0, 0, 1), (1, 0, 1)), committed(1.2, (0, 2), (1, 2)),
            revoked(3, 2, 1), assigned(3.1, 2), assigned(4, 3), processed(5.1, 3, (0, 2, 3)), committed(5.2, (0, 4)),
            revoked(9, 3, 0), STOPPED,
        ],
        "two": [
            assigned(3.2, 2), assigned(4.1, 3, 1), processed(5.1, 3, (1, 2, 3)), committed(5.2, (1, 4)),
            revoked(9, 3, 1), STOPPED,
        ],
    }


def wrong_of(**what):
    return check(history(**what)).wrong


@pytest.mark.parametrize("kind", ["cooperative", "eager", "consumer"])
def test_nothing_is_wrong_where_nothing_is(kind):
    verdict = check(history(kind, offsets={0: 4, 1: 4}, **good()))
    assert verdict.wrong == []
    assert verdict.figures["records"] == 8 and verdict.figures["again"] == 0
    assert verdict.figures["moves"] == 1 and verdict.figures["stops"] == 0
    # Partition 0 has stayed with its owner through two generations.
    assert verdict.figures["kept"] == 2 and verdict.figures["generations"] == 3


def test_a_record_that_nobody_processed_is_missed():
    logs = good()
    logs["two"][2] = processed(5.1, 3, (1, 2, 2))
    logs["two"][3] = committed(5.2, (1, 3))
    assert wrong_of(kind="eager", **logs) == ["1 records of 1 were not processed, the first at 3 of 4"]


def test_two_owners_in_one_generation_are_found():
    # That they had it one after the other does not excuse it.
    logs = good()
    logs["one"][0:0] = [assigned(0, 1, 0, 1), revoked(0, 1, 0, 1)]
    logs["two"][0:0] = [assigned(-0.5, 1, 1), revoked(-0.4, 1, 1)]
    wrong = wrong_of(kind="eager", **logs)
    assert wrong == ["1 has two owners in generation 1: one, two"]


@pytest.mark.parametrize("kind", ["cooperative", "eager", "consumer"])
def test_two_owners_at_once_are_found_where_no_generation_tells(kind):
    logs = good()
    logs["one"][3] = revoked(4.2, 2, 1)
    logs["one"][4:6] = [assigned(4.3, 3)]
    [line] = [line for line in wrong_of(kind=kind, **logs) if "while" in line]
    assert line == "1 went to two at 4.100 while one had it until 4.200"


def test_a_member_that_crashed_has_its_partitions_until_it_is_dead():
    logs = good()
    logs["one"] = logs["one"][:3]
    logs["two"] = [assigned(4.1, 2, 0, 1), processed(5.1, 2, (0, 2, 3), (1, 2, 3)), revoked(9, 2, 0, 1), STOPPED]
    assert wrong_of(faults=[at(2, "killed", member="one")], **logs) == []
    # It lived until 4.5: the partitions were taken from a member that heard nothing of it.
    assert len(wrong_of(faults=[at(4.5, "killed", member="one")], **logs)) == 2


def test_a_member_that_stood_still_loses_its_partitions_after_its_session_and_not_before():
    logs = good()
    logs["one"] = [*logs["one"][:3], lost(9, 0, 1), STOPPED]
    logs["two"] = [assigned(8, 2, 0, 1), processed(8.1, 2, (0, 2, 3), (1, 2, 3)), revoked(9.5, 2, 0, 1), STOPPED]
    assert wrong_of(faults=paused(1.5, 8.9), **logs) == []
    # It never hears of it, but stood still for long enough.
    logs["one"][3] = revoked(9, 1, 0, 1)
    assert wrong_of(faults=paused(1.5, 8.9), **logs) == []
    # It stood still only shortly before.
    assert len([line for line in wrong_of(faults=paused(7.5, 11), **logs)
                if "while" in line]) == 2
    assert len([line for line in wrong_of(**logs) if "while" in line]) == 2


@pytest.mark.parametrize("kind", ["cooperative", "consumer"])
def test_a_partition_that_does_not_move_and_is_stopped_is_found(kind):
    logs = good()
    logs["one"][5:6] = [revoked(3.9, 2, 0), assigned(4, 3, 0)]
    assert wrong_of(kind=kind, **logs) == [
        "0 stays with one from generation 2 to 3, and yet was revoked at 3.900"]
    # An eager rebalance is like that.
    verdict = check(history("eager", **logs))
    assert verdict.wrong == [] and verdict.figures["stops"] == 1


def test_a_member_that_stood_still_may_take_over_an_assignment_of_before_until_it_hears():
    logs = good()
    logs["three"] = [assigned(6, 2, 1), lost(6.2, 1), STOPPED]
    faults = [at(0.5, "paused", member="three"), at(5.9, "resumed", member="three")]
    assert wrong_of(faults=faults, **logs) == []
    assert "1 went to three at 6.000 while two had it until 9.000" in wrong_of(**logs)


def test_a_partition_that_was_to_move_may_come_back():
    logs = good()
    # In generation 3 it is nobody's; whoever was to have it is gone before the next.
    logs["one"][5:6] = [revoked(3.9, 3, 0), assigned(4, 4, 0)]
    verdict = check(history(**logs))
    assert verdict.wrong == [] and verdict.figures["returned"] == 1 and verdict.figures["stops"] == 0


@pytest.mark.parametrize("kind", ["cooperative", "consumer"])
def test_a_partition_that_stays_and_stands_still_is_found(kind):
    logs = good()
    logs["one"][6:8] = [processed(8.6, 3, (0, 2, 3)), committed(8.7, (0, 4))]
    # There was nothing to read before 5: that does not count.
    assert wrong_of(kind=kind, **logs) == ["0 stays with one, and stood still for 3.6 s from 5.000 on"]
    verdict = check(history("eager", **logs))
    assert verdict.wrong == [] and 3.5 < verdict.figures["longest gap"] < 3.7
    # The member itself was stopped.
    assert wrong_of(kind=kind, faults=paused(5, 8.5), **logs) == []


def test_a_partition_that_never_goes_on_is_found():
    logs = good()
    logs["one"][6:8] = []
    wrong = wrong_of(**logs)
    assert "0 stays with one, and stood still for 4.0 s from 5.000 on" in wrong
    assert "2 records of 0 were not processed, the first at 2 of 4" in wrong


def test_what_is_processed_after_it_was_given_up_is_found():
    logs = good()
    logs["one"].insert(5, processed(3.5, 2, (1, 2, 2)))
    assert wrong_of(**logs) == ["one processed 1@2 at 3.500 without having the partition"]


def test_records_that_are_passed_over_or_come_again_are_found():
    logs = good()
    logs["one"].insert(2, processed(1.15, 1, (0, 0, 1)))
    assert wrong_of(**logs) == ["one processed 0@0 right after 0@1"]
    logs = good()
    logs["two"][2] = processed(5.1, 3, (1, 2, 2), (1, 4, 4))
    assert "two processed 1@4 right after 1@2" in wrong_of(**logs)


def test_a_commit_beyond_what_was_processed_is_found():
    logs = good()
    logs["one"][2] = committed(1.2, (0, 2), (1, 3))
    assert "one committed 3 of 1 at 1.200, processed were 2" in wrong_of(**logs)


def test_a_commit_that_was_acknowledged_and_is_lost_is_found():
    logs = good()
    logs["two"][2] = processed(5.1, 3, (1, 1, 3))
    assert wrong_of(**logs) == ["two began with 1@1 at 4.100, 2 had been committed"]
    assert wrong_of(offsets={0: 4, 1: 3}, **good()) == ["3 of 1 is committed at the end, not 4"]


def test_a_commit_of_a_member_that_is_no_longer_the_owner_is_found():
    logs = good()
    logs["one"] = [*logs["one"][:3], committed(9, (1, 2)), lost(9.1, 0, 1), STOPPED]
    logs["two"] = [assigned(8, 2, 0, 1), processed(8.1, 2, (0, 2, 3), (1, 2, 3)), revoked(9.5, 2, 0, 1), STOPPED]
    stood_still = paused(1.5, 8.9)
    assert wrong_of(faults=stood_still, **logs) == ["one committed 2 of 1 at 8.950, which two had since 8.000"]
    # It was on its way before.
    logs["one"][3]["sent"] = 1.4
    assert wrong_of(faults=stood_still, **logs) == []


def test_what_a_process_says_is_wrong_counts():
    logs = good()
    logs["two"].insert(0, at(0, "wrong", what="something"))
    assert wrong_of(**logs) == ["two: something"]
    assert wrong_of(faults=[at(0, "wrong", what="it ended by itself")], **good()) == ["faults: it ended by itself"]


def test_a_line_that_a_killed_process_has_not_finished_is_passed_over(tmp_path):
    (tmp_path / "members").mkdir()
    lines = b"".join(json.dumps(line).encode() + b"\n" for line in good()["one"])
    (tmp_path / "members" / "one.jsonl").write_bytes(lines + b'{"t": 9.95, "ev')
    assert read(tmp_path, "cooperative", 6).members == {"one": good()["one"]}
