#!/usr/bin/env bash
# What chapter 4 begins with: two consumers of phase 3's node both read everything, and a third one begins again.
set -eu
cd "$(dirname "$0")/../.."
# The commands run with the server's address in BROKER.
# shellcheck disable=SC2016
.build/release/phase3 '
logbook() { .build/release/logbook "$@"; }
say() { echo "\$ $1"; eval "$1" 2>&1; }
say "logbook topic create orders -p 2 -b $BROKER"
say "seq 4 | kcat -P -b $BROKER -t orders -p 0 && seq 5 8 | kcat -P -b $BROKER -t orders -p 1"
for consumer in one two; do
    say "kcat -C -b $BROKER -t orders -e -q | sort | xargs echo $consumer:"
done
say "kcat -C -b $BROKER -t orders -e -q | sort | xargs echo one, after a restart:"
'
