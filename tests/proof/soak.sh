#!/usr/bin/env bash
# The long proof: every story with every fault at each of its points, and many random histories.
#
#     tests/proof/soak.sh [HISTORIES]        20,000 without an argument
#
# It works in pieces and remembers those that are done for a commit below target/soak, so that a run that was ended goes on
# where it was. When all are done it appends one line to docs/reliability.md, or prints it where the work tree is not the
# commit. It fails when a law was broken.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

histories=${1:-20000}
chunk=1000
shares=10
[[ $histories =~ ^[1-9][0-9]*$ ]] || { echo "error: HISTORIES must be a number above 0, not \"$histories\"" >&2; exit 2; }
unset SLUICEGATE_SEED SLUICEGATE_SEEDS SLUICEGATE_STORY SLUICEGATE_SHARE

# The commit, and a digest of what differs from it among the files that decide what is played.
played_code() {
    local inputs=(src emulator tests deploy Cargo.toml Cargo.lock rust-toolchain.toml)
    git rev-parse --short=12 HEAD
    if [ -n "$(git status --porcelain -- "${inputs[@]}")" ]; then
        { git diff HEAD -- "${inputs[@]}"; git ls-files -z -o --exclude-standard -- "${inputs[@]}" | xargs -0r cat; } |
            sha256sum | cut -c 1-12
    fi
}
code_before=$(played_code)
{ read -r commit; read -r changed || changed=; } <<<"$code_before"
state=${CARGO_TARGET_DIR:-target}/soak/$commit${changed:+-changed-$changed}
mkdir -p "$state"
exec 9>"$state/.lock"
flock --nonblock 9 || { echo "error: another run plays this commit, or one that was ended has not quite ended yet" >&2; exit 1; }
echo "The pieces that are done are kept in $state."

pieces=()
for ((share = 1; share <= shares; share++)); do pieces+=("stories-$share-of-$shares"); done
for ((from = 1; from <= histories; from += chunk)); do
    to=$((from + chunk - 1))
    pieces+=("histories-$from-$((to < histories ? to : histories))")
done

# Prints what one piece found: histories, points, violations, seconds. Its whole output stays beside it.
play() {
    local piece=$1 began=$SECONDS log=$state/$1.log code=0
    case $piece in
        stories-*)
            local share=${piece#stories-}
            SLUICEGATE_SHARE=${share/-of-/\/} cargo test --workspace --locked --quiet --test converges -- --nocapture every_story >"$log" 2>&1 || code=$?
            local points violations
            points=$(sed -nE 's/^([0-9]+) points of [1-9][0-9]* stories.*/\1/p' "$log" | head -n 1)
            violations=$(sed -nE 's/^([0-9]+) violations, the first.*/\1/p' "$log" | head -n 1)
            [ -n "$points" ] && { [ $code -eq 0 ] || [ -n "$violations" ]; } || return 1
            echo "0 $points ${violations:-0} $((SECONDS - began))" ;;
        histories-*)
            SLUICEGATE_SEEDS=${piece#histories-} cargo test --workspace --locked --quiet --test converges -- --nocapture no_random >"$log" 2>&1 || code=$?
            local played broken
            played=$(sed -nE 's/^([0-9]+) random histories, broken.*/\1/p' "$log" | head -n 1)
            broken=$(sed -nE 's/^([0-9]+) histories are broken.*/\1/p' "$log" | head -n 1)
            local range=${piece#histories-}
            [ "${played:-0}" -eq $((${range#*-} - ${range%-*} + 1)) ] && { [ $code -eq 0 ] || [ -n "$broken" ]; } || return 1
            echo "$played 0 ${broken:-0} $((SECONDS - began))" ;;
    esac
}

done_before=0
for index in "${!pieces[@]}"; do
    piece=${pieces[$index]}
    if [ -s "$state/$piece.done" ]; then done_before=$((done_before + 1)); continue; fi
    printf '==> Piece %d of %d, after %d min: %s\n' "$((index + 1))" "${#pieces[@]}" "$((SECONDS / 60))" "$piece"
    found=$(play "$piece") || { tail -n 40 "$state/$piece.log"; echo "error: $piece did not come to its end" >&2; exit 1; }
    [ "$(played_code)" = "$code_before" ] || { echo "error: the work tree was changed while $piece was played" >&2; exit 1; }
    echo "$found" >"$state/.partial" && mv "$state/.partial" "$state/$piece.done"
    echo "    histories, points, violations, seconds: $found"
done
[ "$done_before" -eq 0 ] || echo "$done_before pieces were done by an earlier run."

read -r played points violations seconds < <(cd "$state" && cat "${pieces[@]/%/.done}" |
    awk '{h += $1; p += $2; v += $3; s += $4} END {print h, p, v, s}')
row="| $(date -u +%F) | $commit${changed:+ and changes} | $played | $points | $violations | $seconds |"
echo "$row"
if [ -n "$changed" ]; then
    echo "Not written to docs/reliability.md: the work tree is not the commit."
elif [ -e "$state/told-$histories" ]; then
    echo "It was written to docs/reliability.md before."
else
    echo "$row" >>docs/reliability.md
    touch "$state/told-$histories"
    echo "Written to docs/reliability.md."
fi
[ "$violations" -eq 0 ] || { echo "error: laws were broken; see the logs in $state" >&2; exit 1; }
