package main

import (
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestHealthIsThatOfThePlatform(t *testing.T) {
	s := serve(t, nil, "--admin-listen", "127.0.0.1:0")
	_, port, err := net.SplitHostPort(strings.TrimPrefix(s.AdminURL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	invocation{args: []string{"health", "--server", s.AdminURL}}.run().want(t, exitDone, "ready\n", "")
	invocation{args: []string{"health", "--server", s.AdminURL, "--output", "json"}}.run().want(t, exitDone, `{"ready":true}`+"\n", "")
	for _, listen := range []string{":" + port, "0.0.0.0:" + port, "[::]:" + port, "localhost:" + port} {
		invocation{args: []string{"health"}, env: map[string]string{"PRISM_ADMIN_LISTEN": listen}}.run().want(t, exitDone, "ready\n", "")
	}
	s.stop().want(t, exitDone, "", "")
}

func TestHealthHasTheStatusOfWhatIsWrong(t *testing.T) {
	draining := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "draining: the platform is about to end\x1b[2J", http.StatusServiceUnavailable)
	}))
	defer draining.Close()
	elsewhere := httptest.NewServer(http.RedirectHandler(draining.URL, http.StatusFound))
	defer elsewhere.Close()
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	for _, c := range []struct {
		args   string
		status int
		says   string
	}{
		{"--server " + draining.URL, exitRefused, `answers 503: draining: the platform is about to end\x1b[2J`},
		{"--server " + elsewhere.URL, exitRefused, "answers 302"},
		{"--server " + gone.URL, exitUnreachable, "cannot reach " + gone.URL + "/readyz"},
		{"--timeout 20ms --server " + silent.Addr().String(), exitTimeout, "has not answered within 20ms"},
		{"", exitUsage, "give --server, or set PRISM_ADMIN_LISTEN"},
		{"--server ftp://x", exitUsage, `no address and no URL: "ftp://x"`},
		{"--timeout 0s --server :1", exitUsage, "--timeout must be positive"},
	} {
		invocation{args: append([]string{"health"}, strings.Fields(c.args)...)}.run().want(t, c.status, "", c.says)
	}
}
