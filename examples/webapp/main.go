// Webapp is a web application whose users sign in at a Prism platform, and
// which calls an API as the user who has signed in. It is an example to copy
// from: site.go holds its pages.
//
// Run a platform in one terminal, from the directory of this module:
//
//	go run ./cmd/prismctl serve
//
// In another one paste the export lines that it prints, then
//
//	go run ./examples/webapp
//
// and open http://127.0.0.1:3000. The platform's terminal names the user who
// can sign in. Ctrl-C ends both.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/shopex/prism-go"
	"github.com/shopex/prism-go/oauth"
)

func main() {
	listen := flag.String("listen", "127.0.0.1:3000", "the `address` to listen on")
	flag.Parse()
	if flag.NArg() > 0 {
		fmt.Fprintf(flag.CommandLine.Output(), "webapp: unexpected argument %q\n", flag.Arg(0))
		flag.Usage()
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *listen, os.Getenv, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "webapp:", err)
		os.Exit(1)
	}
}

// run serves the site until ctx ends.
func run(ctx context.Context, listen string, env func(string) string, out io.Writer) error {
	client, err := clientOf(env)
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", listen)
	if err != nil {
		return err
	}
	defer l.Close()
	origin := "http://" + reachable(l.Addr())
	login, err := oauth.New(client, oauth.Config{CallbackURL: origin + callbackPath})
	if err != nil {
		return err
	}
	defer login.Close()
	// net/http takes as many connections as come: where strangers reach this, have a
	// proxy in front bound them.
	server := &http.Server{Handler: newSite(login), ReadHeaderTimeout: 10 * time.Second, IdleTimeout: time.Minute, MaxHeaderBytes: 32 << 10}
	served := make(chan error, 1)
	go func() { served <- server.Serve(l) }()
	fmt.Fprintf(out, "Open %s (Ctrl-C ends it)\n", origin)
	select {
	case err := <-served:
		return err
	case <-ctx.Done():
		return stop(server, served)
	}
}

// clientOf returns a client of the platform that the environment names.
func clientOf(env func(string) string) (*prism.Client, error) {
	cfg := prism.Config{Server: env("PRISM_URL"), Key: env("PRISM_KEY"), Secret: env("PRISM_SECRET")}
	if cfg.Server == "" || cfg.Key == "" || cfg.Secret == "" {
		return nil, errors.New("set PRISM_URL, PRISM_KEY and PRISM_SECRET; \"go run ./cmd/prismctl serve\" prints lines to paste")
	}
	return prism.New(cfg)
}

// stop lets requests finish for a while.
func stop(server *http.Server, served <-chan error) error {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	err := server.Shutdown(ctx)
	if err != nil {
		err = errors.Join(err, server.Close())
	}
	<-served
	return err
}

// reachable is an address by which a browser of this machine reaches a
// listener.
func reachable(a net.Addr) string {
	addr, err := netip.ParseAddrPort(a.String())
	if err != nil || !addr.Addr().IsUnspecified() {
		return a.String()
	}
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), addr.Port()).String()
}
