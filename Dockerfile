# A Prism platform whose messages are in the volume /data.
#
#     docker build -t prismctl .
#     docker run -p 8080:8080 -v prism:/data prismctl
#
# Give a certificate by --tls-cert and --tls-key, or put a proxy that ends TLS in
# front. Health and metrics are on port 9090: publish it to nobody else.

FROM golang:1.26 AS build
WORKDIR /src
# The workspace needs the go.mod of each module, and this layer stays while none
# of them changes.
COPY go.work go.work.sum go.mod go.sum ./
COPY cmd/prismctl/go.mod cmd/prismctl/go.sum cmd/prismctl/
COPY contrib/otel/go.mod contrib/otel/go.sum contrib/otel/
COPY contrib/watermill/go.mod contrib/watermill/go.sum contrib/watermill/
COPY examples/once/go.mod examples/once/go.sum examples/once/
COPY examples/paging/go.mod examples/paging/go.sum examples/paging/
COPY platform/jetstream/go.mod platform/jetstream/go.sum platform/jetstream/
COPY tools/bench/go.mod tools/bench/go.sum tools/bench/
COPY tools/browser/go.mod tools/browser/go.sum tools/browser/
COPY tools/interop/go.mod tools/interop/go.sum tools/interop/
RUN cd cmd/prismctl && GOWORK=off go mod download
COPY . .
RUN CGO_ENABLED=0 go build -trimpath -ldflags='-s -w' -o /out/prismctl ./cmd/prismctl \
	&& mkdir -m 700 /out/data

FROM gcr.io/distroless/static:nonroot
COPY --from=build /out/prismctl /prismctl
# A new volume gets the owner of this directory.
COPY --from=build --chown=65532:65532 /out/data /data
USER 65532:65532
VOLUME /data
EXPOSE 8080 9090
STOPSIGNAL SIGTERM
ENV PRISM_LISTEN=:8080 PRISM_ADMIN_LISTEN=:9090 PRISM_DATA=/data
ENTRYPOINT ["/prismctl"]
CMD ["serve"]
