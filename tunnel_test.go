package prism

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/shopex/prism-go/tools/forward"
)

// switchingServer is one over http or https.
func switchingServer(t *testing.T, secure bool) *httptest.Server {
	s := httptest.NewUnstartedServer(switching(t))
	if secure {
		s.StartTLS()
	} else {
		s.Start()
	}
	t.Cleanup(s.Close)
	return s
}

// ownAuthority trusts the certificate of httptest, and no other.
func ownAuthority(t *testing.T) *tls.Config {
	s := httptest.NewTLSServer(nil)
	defer s.Close()
	pool := x509.NewCertPool()
	pool.AddCert(s.Certificate())
	return &tls.Config{RootCAs: pool}
}

// by has a client go through the proxy.
func by(transport *http.Transport) func(*Config) {
	return func(c *Config) { c.HTTPClient = &http.Client{Transport: transport} }
}

var passport = url.UserPassword("me", "pass-word")

// wantNoCredentials fails if the password of passport is seen in text.
func wantNoCredentials(t *testing.T, text string) {
	t.Helper()
	password, _ := passport.Password()
	for _, secret := range []string{password, base64.StdEncoding.EncodeToString([]byte(passport.String()))} {
		if strings.Contains(text, secret) {
			t.Errorf("%q shows %q", text, secret)
		}
	}
}

func TestAProxyIsAskedForATunnel(t *testing.T) {
	for name, secure := range map[string]struct{ proxy, server bool }{
		"http by http": {false, false}, "https by http": {false, true}, "http by https": {true, false}, "https by https": {true, true},
	} {
		t.Run(name, func(t *testing.T) {
			proxy := forward.New(t)
			proxy.User, proxy.Secure = passport, secure.proxy
			proxy.Start()
			s := switchingServer(t, secure.server)
			given := &http.Transport{Proxy: http.ProxyURL(proxy.URL()), TLSClientConfig: ownAuthority(t)}
			resp, err := newClient(t, s.URL, by(given)).Upgrade(background, "x", echoHeader)
			if err != nil {
				t.Fatal(err)
			}
			if _, ok := resp.Body.(interface{ NetConn() net.Conn }); !ok {
				t.Errorf("a %T has no NetConn", resp.Body)
			}
			wantEcho(t, resp)
			if got := proxy.Asked(); !slices.Equal(got, []string{"CONNECT " + s.Listener.Addr().String()}) {
				t.Errorf("the proxy was asked for %q", got)
			}
			if given.DialContext != nil || given.DisableKeepAlives || given.OnProxyConnectResponse != nil {
				t.Error("the caller's transport was changed")
			}
		})
	}
}

func TestAProxyOfAnotherAuthorityIsRefused(t *testing.T) {
	proxy := forward.New(t)
	proxy.Secure, proxy.User = true, passport
	u := proxy.Start().URL()
	for _, server := range []string{"http://prism.example", "https://prism.example"} {
		_, err := newClient(t, server, by(&http.Transport{Proxy: http.ProxyURL(u), TLSClientConfig: &tls.Config{RootCAs: x509.NewCertPool()}})).
			Upgrade(background, "x", echoHeader)
		var refused *tls.CertificateVerificationError
		if !errors.As(err, &refused) || !strings.Contains(err.Error(), "through the proxy "+u.Host) {
			t.Errorf("%s: got %v", server, err)
		}
	}
	if got := proxy.Asked(); len(got) != 0 {
		t.Errorf("it was asked for %q", got)
	}
}

// answering is a proxy that answers each CONNECT with whatever answer says.
func answering(t *testing.T, answer func(conn net.Conn, r *http.Request)) *url.URL {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			if r, err := http.ReadRequest(bufio.NewReader(conn)); err == nil {
				answer(conn, r)
			}
			conn.Close()
		}
	}()
	t.Cleanup(func() { l.Close(); <-ended })
	return &url.URL{Scheme: "http", Host: l.Addr().String(), User: passport}
}

func TestAProxyThatNeverAnswersIsNamedWhenTheTimeIsUp(t *testing.T) {
	u := answering(t, func(conn net.Conn, _ *http.Request) { io.Copy(io.Discard, conn) })
	for _, server := range []string{"http://prism.example", "https://prism.example"} {
		book := new(logBook)
		c := newClient(t, server, by(&http.Transport{Proxy: http.ProxyURL(u)}), book.into, func(c *Config) { c.Timeout = 100 * time.Millisecond })
		_, err := c.Upgrade(background, "x", echoHeader)
		if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "through the proxy "+u.Host) {
			t.Errorf("%s: got %v", server, err)
		}
		wantNoCredentials(t, err.Error()+book.String())
	}
}

func TestAProxyThatRefusesATunnelIsNamedAndSaysWhatToDo(t *testing.T) {
	for status, advice := range map[string]string{
		"403 Forbidden": "has to allow it", "407 Proxy Authentication Required": "NAME:PASSWORD@HOST", "502 Bad Gateway": "HTTP 502",
	} {
		u := answering(t, func(conn net.Conn, _ *http.Request) {
			io.WriteString(conn, "HTTP/1.1 "+status+"\r\nContent-Length: 0\r\n\r\n")
		})
		for _, server := range []string{"http://prism.example", "https://prism.example"} {
			book := new(logBook)
			_, err := newClient(t, server, by(&http.Transport{Proxy: http.ProxyURL(u)}), book.into).Upgrade(background, "x", echoHeader)
			if err == nil || !strings.Contains(err.Error(), u.Host) || !strings.Contains(err.Error(), "HTTP "+status[:3]) || !strings.Contains(err.Error(), advice) {
				t.Errorf("%s: got %v", server, err)
				continue
			}
			wantNoCredentials(t, err.Error()+book.String())
		}
	}
}

// A call over plain http is a request to the proxy itself, and no tunnel.
func TestACallThatAProxyAsksALoginForSaysWhatToDo(t *testing.T) {
	proxy := forward.New(t)
	proxy.User = passport
	u := proxy.Start().URL()
	u.User = nil
	_, err := newClient(t, "http://prism.example", by(&http.Transport{Proxy: http.ProxyURL(u)})).Get(background, "x", nil)
	if err == nil || !strings.Contains(err.Error(), "NAME:PASSWORD@HOST") {
		t.Errorf("got %v", err)
	}
}

func TestWhatAProxyRepeatsOfItsLoginIsNotShown(t *testing.T) {
	u := answering(t, func(conn net.Conn, r *http.Request) {
		io.WriteString(conn, "HTTP/1.1 400 Bad Request\r\nyou sent "+r.Header.Get("Proxy-Authorization")+" for pass-word\r\n\r\n")
	})
	page := answering(t, func(conn net.Conn, r *http.Request) {
		io.WriteString(conn, "HTTP/1.1 400 Bad Request\r\n\r\nyou sent "+r.Header.Get("Proxy-Authorization")+" for pass-word")
	})
	book := new(logBook)
	c := newClient(t, "http://prism.example", by(&http.Transport{Proxy: http.ProxyURL(u)}), book.into)
	_, err := c.Upgrade(background, "x", echoHeader)
	c = newClient(t, "http://prism.example", by(&http.Transport{Proxy: http.ProxyURL(page), DisableKeepAlives: true}), book.into)
	_, callErr := c.Get(background, "x", nil)
	for _, err := range []error{err, callErr} {
		if err == nil || !strings.Contains(err.Error(), "you sent Basic *** for ***") {
			t.Errorf("got %v", err)
			continue
		}
		wantNoCredentials(t, err.Error())
	}
	wantNoCredentials(t, book.String())
}

// net/http reads the environment once in a process, so each row has its own.
func TestTheProxyOfTheEnvironmentIsAsked(t *testing.T) {
	if server := os.Getenv("PRISM_TEST_SERVER"); server != "" {
		upgradeInTheEnvironment(t, server, os.Getenv("PRISM_TEST_ADDRESS"))
		return
	}
	for _, row := range []struct {
		name, server string
		variables    []string
		want         int // requests of the proxy
	}{
		{"HTTP_PROXY", "http://example.com", []string{"HTTP_PROXY"}, 1},
		{"http_proxy", "http://example.com", []string{"http_proxy"}, 1},
		{"HTTPS_PROXY", "https://example.com", []string{"HTTPS_PROXY"}, 1},
		{"HTTPS_PROXY is not for http", "http://example.com", []string{"HTTPS_PROXY"}, 0},
		{"NO_PROXY", "http://example.com", []string{"HTTP_PROXY", "NO_PROXY"}, 0},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			s := switchingServer(t, strings.HasPrefix(row.server, "https"))
			addr := s.Listener.Addr().String()
			proxy := forward.New(t)
			proxy.User, proxy.Hosts = passport, map[string]string{"example.com:80": addr, "example.com:443": addr}
			u := proxy.Start().URL().String()
			env := append(os.Environ(), "HTTP_PROXY=", "http_proxy=", "HTTPS_PROXY=", "https_proxy=", "NO_PROXY=", "no_proxy=", "ALL_PROXY=", "REQUEST_METHOD=",
				"PRISM_TEST_SERVER="+row.server, "PRISM_TEST_ADDRESS="+addr)
			for _, name := range row.variables {
				env = append(env, name+"="+map[bool]string{true: ".com", false: u}[name == "NO_PROXY"])
			}
			child := exec.Command(os.Args[0], "-test.run=^TestTheProxyOfTheEnvironmentIsAsked$")
			child.Env = env
			if out, err := child.CombinedOutput(); err != nil {
				t.Errorf("%v: %s", err, out)
			}
			if got := proxy.Asked(); len(got) != row.want {
				t.Errorf("the proxy was asked for %q", got)
			}
		})
	}
}

// upgradeInTheEnvironment uses the transport a client makes for itself. Without a
// proxy, the server is at addr.
func upgradeInTheEnvironment(t *testing.T, server, addr string) {
	transport := http.DefaultTransport.(*http.Transport)
	transport.TLSClientConfig = ownAuthority(t)
	transport.DialContext = func(ctx context.Context, network, to string) (net.Conn, error) {
		if strings.HasPrefix(to, "example.com:") {
			to = addr
		}
		return new(net.Dialer).DialContext(ctx, network, to)
	}
	resp, err := newClient(t, server).Upgrade(background, "x", echoHeader)
	if err != nil {
		t.Fatal(err)
	}
	wantEcho(t, resp)
}
