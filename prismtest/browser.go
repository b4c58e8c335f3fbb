package prismtest

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
)

// Browser returns an HTTP client that works like a browser: it has a new cookie jar and
// follows redirects. With [Config].Pipe it reaches the platform and the sites of
// [Server.Site]. Its idle connections end with the test.
func (s *Server) Browser() *http.Client {
	jar, _ := cookiejar.New(nil) // it never fails
	return &http.Client{Transport: s.client.Transport, Jar: jar}
}

// open sends what a browser sends for a new page, and returns the last answer
// with its body. After a Fatalf that returned it is nil.
func (s *Server) open(browser *http.Client, method, address string, form url.Values) (*http.Response, string) {
	s.t.Helper()
	req, err := http.NewRequest(method, address, strings.NewReader(form.Encode()))
	if err != nil {
		s.t.Fatalf("prismtest: %q is no address of a page: %v", address, err)
		return nil, ""
	}
	req.Header.Set("Accept", "text/html")
	if method == http.MethodGet {
		req.Header.Set("Sec-Fetch-Site", "none") // typed in
	}
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	resp, err := browser.Do(req)
	if err != nil {
		s.t.Fatalf("prismtest: no answer to the browser: %v", withoutQuery(err))
		return nil, ""
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		s.t.Fatalf("prismtest: half an answer to the browser from %s: %v", place(resp), err)
		return nil, ""
	}
	resp.Body = io.NopCloser(bytes.NewReader(body))
	return resp, string(body)
}

// place returns the address of a page without its query, where a code may be.
func place(resp *http.Response) string {
	address := *resp.Request.URL
	address.RawQuery = ""
	return address.String()
}

// withoutQuery returns why there was no answer, without the address.
func withoutQuery(err error) error {
	var failed *url.Error
	if errors.As(err, &failed) {
		address, _, _ := strings.Cut(failed.URL, "?")
		return &url.Error{Op: failed.Op, URL: address, Err: failed.Err}
	}
	return err
}
