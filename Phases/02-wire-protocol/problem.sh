#!/usr/bin/env bash
# What chapter 2 begins with: a client asks, and nobody is there. Nothing listens on port 1.
set -eu
echo '$ kcat -L -b 127.0.0.1:1'
kcat -L -b 127.0.0.1:1 -m 2 2>&1 | sed -n 's/^% ERROR: \(.*\) (Are the.*/% ERROR: \1/p'
