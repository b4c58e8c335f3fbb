package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/shopex/prism-go/cmd/prismctl/internal/exit"
	"github.com/shopex/prism-go/cmd/prismctl/internal/words"
	"github.com/shopex/prism-go/internal/printable"
)

type healthCmd struct {
	Server  string        `placeholder:"URL" help:"The address that serve has as --admin-listen, such as 127.0.0.1:9090 or http://127.0.0.1:9090 (PRISM_ADMIN_LISTEN)."`
	Timeout time.Duration `default:"3s" placeholder:"D" help:"Give up after this time (${default})."`
}

// Help teaches by example.
func (*healthCmd) Help() string {
	return `Asks a platform at its --admin-listen whether calls should come to it (/readyz), for supervisors that run a command to find out, and in images that have no other program for it. It needs no key.

    prismctl health --server 127.0.0.1:9090
    PRISM_ADMIN_LISTEN=:9090 prismctl health

The exit status is 0 when it is ready, 1 when it says that it is not, as while it drains, 3 when nothing can be reached there, and 4 when no answer came in time.`
}

// Run asks once.
func (c *healthCmd) Run(ctx context.Context, t *tool) error {
	if c.Timeout <= 0 {
		return exit.Usagef("--timeout must be positive")
	}
	server, err := healthURL(cmp.Or(c.Server, t.env("PRISM_ADMIN_LISTEN")))
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, c.Timeout)
	defer cancel()
	status, said, err := readiness(ctx, server)
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("%s has not answered within %v: %w", server, c.Timeout, context.DeadlineExceeded)
	case err != nil && ctx.Err() != nil:
		return err
	case err != nil:
		return exit.With(exit.Unreachable, fmt.Errorf("cannot reach %s: %s", server, words.Plain(err)))
	case status != http.StatusOK:
		return fmt.Errorf("not ready: %s answers %d: %s", server, status, printable.Text(said))
	case t.Output == asJSON:
		return t.printJSON(map[string]bool{"ready": true})
	}
	return t.println("ready")
}

// healthURL makes a URL of what serve takes as --admin-listen, or of a URL. Who listens at
// every address of this machine is reached by that of loopback.
func healthURL(server string) (string, error) {
	if server == "" {
		return "", exit.Usagef("no platform is named: give --server, or set PRISM_ADMIN_LISTEN as for \"prismctl serve\"")
	}
	if !strings.Contains(server, "://") {
		server = "http://" + server
	}
	at, err := url.Parse(server)
	if err != nil || at.Scheme != "http" && at.Scheme != "https" || at.Host == "" {
		return "", exit.Usagef("--server (or PRISM_ADMIN_LISTEN) is no address and no URL: %q", server)
	}
	host := at.Hostname()
	if addr, err := netip.ParseAddr(host); host == "" || err == nil && addr.IsUnspecified() {
		at.Host = net.JoinHostPort("127.0.0.1", at.Port())
	}
	return at.JoinPath("readyz").String(), nil
}

// readiness returns the status of an answer, and what it says.
func readiness(ctx context.Context, address string) (status int, said string, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return 0, "", err
	}
	// Not by a proxy, which would be asked for a loopback of its own.
	client := http.Client{
		Transport:     &http.Transport{DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	res, err := client.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer res.Body.Close()
	const most = 1 << 10 // bytes of a line for people
	body, err := io.ReadAll(io.LimitReader(res.Body, most))
	return res.StatusCode, strings.TrimSpace(string(body)), err
}
