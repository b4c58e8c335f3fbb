package service

import (
	"bytes"
	"cmp"
	"crypto/tls"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/shopex/prism-go/cmd/prismctl/internal/exit"
	"github.com/shopex/prism-go/cmd/prismctl/internal/files"
)

// certificateAge is how long a certificate is used without a look at its files.
const certificateAge = 10 * time.Second

// A certificate is read anew when its files change. Where they cannot be read
// then, as between the change of the one and of the other, the old one goes on.
type certificate struct {
	certFile, keyFile string
	log               *slog.Logger
	now               func() time.Time

	mu      sync.Mutex // guards what follows
	current *tls.Certificate
	of      [2][]byte // what the files of current hold
	looked  time.Time
}

func newCertificate(certFile, keyFile string, log *slog.Logger, now func() time.Time) (*certificate, error) {
	c := &certificate{certFile: certFile, keyFile: keyFile, log: log, now: now, looked: now()}
	files, err := c.files()
	if err != nil {
		return nil, err
	}
	return c, c.use(files)
}

// files reads both. Only what they hold says whether they have changed: a tool
// may give a new file the size and the time of the old one.
func (c *certificate) files() (found [2][]byte, err error) {
	if found[0], err = os.ReadFile(c.certFile); err == nil {
		found[1], err = files.ReadPrivate(c.keyFile)
	}
	if err != nil {
		return found, fmt.Errorf("the certificate cannot be read: %w", err)
	}
	return found, nil
}

func (c *certificate) use(files [2][]byte) error {
	cert, err := tls.X509KeyPair(files[0], files[1])
	if err != nil {
		return fmt.Errorf("the certificate of %s and %s cannot be used: %w", c.certFile, c.keyFile, err)
	}
	c.current, c.of = &cert, files
	return nil
}

// get returns the certificate for a handshake.
func (c *certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if now := c.now(); now.Sub(c.looked) >= certificateAge {
		c.looked = now
		c.renew()
	}
	return c.current, nil
}

// expires is when the certificate in use does.
func (c *certificate) expires() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.current.Leaf.NotAfter
}

func (c *certificate) renew() {
	files, err := c.files()
	if err == nil && !(bytes.Equal(files[0], c.of[0]) && bytes.Equal(files[1], c.of[1])) {
		if err = c.use(files); err == nil {
			c.log.Info("the certificate was read anew", "file", c.certFile)
		}
	}
	if err != nil {
		c.log.Error("the old certificate goes on", "error", err)
	}
}

func (c *certificate) config() *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS12, CipherSuites: authenticated(), GetCertificate: c.get}
}

// authenticated returns the cipher suites of TLS 1.2 that are no CBC. Those of
// TLS 1.3 are all good.
func authenticated() (ids []uint16) {
	for _, suite := range tls.CipherSuites() {
		if !strings.Contains(suite.Name, "_CBC_") && slices.Contains(suite.SupportedVersions, tls.VersionTLS12) {
			ids = append(ids, suite.ID)
		}
	}
	return ids
}

// certificate returns that of --tls-cert, or nil.
func (s *service) certificate() (*certificate, error) {
	if s.TLSCert == "" {
		return nil, nil
	}
	cert, err := newCertificate(s.TLSCert, s.TLSKey, s.log, time.Now)
	if err != nil {
		return nil, exit.Usagef("%s: %w", cmp.Or(s.From["tls-cert"], "tls-cert"), err)
	}
	return cert, nil
}
