#!/usr/bin/env bash
# Writes the output of commands into the documents that show it:
#
#     <!-- transcript: COMMAND -->
#     (a code block, written here)
#     <!-- /transcript -->
#
# `transcripts.sh` writes; `transcripts.sh --check` says which documents are stale. Ports are
# written as PORT, so that a transcript is the same each time.
set -euo pipefail
cd "$(dirname "$0")/.."

stale=0
while IFS= read -r document; do
    fresh=$(mktemp)
    inside=0
    while IFS= read -r line || [[ -n $line ]]; do
        case $line in
        '<!-- transcript: '*' -->')
            command=${line#'<!-- transcript: '}
            command=${command%' -->'}
            printf '%s\n```\n' "$line" >>"$fresh"
            bash -c "$command" 2>&1 | sed -E 's/127\.0\.0\.1:[0-9]+/127.0.0.1:PORT/g' >>"$fresh"
            printf '```\n' >>"$fresh"
            inside=1
            ;;
        '<!-- /transcript -->')
            inside=0
            printf '%s\n' "$line" >>"$fresh"
            ;;
        *) [[ $inside -eq 1 ]] || printf '%s\n' "$line" >>"$fresh" ;;
        esac
    done <"$document"
    if ! cmp -s "$document" "$fresh"; then
        if [[ ${1:-} == --check ]]; then
            echo "$document: a transcript is stale; run make transcripts" >&2
            diff "$document" "$fresh" >&2 || true
            stale=1
        else
            cat "$fresh" >"$document"
            echo "wrote $document"
        fi
    fi
    rm -f "$fresh"
done < <(grep -rl --include='*.md' '^<!-- transcript: ' . --exclude-dir=.build --exclude-dir=.venv)
exit $stale
