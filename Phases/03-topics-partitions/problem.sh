#!/usr/bin/env bash
# What chapter 3 begins with: phase 2's server has one topic of one partition, whatever a client wants.
set -eu
cd "$(dirname "$0")/../.."
# The commands run with the server's address in BROKER.
# shellcheck disable=SC2016
.build/release/phase2 '
say() { echo "\$ $1"; eval "$1" 2>&1; }
say "kcat -L -b $BROKER -t orders | grep topic"
say "echo ada:1 | kcat -P -b $BROKER -t demo -p 1 -K: -X topic.metadata.propagation.max.ms=0" || true
'
