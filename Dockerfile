# The API as one process on an embedded database, for users without Rust: `docker build -t messaging .`. compose.yaml runs it
# with DynamoDB Local. Both base images are build arguments, for your own registry and for builds without a registry.
ARG BUILD_IMAGE=docker.io/library/rust:1.95-bookworm
ARG RUNTIME_IMAGE=gcr.io/distroless/cc-debian12

FROM ${BUILD_IMAGE} AS build
# A profile of Cargo.toml: `server` makes a fast binary and compiles slowly, `dev` makes a slow one and compiles faster.
ARG PROFILE=server
WORKDIR /src
COPY . .
# The registry and the compiled dependencies are cached between builds, so a change of the sources compiles only this
# workspace. The cache is not part of the image, so the binary is copied out of it.
RUN --mount=type=cache,target=/usr/local/cargo/registry,id=messaging-registry \
    --mount=type=cache,target=/src/target,id=messaging-target,sharing=locked \
    cargo build --locked --workspace --bin local --profile "$PROFILE" \
    && mkdir -p /image/root/data \
    && cp "target/$([ "$PROFILE" = dev ] && echo debug || echo "$PROFILE")/local" /image/

FROM ${RUNTIME_IMAGE}
COPY --from=build /image/local /usr/local/bin/
COPY NOTICE LICENSE-APACHE LICENSE-MIT /usr/local/share/doc/messaging/
# Numeric ids, because the image has no such user. The data folder belongs to this user, and so does a new volume there.
COPY --from=build --chown=10001:10001 /image/root/ /
USER 10001:10001
# The loopback address of a container cannot be reached from outside. The published port decides who can reach the process.
ENV LOCAL_LISTEN=0.0.0.0 LOCAL_DATA=/data
VOLUME /data
EXPOSE 3000
HEALTHCHECK --interval=10s --timeout=10s --start-period=10s CMD ["/usr/local/bin/local", "health"]
ENTRYPOINT ["/usr/local/bin/local"]
