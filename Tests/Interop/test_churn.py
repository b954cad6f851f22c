"""A short run of churn.py. `make churn` is the long one; what its checker finds is in test_churn_log.py."""

import subprocess
import sys
from pathlib import Path

import pytest

import churn


@pytest.mark.skipif(not churn.MEMBER.exists(), reason="build it with: swift build -c release --product group-member")
@pytest.mark.parametrize("kind", churn.KINDS)
def test_members_that_join_leave_and_crash_miss_nothing_and_share_nothing(kind):
    # A process of its own: it forks its members, and there must be no client's threads in it.
    command = [
        sys.executable, Path(churn.__file__), "--kinds", kind, "--seconds", "5", "--members", "8", "--session", "2",
        "--pace", "0.5", "--rate", "1000"]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=110)
    assert ended.returncode == 0, ended.stdout + ended.stderr
