package conns

import (
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"time"
)

// maxHeader bounds the header of a request. net/http reads 4 KiB more.
const maxHeader = 60 << 10

// NewServer returns a server and the bounded listener that it is for. What a
// peer may send ahead is small: a header, a frame, a few streams.
func NewServer(handler http.Handler, l net.Listener, limit Limit, log *slog.Logger) (*http.Server, *Listener) {
	if limit.Exempt == nil {
		limit.Exempt = netip.Addr.IsLoopback
	}
	conns := bound(l, limit, log)
	return &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    maxHeader,
		ConnState:         conns.changed,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelWarn),
		HTTP2: &http.HTTP2Config{
			MaxConcurrentStreams:          32,
			MaxReadFrameSize:              16 << 10,
			MaxReceiveBufferPerConnection: 256 << 10,
			MaxReceiveBufferPerStream:     128 << 10,
			SendPingTimeout:               time.Minute,
			PingTimeout:                   15 * time.Second,
			WriteByteTimeout:              30 * time.Second,
		},
	}, conns
}
