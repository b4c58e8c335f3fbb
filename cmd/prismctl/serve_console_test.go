package main

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/shopex/prism-go/internal/patience"
)

// page opens an address as a browser does, and returns the page that it ends at.
func page(t *testing.T, client *http.Client, method, address string, form url.Values) (status int, body string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, address, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Accept", "text/html")
	if method == http.MethodPost {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(text)
}

// visitor is a browser with a memory.
func visitor(t *testing.T) *http.Client {
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	transport := new(http.Transport)
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Jar: jar, Transport: transport, Timeout: patience.Of(20 * time.Second)}
}

func TestTheLinkOfServeOpensTheConsoleOnce(t *testing.T) {
	s := serve(t, nil)
	link, err := url.Parse(s.Console)
	if err != nil || link.Path != "/console/enter" || !strings.HasPrefix(s.URL, "http://"+link.Host) {
		t.Fatalf("the console is at %q", s.Console)
	}
	first, second := visitor(t), visitor(t)
	if status, body := page(t, first, "GET", s.Console, nil); status != 200 || !strings.Contains(body, "Open the console") {
		t.Errorf("the link shows %d: %s", status, body)
	}
	if status, body := page(t, first, "POST", s.Console, link.Query()); status != 200 || !strings.Contains(body, "Overview") {
		t.Errorf("the button leads to %d: %s", status, body)
	}
	if status, _ := page(t, second, "POST", s.Console, link.Query()); status != http.StatusForbidden {
		t.Errorf("a second browser: %d", status)
	}
	if status, body := page(t, second, "GET", strings.TrimSuffix(s.URL, "/api")+"/", nil); status != 200 || !strings.Contains(body, "Sign in") {
		t.Errorf("/ shows %d: %s", status, body)
	}
	s.stop().want(t, exitDone, "", "")
}

// TestTheConsoleIsOffWhereOthersReachThePlatform unless it is asked for.
func TestTheConsoleIsOffWhereOthersReachThePlatform(t *testing.T) {
	for args, on := range map[string]bool{
		"":                                   true,
		"--console off":                      false,
		"--public-url https://prism.example": false,
		"--trusted-proxies 127.0.0.1":        false,
		"--public-url https://prism.example --console on": true,
	} {
		s := serve(t, nil, strings.Fields(args)...)
		if on != (s.Console != "") {
			t.Errorf("serve %s: the console is at %q", args, s.Console)
		}
		if strings.Contains(args, "--console on") && s.Console != "https://prism.example/console/" {
			t.Errorf("serve %s: a link lets in without a login: %q", args, s.Console)
		}
		status, _ := page(t, visitor(t), "GET", strings.TrimSuffix(s.URL, "/api")+"/console/login", nil)
		if on != (status == 200) {
			t.Errorf("serve %s: the login of the console is answered with %d", args, status)
		}
		s.stop().want(t, exitDone, "", "")
	}
	r := invocation{args: strings.Fields("serve --console maybe")}.run()
	r.want(t, exitUsage, "", `"maybe" is none of auto, on and off`)
}

func TestServeOpensTheConsoleInTheBrowser(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	opened := make(chan string, 1)
	done := begin(invocation{ctx: ctx, args: strings.Fields("serve --listen 127.0.0.1:0 --open"), browse: func(_ context.Context, address string) error {
		opened <- address
		return errors.New("there is no display")
	}})
	select {
	case address := <-opened:
		if !strings.Contains(address, "/console/enter?link=") {
			t.Errorf("opened %q", address)
		}
	case r := <-done:
		t.Fatalf("serve has ended: %+v", r)
	}
	cancel()
	if r := <-done; r.status != exitDone || !strings.Contains(r.out, "This address opens it once") || !strings.Contains(r.err, "no browser could be opened") {
		t.Errorf("%+v", r)
	}
}
