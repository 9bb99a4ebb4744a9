# authseal in an image: one binary, no shell, no root, one volume.

FROM rust:1.95-bookworm AS build
WORKDIR /src
# The image has this toolchain; rust-toolchain.toml would have it install clippy and rustfmt.
ENV RUSTUP_TOOLCHAIN=1.95.0
# Dependencies, in a layer of their own: a change of the code does not build them again.
COPY Cargo.toml Cargo.lock build.rs ./
COPY benches/Cargo.toml benches/
RUN mkdir -p src benches/src \
 && echo 'fn main() {}' > src/main.rs \
 && touch src/lib.rs benches/src/lib.rs \
 && cargo build --release --locked --bin authseal
COPY . .
# Commit and its date, for `authseal --version`. An archive of the source has them anyway.
ARG REVISION=""
ARG REVISION_DATE=""
# Not empty for a release: it is optimized for the load that it will have, in twice the time.
ARG WITH_PROFILE=""
RUN touch src/main.rs src/lib.rs \
 && export AUTHSEAL_REVISION="$REVISION $REVISION_DATE" \
 && if [ -n "$WITH_PROFILE" ]; then \
      apt-get -qq update && apt-get -qq install --yes --no-install-recommends python3 wrk \
      && rustup component add llvm-tools && deploy/build-with-profile; \
    else cargo build --release --locked --bin authseal; fi \
 && mkdir --mode=0700 image image/keys image/store \
 && mv target/release/authseal image

# Holds glibc and certificate authorities, and nothing that could be run.
FROM gcr.io/distroless/cc-debian12:nonroot
ARG VERSION=""
ARG REVISION=""
LABEL org.opencontainers.image.title="authseal" \
      org.opencontainers.image.description="A self-hosted OAuth token-sealing proxy" \
      org.opencontainers.image.source="https://github.com/authseal/authseal" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$REVISION"
COPY --from=build /src/image/authseal /authseal
COPY --from=build --chown=nonroot:nonroot /src/image/keys /keys
# For AUTHSEAL_STORE_URL=file:/var/lib/authseal/store, if it is set
COPY --from=build --chown=nonroot:nonroot /src/image/store /var/lib/authseal
# The keys folder is ./keys unless the settings name another.
WORKDIR /
ENV AUTHSEAL_LISTEN=0.0.0.0:8080
VOLUME /keys
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=6s --start-period=5s CMD ["/authseal", "health"]
# Options alone, as in a compose file of Duplicati's own server, mean `run`.
ENTRYPOINT ["/authseal"]
CMD ["serve"]
