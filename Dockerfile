# The image of Tripline: the binary and the libraries that it needs, no shell, no package manager.
#
#     docker build --tag tripline:0.1.0 .
#     docker run --read-only --cap-drop ALL --security-opt no-new-privileges \
#         --volume ./tripline.toml:/etc/tripline/tripline.toml:ro --volume ./rules:/etc/tripline/rules:ro \
#         --volume tripline:/var/lib/tripline tripline:0.1.0
#
# docs/operating.md has the rest.

FROM rust:1.95-slim-trixie AS build
WORKDIR /src
COPY scripts/need-compiler scripts/need-compiler
RUN scripts/need-compiler
COPY . .
# What was downloaded and built stays on the machine that builds, for the next time; what is needed of it is copied out.
# Names of functions stay in the binary, so that a backtrace says something.
ENV CARGO_PROFILE_RELEASE_STRIP=debuginfo
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target,sharing=locked \
    cargo build --locked --release --bin tripline \
    && install -D target/release/tripline /image/usr/bin/tripline \
    && install -D --mode=644 LICENSE /image/usr/share/doc/tripline/LICENSE \
    && scripts/third-party-licenses >/image/usr/share/doc/tripline/third-party-licenses \
    && mkdir /volume

# What compose.yaml needs beside the service: something that fills topics, and a shell.

# A few lines a second need no optimisation, which would take minutes.
FROM build AS build-demo
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target,sharing=locked \
    cargo build --locked --example traffic \
    && install -D --strip target/debug/examples/traffic /image/usr/bin/traffic

FROM gcr.io/distroless/cc-debian13:debug-nonroot AS demo
COPY --from=build-demo /image/usr/bin /usr/bin
COPY --from=build --chown=65532:65532 /volume /tokens
USER 65532:65532

# The image itself; it stands last, so that it is what is built when nothing else is asked for.
FROM gcr.io/distroless/cc-debian13:nonroot AS tripline
LABEL org.opencontainers.image.title="Tripline" \
      org.opencontainers.image.description="Rules and alerts for streams of events" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build /image /
# A volume that is made for it belongs to the user that the service runs as.
COPY --from=build --chown=65532:65532 /volume /var/lib/tripline
USER 65532:65532
WORKDIR /etc/tripline
VOLUME /var/lib/tripline
EXPOSE 7070
# It is asked over the socket of its state, so that neither tokens nor certificates nor a configuration that is just being
# edited stand in the way.
HEALTHCHECK --interval=5s --timeout=6s --start-period=2m --retries=3 \
    CMD ["/usr/bin/tripline", "health", "--state", "/var/lib/tripline/state"]
ENTRYPOINT ["/usr/bin/tripline"]
CMD ["run", "--config", "/etc/tripline/tripline.toml"]
