#!/usr/bin/env bash
# Builds the container image with buildah and needs no image registry: the static binary is compiled on this machine and
# put beside the certificates of this machine.
#
#   deploy/image/build.sh [IMAGE]          default: sluicegate:VERSION
#
# Environment:
#   BINARY            take this static binary and compile nothing
#   CARGO_TARGET_DIR  where cargo builds (default: target)
#   CA_BUNDLE         certificates to trust (default: /etc/ssl/certs/ca-certificates.crt)
#   ARCHIVE           write the image to this file as an OCI archive too
set -euo pipefail
cd "$(dirname "$0")/../.."

version="$(sed -n '/^\[workspace.package\]/,/^\[/s/^version = "\(.*\)"/\1/p' Cargo.toml)"
image="${1:-sluicegate:$version}"
ca_bundle="${CA_BUNDLE:-/etc/ssl/certs/ca-certificates.crt}"

command -v buildah >/dev/null || { echo "buildah is missing: apt-get install -y buildah" >&2; exit 1; }
[ -r "$ca_bundle" ] || { echo "no certificates at $ca_bundle: apt-get install -y ca-certificates" >&2; exit 1; }

if [ -z "${BINARY:-}" ]; then
  host="$(rustc -vV | sed -n 's/^host: //p')"
  RUSTFLAGS="-C target-feature=+crt-static" \
    cargo build --release --locked --package sluicegate --bin sluicegate --target "$host"
  BINARY="${CARGO_TARGET_DIR:-target}/$host/release/sluicegate"
fi
if ldd "$BINARY" 2>&1 | grep -q '=>'; then
  echo "$BINARY is not static: build it with RUSTFLAGS=\"-C target-feature=+crt-static\"" >&2
  exit 1
fi

context="$(mktemp -d)"
trap 'rm -rf "$context"' EXIT
install -D -m 0755 "$BINARY" "$context/sluicegate"
install -D -m 0644 "$ca_bundle" "$context/etc/ssl/certs/ca-certificates.crt"

# chroot and vfs: they work for root inside a container and without user namespaces.
epoch="${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || echo 0)}"
buildah --storage-driver "${STORAGE_DRIVER:-vfs}" build --isolation chroot --timestamp "$epoch" \
  --target prebuilt --file Dockerfile --tag "$image" "$context"
if [ -n "${ARCHIVE:-}" ]; then
  buildah --storage-driver "${STORAGE_DRIVER:-vfs}" push "$image" "oci-archive:$ARCHIVE:$image"
fi
echo "built $image"
