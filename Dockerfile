# The API as one process on an embedded engine, for people without Rust: `docker build -t messaging .`. compose.yaml runs
# it beside DynamoDB Local. Both base images are build arguments, for registries of one's own and for builds without one.
ARG BUILD_IMAGE=docker.io/library/rust:1.95-bookworm
ARG RUNTIME_IMAGE=gcr.io/distroless/cc-debian12

FROM ${BUILD_IMAGE} AS build
# A profile of Cargo.toml: `release` is small and takes long to compile, `dev` the other way round.
ARG PROFILE=release
WORKDIR /src
COPY . .
# Registry and compiled dependencies are kept between builds, so a change of the sources compiles this workspace alone. The
# cache is not part of the image, therefore the binary is copied out of it.
RUN --mount=type=cache,target=/usr/local/cargo/registry,id=messaging-registry \
    --mount=type=cache,target=/src/target,id=messaging-target,sharing=locked \
    cargo build --locked --workspace --bin local --profile "$PROFILE" \
    && mkdir -p /image/root/data \
    && cp "target/$([ "$PROFILE" = dev ] && echo debug || echo "$PROFILE")/local" /image/

FROM ${RUNTIME_IMAGE}
COPY --from=build /image/local /usr/local/bin/
COPY NOTICE LICENSE-APACHE LICENSE-MIT /usr/local/share/doc/messaging/
# Numbers, as the image has no such user. The folder for the data belongs to it, and so does a new volume there.
COPY --from=build --chown=10001:10001 /image/root/ /
USER 10001:10001
# Outside of the container nothing of its loopback can be reached. What may reach this is up to the published port.
ENV LOCAL_LISTEN=0.0.0.0 LOCAL_DATA=/data
VOLUME /data
EXPOSE 3000
HEALTHCHECK --interval=10s --timeout=10s --start-period=10s CMD ["/usr/local/bin/local", "health"]
ENTRYPOINT ["/usr/local/bin/local"]
