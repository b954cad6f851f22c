#!/usr/bin/env bash
# What `logbook node` says to four lines.
set -eu
cd "$(dirname "$0")/../.."
lines='{"src":"c1","dest":"n1","body":{"type":"init","msg_id":1,"node_id":"n1","node_ids":["n1"]}}
{"src":"c1","dest":"n1","body":{"type":"partition_append","msg_id":2,"topic":"orders","partition":0,"message":"one"}}
{"src":"c1","dest":"n1","body":{"type":"partition_read","msg_id":3,"topic":"orders","partition":0,"offset":0}}
{"src":"c1","dest":"n1","body":{"type":"partition_read","msg_id":4,"topic":"nowhere","partition":0,"offset":0}}'
echo "\$ logbook node"
# One at a time, each with its answer below it.
coproc node { .build/release/logbook node; }
while read -r line; do
    echo "$line"
    echo "$line" >&"${node[1]}"
    read -r answer <&"${node[0]}"
    # The time of day is another one each time.
    sed 's/"timestamp":[0-9]*/"timestamp":1700000000000/' <<<"$answer"
done <<<"$lines"
