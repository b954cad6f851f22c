"""A short run of churn.py. `make churn` is the long one; what its checker finds is in test_churn_check.py."""

import subprocess
import sys
from pathlib import Path

import pytest

import churn


@pytest.mark.skipif(not churn.MEMBER.exists(), reason="build it with: swift build -c release --product group-member")
def test_members_that_join_leave_and_crash_miss_nothing_and_share_nothing():
    # Processes of their own: they fork their members, and there must be no client's threads in them. All kinds of
    # groups at once, as much of the time is waiting.
    command = [
        sys.executable, Path(churn.__file__), "--seconds", "6", "--members", "6", "--session", "2", "--pace", "0.7",
        "--rate", "500", "--kinds"]
    running = {
        kind: subprocess.Popen([*command, kind], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        for kind in churn.KINDS}
    said = {kind: process.communicate(timeout=110)[0] for kind, process in running.items()}
    for kind, process in running.items():
        assert process.returncode == 0, said[kind]
