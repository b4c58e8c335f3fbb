package service

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"log/slog"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// A pair is the files of a certificate for this machine.
type pair struct {
	cert, key string
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
	for name, block := range map[string]*pem.Block{p.cert: {Type: "CERTIFICATE", Bytes: cert}, p.key: {Type: "PRIVATE KEY", Bytes: private}} {
		if err := os.WriteFile(name, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// serial shakes hands with c and returns that of the certificate that came.
func serial(t *testing.T, c *certificate) int64 {
	t.Helper()
	client, server := net.Pipe()
	defer client.Close()
	defer server.Close()
	done := make(chan error, 1)
	go func() { done <- tls.Server(server, c.config()).HandshakeContext(t.Context()) }()
	conn := tls.Client(client, &tls.Config{InsecureSkipVerify: true})
	if err := conn.HandshakeContext(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	return conn.ConnectionState().PeerCertificates[0].SerialNumber.Int64()
}

func TestACertificateIsReadAnewWhenItsFilesChange(t *testing.T) {
	p := newPair(t)
	now := time.Now()
	c, err := newCertificate(p.cert, p.key, slog.New(slog.DiscardHandler), func() time.Time { return now })
	if err != nil {
		t.Fatal(err)
	}
	is := func(what string, want int64) {
		t.Helper()
		if got := serial(t, c); got != want {
			t.Errorf("%s: certificate %d, want %d", what, got, want)
		}
	}
	is("at first", 1)
	p.renew(t, 2)
	is("at once", 1)
	now = now.Add(certificateAge)
	is("after a while", 2)
	if err := os.Remove(p.cert); err != nil {
		t.Fatal(err)
	}
	now = now.Add(certificateAge)
	is("without a file", 2)
	p.renew(t, 3)
	whole, err := os.ReadFile(p.key)
	if err != nil {
		t.Fatal(err)
	}
	for _, half := range []string{"", string(whole[:len(whole)/2])} {
		if err := os.WriteFile(p.key, []byte(half), 0o600); err != nil {
			t.Fatal(err)
		}
		now = now.Add(certificateAge)
		is("with half a key", 2)
	}
	if err := os.WriteFile(p.key, whole, 0o600); err != nil {
		t.Fatal(err)
	}
	now = now.Add(certificateAge)
	is("when both are there", 3)
}
