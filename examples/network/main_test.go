package main

import (
	"context"
	"encoding/pem"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	prism "github.com/shopex/prism-go"
	"github.com/shopex/prism-go/internal/leak"
	"github.com/shopex/prism-go/notify"
	"github.com/shopex/prism-go/prismtest"
)

func TestMain(m *testing.M) { leak.Main(m) }

// tunnel is a proxy that asks for a password. It counts the tunnels.
func tunnel(t *testing.T) (address string, opened *atomic.Int64) {
	opened = new(atomic.Int64)
	var open sync.WaitGroup
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodConnect || r.Header.Get("Proxy-Authorization") != "Basic bGluOm9wZW4gc2VzYW1l" {
			w.WriteHeader(http.StatusProxyAuthRequired)
			return
		}
		there, err := net.Dial("tcp", r.Host)
		if err != nil {
			t.Error(err)
			return
		}
		here, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		opened.Add(1)
		io.WriteString(here, "HTTP/1.1 200 OK\r\n\r\n")
		context.AfterFunc(t.Context(), func() { here.Close() }) // whatever has failed
		open.Go(func() { io.Copy(there, here); there.Close() })
		open.Go(func() { io.Copy(here, there); here.Close() })
	}))
	t.Cleanup(open.Wait)
	t.Cleanup(proxy.Close)
	return strings.Replace(proxy.URL, "://", "://lin:open%20sesame@", 1), opened
}

// secure is a platform with a certificate that no system believes, and the file of its
// authority.
func secure(t *testing.T, srv *prismtest.Server) (address, authority string) {
	to, err := url.Parse(srv.URL())
	if err != nil {
		t.Fatal(err)
	}
	front := httptest.NewTLSServer(httputil.NewSingleHostReverseProxy(&url.URL{Scheme: to.Scheme, Host: to.Host}))
	t.Cleanup(front.Close)
	authority = filepath.Join(t.TempDir(), "ca.pem")
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: front.Certificate().Raw})
	if err := os.WriteFile(authority, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return front.URL + to.Path, authority
}

func TestCallsAndChannelsGoThroughTheProxyToAPrivateAuthority(t *testing.T) {
	srv := prismtest.NewServer(t)
	address, authority := secure(t, srv)
	proxy, opened := tunnel(t)
	transport, err := transport(authority, proxy)
	if err != nil {
		t.Fatal(err)
	}
	client, err := prism.New(prism.Config{Server: address, Key: srv.Key(), Secret: srv.Secret(), HTTPClient: &http.Client{Transport: transport}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.CloseIdleConnections)
	if _, err := notify.NewQueueClient(client).Status(t.Context(), ""); err != nil {
		t.Fatal(err)
	}
	publisher, err := notify.NewPublisher(client, notify.PublisherConfig{})
	if err != nil {
		t.Fatal(err)
	}
	if err := publisher.Publish(t.Context(), "order.new", nil); err != nil {
		t.Fatal(err)
	}
	if err := publisher.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := opened.Load(); n != 2 {
		t.Errorf("%d tunnels, want one for the call and one for the channel", n)
	}
}

func TestAnAuthorityThatWasNotGivenIsNotBelieved(t *testing.T) {
	srv := prismtest.NewServer(t)
	address, _ := secure(t, srv)
	transport, err := transport("", "")
	if err != nil {
		t.Fatal(err)
	}
	client, err := prism.New(prism.Config{Server: address, Key: srv.Key(), Secret: srv.Secret(), HTTPClient: &http.Client{Transport: transport}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := notify.NewQueueClient(client).Status(t.Context(), ""); err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("Status: %v", err)
	}
}

func TestWhatIsWrongWithTheSettingsIsSaidWithoutThePassword(t *testing.T) {
	if _, err := transport("", "http://lin:open sesame@proxy:x"); err == nil || strings.Contains(err.Error(), "sesame") {
		t.Errorf("a proxy that is no URL: %v", err)
	}
	empty := filepath.Join(t.TempDir(), "empty.pem")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := transport(empty, ""); err == nil || !strings.Contains(err.Error(), "has no certificate") {
		t.Errorf("a file without a certificate: %v", err)
	}
}
