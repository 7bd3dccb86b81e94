FROM rust:1.95-bookworm AS builder
WORKDIR /build
COPY Cargo.toml Cargo.lock ./
COPY .cargo .cargo
COPY src src
COPY migrations migrations
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/build/target \
    cargo build --locked --release --bins \
    && install -D -t /out target/release/paystand-sync target/release/paystand-sandbox

FROM debian:bookworm-slim
# Without certificates no TLS client can be built, not even one for plain http.
COPY --from=builder /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=builder /out/ /usr/bin/
# Nothing is written: the root file system may be read-only. The database comes from DATABASE_URL or a secret file.
USER 10001:10001
WORKDIR /
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s --retries=3 \
    CMD ["/usr/bin/paystand-sync", "check", "--live"]
ENTRYPOINT ["/usr/bin/paystand-sync"]
CMD ["run"]
