package gateway

import (
	"crypto/tls"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/shopex/prism-go/internal/guard"
)

const (
	defaultTimeout = 10 * time.Second
	defaultIdle    = time.Minute
	defaultForm    = 1 << 20

	headerBytes  = 64 << 10 // of an answer
	maxHints     = 16       // informational answers of one call
	hostConns    = 1024
	idleConns    = 1024
	idleHost     = 128
	idleConnTime = 30 * time.Second
	bufferBytes  = 32 << 10
)

// A Forwarder sends calls to backends. Its methods may be called from any number of
// goroutines.
type Forwarder struct {
	cfg              Config
	trusted, guarded *http.Transport
	buffers          buffers
}

// New returns a Forwarder.
func New(cfg Config) *Forwarder {
	if cfg.Timeout <= 0 {
		cfg.Timeout = defaultTimeout
	}
	if cfg.IdleTimeout <= 0 {
		cfg.IdleTimeout = defaultIdle
	}
	if cfg.FormBytes <= 0 {
		cfg.FormBytes = defaultForm
	}
	return &Forwarder{
		cfg:     cfg,
		trusted: transport(guard.Networks{Private: true, Loopback: true}),
		guarded: transport(guard.Networks{Private: cfg.Private, Loopback: cfg.Loopback}),
	}
}

// transport makes the connections to backends. They are of HTTP/1.1, as there net/http
// never sends a request twice whose body it cannot get again.
func transport(networks guard.Networks) *http.Transport {
	dialer := &net.Dialer{ControlContext: networks.Control}
	return &http.Transport{
		DialContext:            dialed(dialer.DialContext),
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12},
		DisableCompression:     true, // answers stay as they are
		MaxIdleConns:           idleConns,
		MaxIdleConnsPerHost:    idleHost,
		MaxConnsPerHost:        hostConns,
		IdleConnTimeout:        idleConnTime,
		MaxResponseHeaderBytes: headerBytes,
	}
}

// Close closes the connections to backends that no call is using.
func (f *Forwarder) Close() {
	f.trusted.CloseIdleConnections()
	f.guarded.CloseIdleConnections()
}

func (f *Forwarder) now() time.Time {
	if f.cfg.Now != nil {
		return f.cfg.Now()
	}
	return time.Now()
}

func (f *Forwarder) transport(s *Service) *http.Transport {
	if s.trusted {
		return f.trusted
	}
	return f.guarded
}

// buffers are those by which answers are copied.
type buffers struct{ pool sync.Pool }

func (b *buffers) Get() []byte {
	if p, ok := b.pool.Get().(*[bufferBytes]byte); ok {
		return p[:]
	}
	return make([]byte, bufferBytes)
}

func (b *buffers) Put(p []byte) { b.pool.Put((*[bufferBytes]byte)(p)) }
