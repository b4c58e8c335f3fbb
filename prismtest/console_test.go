package prismtest_test

import (
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"testing"

	"github.com/shopex/prism-go/prismtest"
)

func TestTheConsoleOfATestIsThereAlsoAfterARestart(t *testing.T) {
	srv := prismtest.NewServer(t)
	address, err := url.Parse(srv.Console())
	if err != nil {
		t.Fatal(err)
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	transport := new(http.Transport)
	defer transport.CloseIdleConnections()
	browser := &http.Client{Jar: jar, Transport: transport}
	resp, err := browser.PostForm(address.String(), address.Query())
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK || resp.Request.URL.Path != "/console/" {
		t.Fatalf("the link leads to %s, %d", resp.Request.URL.Path, resp.StatusCode)
	}
	srv.Restart()
	for path, status := range map[string]int{"/console/live": 200, "/api/platform/notify/status": 401} {
		address.Path = path
		address.RawQuery = ""
		if resp, err = browser.Get(address.String()); err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != status || resp.Request.URL.Path != path {
			t.Errorf("after a restart %s leads to %s, %d", path, resp.Request.URL.Path, resp.StatusCode)
		}
	}
}
