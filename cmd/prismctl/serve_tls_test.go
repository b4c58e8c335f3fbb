package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/shopex/prism-go"
	"github.com/shopex/prism-go/notify"
)

// A pair is the files of a certificate for this machine.
type pair struct {
	cert, key string
	trust     *x509.CertPool
}

func newPair(t *testing.T) *pair {
	t.Helper()
	dir := t.TempDir()
	p := &pair{cert: filepath.Join(dir, "tls.crt"), key: filepath.Join(dir, "tls.key")}
	p.renew(t, 1)
	return p
}

// renew writes a new certificate into the files.
func (p *pair) renew(t *testing.T, serial int64) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(serial), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, DNSNames: []string{"localhost"},
	}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	p.trust = x509.NewCertPool()
	for name, block := range map[string]*pem.Block{p.cert: {Type: "CERTIFICATE", Bytes: cert}, p.key: {Type: "PRIVATE KEY", Bytes: private}} {
		if err := os.WriteFile(name, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	p.trust.AppendCertsFromPEM(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert}))
}

// roundTripper notes by which protocol an answer came.
type roundTripper struct {
	http.Transport
	protocols []string
}

func (r *roundTripper) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := r.Transport.RoundTrip(req)
	if err == nil {
		r.protocols = append(r.protocols, resp.Proto)
	}
	return resp, err
}

func TestCallsAndTheChannelWorkByTLS(t *testing.T) {
	p := newPair(t)
	s := serve(t, nil, "--listen", "0.0.0.0:0", "--tls-cert", p.cert, "--tls-key", p.key)
	if !strings.HasPrefix(s.URL, "https://127.0.0.1:") {
		t.Errorf("the URL is %s", s.URL)
	}
	transport := &roundTripper{Transport: http.Transport{TLSClientConfig: &tls.Config{RootCAs: p.trust}, ForceAttemptHTTP2: true}}
	client, err := prism.New(prism.Config{Server: s.URL, Key: s.Key, Secret: s.Secret, HTTPClient: &http.Client{Transport: transport}})
	if err != nil {
		t.Fatal(err)
	}
	defer transport.CloseIdleConnections()
	queue := notify.NewQueueClient(client)
	if err := queue.Write(t.Context(), "", []byte("hello")); err != nil {
		t.Fatal(err)
	}
	consumer, err := notify.NewConsumer(client, notify.ConsumerConfig{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	_ = consumer.Run(ctx, func(_ context.Context, d *notify.Delivery) error {
		if string(d.Body) != "hello" {
			t.Errorf("delivered %q", d.Body)
		}
		cancel()
		return nil
	})
	if want := "HTTP/2.0 HTTP/1.1"; strings.Join(transport.protocols, " ") != want {
		t.Errorf("the call and the channel came by %v, want %s", transport.protocols, want)
	}
	s.stop().want(t, exitDone, "", "")
}

// client returns one that trusts the pair.
func (p *pair) client(t *testing.T, s served) *prism.Client {
	t.Helper()
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: p.trust}}
	t.Cleanup(transport.CloseIdleConnections)
	client, err := prism.New(prism.Config{Server: s.URL, Key: s.Key, Secret: s.Secret, HTTPClient: &http.Client{Transport: transport}})
	if err != nil {
		t.Fatal(err)
	}
	return client
}

func TestOldTLSIsRefused(t *testing.T) {
	p := newPair(t)
	s := serve(t, nil, "--tls-cert", p.cert, "--tls-key", p.key)
	address := strings.TrimSuffix(strings.TrimPrefix(s.URL, "https://"), "/api")
	conn, err := tls.Dial("tcp", address, &tls.Config{RootCAs: p.trust, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11})
	if err == nil {
		conn.Close()
		t.Error("TLS 1.1 is accepted")
	}
	if r := s.stop(); r.status != exitDone {
		t.Errorf("%+v", r)
	}
}

func TestAMissingCertificateIsWrongUse(t *testing.T) {
	p := newPair(t)
	r := invocation{args: []string{"serve", "--listen", "127.0.0.1:0", "--tls-cert", p.key, "--tls-key", p.key}}.run()
	r.want(t, exitUsage, "", "--tls-cert: the certificate of ")
	r = invocation{args: []string{"serve", "--listen", "127.0.0.1:0", "--tls-cert", "/nowhere", "--tls-key", p.key}}.run()
	r.want(t, exitUsage, "", "--tls-cert: the certificate cannot be read")
}

func TestTLSIsSpokenWithAuthenticatedCiphersOnly(t *testing.T) {
	p := newPair(t)
	s := serve(t, nil, "--tls-cert", p.cert, "--tls-key", p.key)
	address := strings.TrimSuffix(strings.TrimPrefix(s.URL, "https://"), "/api")
	for suite, good := range map[uint16]bool{
		tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA:    false,
		tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256: true,
	} {
		conn, err := tls.Dial("tcp", address, &tls.Config{InsecureSkipVerify: true, MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{suite}})
		if err == nil {
			conn.Close()
		}
		if (err == nil) != good {
			t.Errorf("%s: %v", tls.CipherSuiteName(suite), err)
		}
	}
	s.stop()
}
