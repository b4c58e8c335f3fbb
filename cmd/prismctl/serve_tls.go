package main

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"
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
	of      [2]stamp // the files of current
	looked  time.Time
}

// A stamp changes when a file does.
type stamp struct {
	at   time.Time
	size int64
}

func newCertificate(certFile, keyFile string, log *slog.Logger, now func() time.Time) (*certificate, error) {
	c := &certificate{certFile: certFile, keyFile: keyFile, log: log, now: now, looked: now()}
	stamps, err := c.stamps()
	if err != nil {
		return nil, err
	}
	return c, c.read(stamps)
}

func (c *certificate) stamps() (found [2]stamp, err error) {
	for i, name := range []string{c.certFile, c.keyFile} {
		info, err := os.Stat(name)
		if err != nil {
			return found, fmt.Errorf("the certificate cannot be read: %w", err)
		}
		found[i] = stamp{info.ModTime(), info.Size()}
	}
	return found, nil
}

func (c *certificate) read(stamps [2]stamp) error {
	cert, err := tls.LoadX509KeyPair(c.certFile, c.keyFile)
	if err != nil {
		return fmt.Errorf("the certificate of %s and %s cannot be used: %w", c.certFile, c.keyFile, err)
	}
	c.current, c.of = &cert, stamps
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
	stamps, err := c.stamps()
	if err == nil && stamps != c.of {
		if err = c.read(stamps); err == nil {
			c.log.Info("the certificate was read anew", "file", c.certFile)
		}
	}
	if err != nil {
		c.log.Error("the old certificate goes on", "error", err)
	}
}

func (c *certificate) config() *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: c.get}
}
