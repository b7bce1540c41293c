#!/usr/bin/env bash
# Provides the real parts of the test cluster: etcd, kube-apiserver, kube-controller-manager and kubectl.
#
# A part that $KUBEBUILDER_ASSETS holds is taken from there. Every other part is built from the Go module proxy,
# once, into $SLUICEGATE_CACHE/kubernetes-<digest of go.sum>/bin (default ~/.cache/sluicegate). A part appears under
# its name only when it is complete, so an interrupted build is continued by the next run.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache=${SLUICEGATE_CACHE:-$HOME/.cache/sluicegate}
kubernetes=$(sed -nE 's/^\t?(require )?k8s\.io\/kubernetes (v[0-9.]+).*/\2/p' "$here/go.mod" | head -n 1)
digest=$(sha256sum "$here/go.sum" | cut -c 1-12)
bin=$cache/kubernetes-$digest/bin

# name, package, how long it takes on two cores with empty caches
parts='etcd go.etcd.io/etcd/server/v3 1.0
kube-apiserver k8s.io/kubernetes/cmd/kube-apiserver 6.5
kube-controller-manager k8s.io/kubernetes/cmd/kube-controller-manager 2.5
kubectl k8s.io/kubernetes/cmd/kubectl 0.6'

missing() {
    while read -r name package minutes; do
        if [ -n "${KUBEBUILDER_ASSETS:-}" ] && [ -x "$KUBEBUILDER_ASSETS/$name" ]; then continue; fi
        if [ ! -x "$bin/$name" ]; then echo "$name $package $minutes"; fi
    done <<<"$parts"
}

if [ -z "$(missing)" ]; then
    echo "The Kubernetes binaries are in ${KUBEBUILDER_ASSETS:-$bin}."
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
echo "Building $(wc -l <<<"$todo") Kubernetes binaries ($kubernetes) into $bin, once."

major=${kubernetes#v}; minor=${major#*.}; minor=${minor%%.*}; major=${major%%.*}
flags='-s -w'
for package in k8s.io/component-base/version k8s.io/client-go/pkg/version; do
    flags+=" -X $package.gitVersion=$kubernetes -X $package.gitMajor=$major -X $package.gitMinor=$minor -X $package.gitTreeState=clean"
done

cd "$here"
start=$SECONDS
while read -r name package minutes; do
    echo "  $name: building (about $minutes min on two cores with empty caches)"
    CGO_ENABLED=0 go build -mod=readonly -buildvcs=false -trimpath -ldflags "$flags" -o "$bin/.$name.partial" "$package" </dev/null
    mv "$bin/.$name.partial" "$bin/$name"
    echo "  $name: done, $((SECONDS - start)) s since the start"
done <<<"$todo"
echo "The Kubernetes binaries are in $bin."
