#!/usr/bin/env bash
# Provides the real parts of the test cluster: etcd, kube-apiserver, kubectl and kube-controllers.
#
#   build.sh [PART...]     without a part: all of them
#
# A part that $KUBEBUILDER_ASSETS holds is taken from there. Every other part is built from the Go module proxy, once,
# into $SLUICEGATE_CACHE/kubernetes-<digest of the sources>/bin (default ~/.cache/sluicegate). A part appears under its
# name only when it is complete. An interrupted build is continued by the next run: Go keeps what was compiled.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache=${SLUICEGATE_CACHE:-$HOME/.cache/sluicegate}
kubernetes=$(sed -nE 's/^\t?(require )?k8s\.io\/kubernetes (v[0-9.]+).*/\2/p' "$here/go.mod" | head -n 1)
digest=$(cat "$here/go.sum" "$here/kube-controllers/main.go" | sha256sum | cut -c 1-12)
bin=$cache/kubernetes-$digest/bin

# name, package, how many minutes it takes on two cores after the parts above it
parts='etcd go.etcd.io/etcd/server/v3 0.6
kube-apiserver k8s.io/kubernetes/cmd/kube-apiserver 4
kubectl k8s.io/kubernetes/cmd/kubectl 0.5
kube-controllers sluicegate.dev/tests/cluster/kube-controllers 0.3'

for name in "$@"; do
    grep -q "^$name " <<<"$parts" || { echo "error: there is no part $name; the parts are $(cut -d ' ' -f 1 <<<"$parts" | xargs)" >&2; exit 2; }
done
wanted=${*:-$(cut -d ' ' -f 1 <<<"$parts")}

missing() {
    while read -r name package minutes; do
        if [[ " ${wanted//$'\n'/ } " != *" $name "* ]]; then continue; fi
        if [ -n "${KUBEBUILDER_ASSETS:-}" ] && [ -x "$KUBEBUILDER_ASSETS/$name" ]; then continue; fi
        if [ ! -x "$bin/$name" ]; then echo "$name $package $minutes"; fi
    done <<<"$parts"
}

if [ -z "$(missing)" ]; then
    echo "The Kubernetes binaries are in ${KUBEBUILDER_ASSETS:+$KUBEBUILDER_ASSETS and }$bin."
    exit 0
fi

command -v go >/dev/null || { echo "error: go is missing; it builds the Kubernetes binaries of the test cluster" >&2; exit 1; }
mkdir -p "$bin"
exec 9>"$bin/.lock"
if ! flock --nonblock 9; then
    echo "Another build of the Kubernetes binaries is under way; waiting for it."
    flock 9
fi

todo=$(missing)
if [ -z "$todo" ]; then
    echo "The Kubernetes binaries are in $bin."
    exit 0
fi

# The compiler writes no debug information, which the linker would drop, and spreads no package over threads: the cores
# are busy with packages side by side. Its garbage collector runs less often. What needs the most memory is still the
# linker, two gigabytes for kube-apiserver.
export CGO_ENABLED=0 GOGC=400
major=${kubernetes#v}; minor=${major#*.}; minor=${minor%%.*}; major=${major%%.*}
link='-s -w'
for package in k8s.io/component-base/version k8s.io/client-go/pkg/version; do
    link+=" -X $package.gitVersion=$kubernetes -X $package.gitMajor=$major -X $package.gitMinor=$minor -X $package.gitTreeState=clean"
done
flags=(-mod=readonly -buildvcs=false -trimpath '-gcflags=all=-dwarf=false -c=1' "-ldflags=$link")

since_the_start() { printf '%d:%02d min since the start' $((SECONDS / 60)) $((SECONDS % 60)); }

# Shows how far go is: on a terminal in one line that changes, otherwise in a line every twenty seconds.
# Reads what go says while it works on part $1, of which $2 packages are to be compiled.
follow() {
    local name=$1 total=$2 compiled=0 fetched=0 line='' begun='' status shown=$SECONDS period=20 state
    if [ -t 1 ]; then period=1; fi
    while true; do
        status=0
        IFS= read -r -t 1 line || status=$?
        if [ "$status" -gt 128 ]; then
            begun+=$line # a second without a whole line
        elif [ "$status" -gt 0 ]; then
            break
        else
            line=$begun$line begun=''
            case $line in
                'go: downloading '*) fetched=$((fetched + 1)) ;;
                *[[:space:]]* | '#'*) printf '%s\n' "$line" >&2 ;; # a complaint
                *) compiled=$((compiled + 1)) ;;
            esac
        fi
        if [ $((SECONDS - shown)) -lt "$period" ]; then continue; fi
        shown=$SECONDS
        if [ "$total" -eq 0 ]; then
            state="$fetched modules fetched"
        elif [ "$compiled" -lt $((total - 1)) ]; then
            state="$compiled of $total packages compiled"
        else
            state='linking' # go names the main package only if it is compiled anew
        fi
        if [ -t 1 ]; then
            printf '\r  %s: %s, %s\033[K' "$name" "$state" "$(since_the_start)"
        else
            printf '  %s: %s, %s\n' "$name" "$state" "$(since_the_start)"
        fi
    done
    if [ -t 1 ]; then printf '\r\033[K'; fi
}

cd "$here"
SECONDS=0
count=$(wc -l <<<"$todo")
total=$(awk '{ sum += $3 } END { printf "%.0f", sum < 1 ? 1 : sum }' <<<"$todo")
echo "Building Kubernetes binaries ($kubernetes) into $bin, once; about $total min on two cores with empty caches."
cut -d ' ' -f 2 <<<"$todo" | xargs go list -deps 2>&1 >/dev/null | follow 'the sources' 0
number=0
while read -r name package minutes; do
    number=$((number + 1))
    echo "  part $number of $count: $name, about $minutes min"
    stale=$(go list -deps -f '{{if .Stale}}{{.ImportPath}}{{end}}' "${flags[@]}" "$package" </dev/null | wc -l)
    go build -v "${flags[@]}" -o "$bin/.$name.partial" "$package" 2>&1 </dev/null | follow "$name" "$stale"
    mv "$bin/.$name.partial" "$bin/$name"
    echo "  part $number of $count: $name is done, $(since_the_start)"
done <<<"$todo"
echo "The Kubernetes binaries are in $bin."
