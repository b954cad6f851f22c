#!/usr/bin/env bash
# make phase N: says what to read, runs the phase's suites, then its demo.
set -euo pipefail
cd "$(dirname "$0")/.."

number=${1:-}
chapter=$(printf 'Phases/%02d-*/README.md' "${number:-0}" 2>/dev/null || true)
# The pattern above is expanded here: it names the one chapter of this number.
# shellcheck disable=SC2086
set -- $chapter
if [[ ! $number =~ ^[1-8]$ ]] || [[ ! -f ${1:-} ]]; then
    echo "usage: make phase N, with N one of:" >&2
    for file in Phases/*/README.md; do sed -n '1s/^# //p' "$file" >&2; done
    exit 2
fi
chapter=$1

sed -n '1s/^# //p' "$chapter"
echo "  chapter    $chapter"
for record in ADR/0"$number"*.md; do
    [[ -f $record ]] && echo "  decision   $record"
done

run_suites() {
    # swift test exits 0 when its filter matches nothing, so the number of tests is looked at.
    local log status=0 ran
    log=$(mktemp)
    # shellcheck disable=SC2064
    trap "rm -f '$log'" EXIT
    ${SWIFT:-swift} test --quiet --disable-xctest --filter "^Phase$number[A-Za-z]*Tests\." >"$log" 2>&1 || status=$?
    ran=$(sed -n 's/.*Test run with \([0-9]*\) tests* .*/\1/p' "$log" | tail -n 1)
    if [[ $status -ne 0 ]]; then
        grep -E '✘|error:|↳' "$log" | head -n 60 || cat "$log"
        echo "phase $number: the suites fail" >&2
        exit 1
    fi
    if [[ ${ran:-0} -eq 0 ]]; then
        echo "phase $number: no test ran" >&2
        exit 1
    fi
    echo "  suites     $ran tests passed"
}

# SUITES=no leaves them out, where all suites have just passed.
[[ ${SUITES:-yes} == no ]] || run_suites
echo

${SWIFT:-swift} build -c release --quiet --product "phase$number"
".build/release/phase$number"
