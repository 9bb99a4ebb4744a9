# authseal in an image: one binary, no shell, no root, one volume.

FROM rust:1.95-bookworm AS build
WORKDIR /src
COPY . .
RUN cargo build --release --locked --bin authseal \
 && mkdir --mode=0700 /keys /store

# Holds glibc and certificate authorities, and nothing that could be run.
FROM gcr.io/distroless/cc-debian12:nonroot
COPY --from=build /src/target/release/authseal /authseal
COPY --from=build --chown=nonroot:nonroot /keys /keys
# For AUTHSEAL_STORE_URL=file:/var/lib/authseal/store, if it is set
COPY --from=build --chown=nonroot:nonroot /store /var/lib/authseal
# The keys folder is ./keys unless the settings name another.
WORKDIR /
ENV AUTHSEAL_LISTEN=0.0.0.0:8080
VOLUME /keys
EXPOSE 8080
HEALTHCHECK --interval=30s --timeout=6s --start-period=5s CMD ["/authseal", "health"]
# Options alone, as in a compose file of Duplicati's own server, mean `run`.
ENTRYPOINT ["/authseal"]
CMD ["serve"]
