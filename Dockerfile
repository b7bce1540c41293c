# The image holds two files: the static binary and the certificates it trusts.
#
#   --target image      (default) compiles in the builder image
#   --target prebuilt   takes both files from the context: for machines that reach no image registry, see
#                       deploy/image/build.sh
ARG BUILDER=docker.io/library/rust:1.95-bookworm

FROM ${BUILDER} AS build
WORKDIR /src
COPY . .
# The target is named so that the flag reaches the binary and not the build scripts and macros.
ENV RUSTFLAGS="-C target-feature=+crt-static"
RUN host="$(rustc -vV | sed -n 's/^host: //p')" \
 && cargo build --release --locked --package sluicegate --bin sluicegate --target "$host" \
 && install -D -m 0755 "target/$host/release/sluicegate" /out/sluicegate \
 && install -D -m 0644 /etc/ssl/certs/ca-certificates.crt /out/etc/ssl/certs/ca-certificates.crt

FROM scratch AS base
LABEL org.opencontainers.image.title="sluicegate" \
      org.opencontainers.image.description="Kubernetes operator for Amazon Managed Service for Apache Flink" \
      org.opencontainers.image.licenses="Apache-2.0"
USER 65532:65532
EXPOSE 8080
ENTRYPOINT ["/sluicegate"]
CMD ["run"]

FROM base AS prebuilt
COPY . /

FROM base AS image
COPY --from=build /out/ /
