package guard

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"
)

const (
	fetchTime    = 10 * time.Second
	fetchBytes   = 4 << 20
	fetchHeader  = 64 << 10
	maxRedirects = 5
)

// A Fetcher gets files from addresses that anybody may have named. The zero Fetcher is
// ready to use, by any number of goroutines.
type Fetcher struct {
	Networks Networks
	Timeout  time.Duration // of one file with its redirects; the default is 10 s
	MaxBytes int           // of a file; the default is 4 MiB
	Resolver *net.Resolver // the default is that of the system
}

// A File is what a [Fetcher] got.
type File struct {
	URL         *url.URL // where it was at last: addresses in the file are relative to it
	ContentType string
	Body        []byte
}

// Fetch gets the file at an address. It follows up to five redirects, each to an address
// that is allowed, and none from https to http. It takes no proxy from the environment. The
// error is a clause for a person, which does not show the address: it is a [*Refused] if
// the address is not allowed, and wraps the cause if ctx has ended.
func (f *Fetcher) Fetch(ctx context.Context, address string) (*File, error) {
	at, err := ParseAddress(address)
	if err != nil {
		return nil, err
	}
	within, cancel := context.WithTimeout(ctx, f.timeout())
	defer cancel()
	transport := f.transport()
	defer transport.CloseIdleConnections()
	file, err := f.follow(within, transport, at)
	switch {
	case err == nil || ctx.Err() == nil && within.Err() == nil:
		return file, err
	case ctx.Err() != nil:
		return nil, fmt.Errorf("the GET was ended: %w", context.Cause(ctx))
	}
	return nil, fmt.Errorf("the server did not answer within %v", f.timeout())
}

func (f *Fetcher) timeout() time.Duration {
	if f.Timeout > 0 {
		return f.Timeout
	}
	return fetchTime
}

func (f *Fetcher) transport() *http.Transport {
	dialer := &net.Dialer{Timeout: f.timeout(), Resolver: f.Resolver, ControlContext: f.Networks.Control}
	return &http.Transport{
		DialContext:            dialer.DialContext,
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12},
		DisableCompression:     true, // a small answer could become a large file
		MaxResponseHeaderBytes: fetchHeader,
	}
}

// follow gets the file, by the addresses that each answer names.
func (f *Fetcher) follow(ctx context.Context, via http.RoundTripper, at *url.URL) (*File, error) {
	for range maxRedirects + 1 {
		file, next, err := f.get(ctx, via, at)
		if err != nil || file != nil {
			return file, err
		}
		if at.Scheme == "https" && next.Scheme != "https" {
			return nil, errors.New("the server redirects from https to http, which is not followed")
		}
		at = next
	}
	return nil, fmt.Errorf("the server redirects more than %d times", maxRedirects)
}

// get returns a file or the address to which the answer leads.
func (f *Fetcher) get(ctx context.Context, via http.RoundTripper, at *url.URL) (*File, *url.URL, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, at.String(), nil)
	if err != nil {
		return nil, nil, errors.New("the address is no URL")
	}
	req.Header.Set("User-Agent", "Prism/1.0.1")
	answer, err := via.RoundTrip(req)
	if err != nil {
		return nil, nil, Failure("server", "GET", err)
	}
	defer answer.Body.Close()
	switch answer.StatusCode {
	case http.StatusOK:
		file, err := f.read(answer, at)
		return file, nil, err
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther, http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		next, err := location(answer, at)
		return nil, next, err
	}
	return nil, nil, fmt.Errorf("the server answered %d %s", answer.StatusCode, http.StatusText(answer.StatusCode))
}

func location(answer *http.Response, at *url.URL) (*url.URL, error) {
	to, err := at.Parse(answer.Header.Get("Location"))
	if err != nil {
		return nil, errors.New("the server redirects to what is no URL")
	}
	to.Fragment = ""
	to, err = ParseAddress(to.String())
	if err != nil {
		return nil, fmt.Errorf("the server redirects, but %w", err)
	}
	return to, nil
}

func (f *Fetcher) read(answer *http.Response, at *url.URL) (*File, error) {
	limit := f.MaxBytes
	if limit <= 0 {
		limit = fetchBytes
	}
	body, err := io.ReadAll(io.LimitReader(answer.Body, int64(limit)+1))
	switch {
	case err != nil:
		return nil, Failure("server", "GET", err)
	case len(body) > limit:
		return nil, fmt.Errorf("the file has more than %d bytes", limit)
	}
	return &File{URL: at, ContentType: answer.Header.Get("Content-Type"), Body: body}, nil
}
