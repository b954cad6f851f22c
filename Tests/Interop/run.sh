#!/usr/bin/env bash
# Tests the broker with real clients. LOGBOOK names the binary, from the repository's root if the path
# is relative (.build/release/logbook); further arguments go to pytest: Tests/Interop/run.sh -k kill
# With --soak first it runs soak.py instead, with --churn churn.py.
set -euo pipefail

here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
root="$(cd "$here/../.." && pwd)"
export LOGBOOK="${LOGBOOK:-.build/release/logbook}"
cd "$root"

fail() {
    echo "Tests/Interop/run.sh: $1" >&2
    exit 2
}
[[ -x "$LOGBOOK" ]] || fail "there is no $LOGBOOK; build it with: swift build -c release"
command -v kcat > /dev/null || fail "kcat is missing; install the Debian package kcat: apt-get install kcat"
command -v python3 > /dev/null || fail "python3 is missing; install the Debian packages python3 and python3-venv"

# The stamp is a copy of what was installed, written only once everything is.
stamp=.venv/requirements.stamp
if ! cmp --silent "$here/requirements.txt" "$stamp"; then
    python3 -m venv --clear .venv || fail "cannot make .venv; install the Debian package python3-venv"
    .venv/bin/python -m pip install --quiet --disable-pip-version-check --only-binary=:all: \
        --requirement "$here/requirements.txt"
    cp "$here/requirements.txt" "$stamp"
fi

if [[ "${1:-}" == --soak ]]; then
    shift
    exec .venv/bin/python "$here/soak.py" "$@"
fi
if [[ "${1:-}" == --churn ]]; then
    shift
    exec .venv/bin/python "$here/churn.py" "$@"
fi
exec .venv/bin/python -m pytest --config-file="$here/pytest.ini" "$here" "$@"
