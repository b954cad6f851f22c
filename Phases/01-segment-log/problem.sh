#!/usr/bin/env bash
# What chapter 1 begins with: a log that is just a file, and a crash.
set -eu
cd "$(mktemp -d)"
say() { echo "\$ $1"; eval "$1"; }
say "printf 'record 1\nrecord 2\nrecord 3\n' > log"
say "truncate -s 23 log                 # the power fails: the last bytes had not reached the disk"
say "printf 'record 4\n' >> log         # the next start goes on where the file ends"
say "cat log"
