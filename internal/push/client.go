package push

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/shopex/prism-go/internal/guard"
)

const (
	answerBytes = 64 << 10 // read of the body of an answer, so that the connection can be used again
	headerBytes = 64 << 10
	drainTime   = time.Second
	dialTime    = 10 * time.Second
	idleTime    = 30 * time.Second
	idleConns   = 512
	agent       = "prism-push"
)

// A Config is where a [Client] connects to, and how. The zero Config is ready to use.
type Config struct {
	Networks   guard.Networks
	Timeout    time.Duration // of one POST; the default is 30 s
	IdleConns  int           // connections to one receiver that are kept for the next POSTs; the default is 64
	SkipVerify bool          // takes any certificate
	Resolver   *net.Resolver // the default is that of the system
}

// A Client makes POSTs, from any number of goroutines. It takes no proxy from the
// environment, as a proxy would dial what the client may not.
type Client struct {
	timeout   time.Duration
	transport *http.Transport
}

// New returns a client.
func New(cfg Config) *Client {
	if cfg.Timeout <= 0 {
		cfg.Timeout = 30 * time.Second
	}
	if cfg.IdleConns <= 0 {
		cfg.IdleConns = 64
	}
	dialer := &net.Dialer{Timeout: dialTime, Resolver: cfg.Resolver, ControlContext: cfg.Networks.Control}
	return &Client{timeout: cfg.Timeout, transport: &http.Transport{
		DialContext:            dialer.DialContext,
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12, InsecureSkipVerify: cfg.SkipVerify},
		TLSHandshakeTimeout:    dialTime,
		DisableCompression:     true,
		MaxIdleConns:           max(idleConns, cfg.IdleConns),
		MaxIdleConnsPerHost:    cfg.IdleConns,
		IdleConnTimeout:        idleTime,
		MaxResponseHeaderBytes: headerBytes,
	}}
}

// Close closes the connections that no POST is using. The client can be used again.
func (c *Client) Close() { c.transport.CloseIdleConnections() }

// A Message is what is posted.
type Message struct {
	ID      string // the same whenever the message is posted
	Body    []byte // not to be changed before Post returns
	Secrets []Secret
	At      time.Time   // what the signature says; the zero Time is now
	Header  http.Header // more headers, of which none is one of the signature; the default Content-Type is application/json
}

var jsonType = []string{"application/json"}

// Post posts m to an address of [guard.ParseAddress], and returns the status of the answer, 0
// without one. The error is nil if the receiver has taken the message, which only a
// status of 200 to 299 says; else it is a clause for a person that shows no secret and
// no address with a path. A redirect is not followed.
//
// Post returns within the time-out, or when ctx ends, with an error that wraps its cause.
// The receiver may have taken the message then.
func (c *Client) Post(ctx context.Context, to *url.URL, m Message) (status int, err error) {
	within, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	timer := time.AfterFunc(c.timeout, func() { cancel(errTimeout) })
	defer timer.Stop()

	answer, err := c.transport.RoundTrip(request(within, to, m))
	if err != nil {
		return 0, c.failure(ctx, within, err)
	}
	timer.Reset(drainTime)
	if answer.StatusCode != http.StatusSwitchingProtocols { // else the body is the connection, and ignores contexts
		_, _ = io.CopyN(io.Discard, answer.Body, answerBytes)
	}
	_ = answer.Body.Close() // ends the connection if there was more
	return answer.StatusCode, judge(answer.StatusCode)
}

var errTimeout = errors.New("push: time-out")

func request(ctx context.Context, to *url.URL, m Message) *http.Request {
	h := make(http.Header, len(m.Header)+5)
	h["Content-Type"] = jsonType
	h["User-Agent"] = []string{agent}
	for name, values := range m.Header {
		h[http.CanonicalHeaderKey(name)] = values
	}
	at := m.At
	if at.IsZero() {
		at = time.Now()
	}
	Sign(h, m.ID, at, m.Body, m.Secrets...)
	r := &http.Request{
		Method: http.MethodPost, URL: to, Host: to.Host, Header: h,
		Body: io.NopCloser(bytes.NewReader(m.Body)), ContentLength: int64(len(m.Body)),
	}
	if host := h.Get("Host"); host != "" {
		r.Host = host
		h.Del("Host")
	}
	if len(m.Body) == 0 {
		r.Body = http.NoBody
	}
	return r.WithContext(ctx)
}

func judge(status int) error {
	switch {
	case status >= 200 && status < 300:
		return nil
	case status >= 300 && status < 400:
		return fmt.Errorf("the receiver answered %s; redirects are not followed", statusWords(status))
	}
	return fmt.Errorf("the receiver answered %s", statusWords(status))
}

func statusWords(status int) string {
	if text := http.StatusText(status); text != "" {
		return fmt.Sprintf("%d %s", status, text)
	}
	return fmt.Sprint(status)
}

// failure says why there is no answer.
func (c *Client) failure(ctx, within context.Context, err error) error {
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("the POST was ended: %w", context.Cause(ctx))
	case context.Cause(within) == errTimeout:
		return fmt.Errorf("the receiver did not answer within %v", c.timeout)
	}
	return guard.Failure("receiver", "POST", err)
}
