package signin

import (
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/shopex/prism-go/internal/patience"
)

func TestALoginComesBackOnce(t *testing.T) {
	back, err := Await(0)
	if err != nil {
		t.Fatal(err)
	}
	defer back.Close()
	query := url.Values{"code": {"the-code"}, "state": {back.State}}.Encode()
	first := make(chan int, 1)
	go func() { status, _ := get(t, "GET", back.URL+"?"+query); first <- status }()
	if code, err := back.Wait(t.Context()); code != "the-code" || err != nil {
		t.Errorf("it came back with %q, %v", code, err)
	}
	if status, page := get(t, "GET", back.URL+"?"+query); status != http.StatusBadRequest || !strings.Contains(page, "This login is over") {
		t.Errorf("the second time: HTTP %d\n%s", status, page)
	}
	back.Tell(Page{Status: http.StatusOK, Title: "Title", Text: "Text"})
	back.Tell(Page{Status: http.StatusTeapot, Title: "Another", Text: "Text"})
	if status := <-first; status != http.StatusOK {
		t.Errorf("the first time: HTTP %d", status)
	}
}

func TestConnectionsHeldOpenKeepTheBrowserNotOut(t *testing.T) {
	back, err := Await(0)
	if err != nil {
		t.Fatal(err)
	}
	defer back.Close()
	there, err := url.Parse(back.URL)
	if err != nil {
		t.Fatal(err)
	}
	var held []net.Conn
	for range 3 * oneBrowser {
		conn, err := net.Dial("tcp", there.Host)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		held = append(held, conn)
	}
	if status, page := get(t, "GET", back.URL+"?state=x"); status != http.StatusBadRequest {
		t.Errorf("the browser got HTTP %d: %s", status, page)
	}
	for i, conn := range held[:2*oneBrowser] {
		_ = conn.SetReadDeadline(time.Now().Add(patience.Of(5 * time.Second)))
		if n, err := conn.Read(make([]byte, 1)); n != 0 || errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatalf("connection %d is still open", i)
		}
	}
}

// get returns the status and the page at address.
func get(t *testing.T, method, address string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultTransport.RoundTrip(req)
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
