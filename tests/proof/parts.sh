#!/usr/bin/env bash
# Runs the parts of a proof one after the other and says how far it is and what each took.
#
#     tests/proof/parts.sh MINUTES TITLE COMMAND [TITLE COMMAND]...
#
# It stops at the first part that fails, with its exit code. The last line of a whole run says how long it took, and
# whether that was more than MINUTES, the time that it is meant to take: nothing fails for it.
set -uo pipefail

limit=$1
shift
total=$(($# / 2))
titles=() seconds=()

# 75 -> "1 min 15 s"
told() { if [ "$1" -lt 60 ]; then echo "$1 s"; else echo "$(($1 / 60)) min $(($1 % 60)) s"; fi; }

table() {
    local part
    for part in "${!titles[@]}"; do printf '  %-44s %s\n' "${titles[$part]}" "$(told "${seconds[$part]}")"; done
}

SECONDS=0
while [ $# -ge 2 ]; do
    printf '\033[1m==> Part %d of %d, after %s: %s\033[0m\n' "$((${#titles[@]} + 1))" "$total" "$(told $SECONDS)" "$1"
    began=$SECONDS
    bash -euo pipefail -c "$2"
    code=$?
    titles+=("$1")
    seconds+=($((SECONDS - began)))
    if [ $code -ne 0 ]; then
        table
        echo "Part ${#titles[@]} of $total failed after $(told $SECONDS): $1"
        exit $code
    fi
    shift 2
done
table
if [ $SECONDS -gt $((limit * 60)) ]; then
    echo "The whole took $(told $SECONDS): more than the $limit min that it is meant to take."
else
    echo "The whole took $(told $SECONDS), of $limit min that it is meant to take."
fi
