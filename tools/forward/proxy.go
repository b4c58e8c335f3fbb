// Package forward is an HTTP proxy on loopback for tests: it gives tunnels by
// CONNECT, as proxies of companies do, and forwards no other request.
package forward

import (
	"encoding/base64"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"sync"
	"testing"
)

// Proxy asks for User, if that is not nil, and reaches a host of Hosts at the
// address there. Set them before [Proxy.Start].
type Proxy struct {
	User   *url.Userinfo
	Hosts  map[string]string // host:port to host:port
	Secure bool              // over TLS, with the certificate of httptest

	tb     testing.TB
	server *httptest.Server
	addr   string

	mu    sync.Mutex // guards the rest
	asked []string
	ends  []net.Conn // of tunnels
}

// New returns a proxy that ends with the test, if not before.
func New(tb testing.TB) *Proxy {
	p := &Proxy{tb: tb, addr: "127.0.0.1:0"}
	tb.Cleanup(p.Stop)
	return p
}

// Start begins to listen, at the address of the last time if there was one, and
// returns p.
func (p *Proxy) Start() *Proxy {
	p.tb.Helper()
	l, err := net.Listen("tcp", p.addr)
	if err != nil {
		p.tb.Fatal(err)
	}
	p.addr = l.Addr().String()
	p.server = &httptest.Server{Listener: l, Config: &http.Server{Handler: p}}
	if p.Secure {
		p.server.StartTLS()
	} else {
		p.server.Start()
	}
	return p
}

// Stop ends the proxy and all its tunnels, as a crash would.
func (p *Proxy) Stop() {
	if p.server == nil {
		return
	}
	p.server.Listener.Close()
	p.mu.Lock()
	for _, end := range p.ends {
		end.Close()
	}
	p.ends = nil
	p.mu.Unlock()
	p.server.Close()
	p.server = nil
}

// URL is the address of the proxy, with its user.
func (p *Proxy) URL() *url.URL {
	u, err := url.Parse(p.server.URL)
	if err != nil {
		p.tb.Fatal(err)
	}
	u.User = p.User
	return u
}

// Asked returns method and target of each request so far.
func (p *Proxy) Asked() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.asked)
}

func (p *Proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	p.asked = append(p.asked, r.Method+" "+r.Host)
	p.mu.Unlock()
	switch {
	case p.User != nil && r.Header.Get("Proxy-Authorization") != "Basic "+base64.StdEncoding.EncodeToString([]byte(p.User.String())):
		w.Header().Set("Proxy-Authenticate", `Basic realm="test"`)
		w.WriteHeader(http.StatusProxyAuthRequired)
	case r.Method != http.MethodConnect:
		w.WriteHeader(http.StatusUpgradeRequired)
	default:
		p.tunnel(w, r)
	}
}

func (p *Proxy) tunnel(w http.ResponseWriter, r *http.Request) {
	target := r.Host
	if other, ok := p.Hosts[target]; ok {
		target = other
	}
	to, err := net.Dial("tcp", target)
	if err != nil {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	defer to.Close()
	from, rw, err := http.NewResponseController(w).Hijack()
	if err != nil {
		p.tb.Error(err)
		return
	}
	defer from.Close()
	p.mu.Lock()
	p.ends = append(p.ends, from, to)
	p.mu.Unlock()
	io.WriteString(from, "HTTP/1.1 200 Connection established\r\n\r\n")
	there := make(chan struct{})
	go func() {
		defer close(there)
		io.Copy(to, rw)
		to.Close()
	}()
	io.Copy(from, to)
	from.Close()
	<-there
}
