# A Prism platform whose messages are in the volume /data.
#
#     docker build -t prismctl .
#     docker run -p 8080:8080 -v prism:/data prismctl
#
# Give a certificate by --tls-cert and --tls-key, or put a proxy that ends TLS in
# front. Health and metrics are on port 9090: publish it to nobody else.
#
# Each ARG is set by --build-arg: the images to build with and to build on, such as
# BASE_IMAGE=gcr.io/distroless/static:nonroot, and where modules are from. Where the
# default proxy cannot be reached:
#
#     docker build --build-arg GOPROXY=https://goproxy.cn,direct --build-arg GOSUMDB=sum.golang.google.cn -t prismctl .
#
# The tests read this file by the parser of BuildKit; they do not build the image, which
# needs Docker and a registry. So build it once before it is published.

ARG BUILD_IMAGE=golang:1.26
ARG BASE_IMAGE=scratch

FROM ${BUILD_IMAGE} AS build
ARG GOPROXY=https://proxy.golang.org,direct
ARG GOSUMDB=sum.golang.org
# The other modules of the workspace are no part of prismctl.
ENV GOWORK=off CGO_ENABLED=0
WORKDIR /src
# This layer stays while none of the three changes.
COPY go.mod go.sum ./
COPY platform/jetstream/go.mod platform/jetstream/go.sum platform/jetstream/
COPY cmd/prismctl/go.mod cmd/prismctl/go.sum cmd/prismctl/
RUN cd cmd/prismctl && go mod download
COPY . .
# An image that is empty has no /tmp, and no authorities for TLS to backends.
RUN mkdir -p /out/etc/ssl/certs && mkdir -m 1777 /out/tmp && mkdir -m 700 /data \
	&& cp /etc/ssl/certs/ca-certificates.crt /out/etc/ssl/certs/ \
	&& cd cmd/prismctl && go build -trimpath -ldflags='-s -w' -o /out/prismctl .

FROM ${BASE_IMAGE}
COPY --from=build /out/ /
# A new volume gets the owner of this directory.
COPY --from=build --chown=65532:65532 /data /data
USER 65532:65532
VOLUME /data
EXPOSE 8080 9090
STOPSIGNAL SIGTERM
ENV PRISM_LISTEN=:8080 PRISM_ADMIN_LISTEN=:9090 PRISM_DATA=/data
# To read a long log at the start takes a while.
HEALTHCHECK --interval=30s --timeout=5s --start-period=10m CMD ["/prismctl", "health"]
ENTRYPOINT ["/prismctl"]
CMD ["serve"]
