#!/usr/bin/env bash
# fuzz.sh SECONDS: fuzzes for so long, from what `mutate --seeds` writes and what earlier runs found.
# fuzz.sh SECONDS FILE: takes in one file, such as a crash that was found.
set -euo pipefail
cd "$(dirname "$0")/../.."

fuzz=.build-fuzz/release/Fuzz
# Swift's own backtrace of a crash takes minutes in an executable of this kind; libFuzzer prints one.
export SWIFT_BACKTRACE=enable=no

if [[ -n "${2:-}" ]]; then
    exec "$fuzz" "$2"
fi

mkdir -p .build-fuzz/corpus .build-fuzz/found
.build/release/mutate --seeds .build-fuzz/seeds
# Inputs stay short: 11 KiB of broken UTF-8 would be decoded as more text than its two bytes of length can say.
# Seeds are changed at their full length from the beginning (len_control).
if ! "$fuzz" -max_total_time="$1" -max_len=4096 -len_control=0 -timeout=10 -rss_limit_mb=2048 -malloc_limit_mb=256 -print_final_stats=1 \
    -dict=Tests/Fuzz/fuzz.dict -artifact_prefix=.build-fuzz/found/ .build-fuzz/corpus .build-fuzz/seeds \
    >.build-fuzz/log 2>&1; then
    grep -aE 'Fatal error|ERROR|SUMMARY|^ +#[0-9]+ ' .build-fuzz/log | head -40 >&2
    found=$(grep -aoE '\.build-fuzz/found/[a-z]+-[0-9a-f]+' .build-fuzz/log | tail -1)
    echo "to see it again: make fuzz INPUT=$found   (all that was said: .build-fuzz/log)" >&2
    exit 1
fi
grep -aE 'Done|DONE' .build-fuzz/log
