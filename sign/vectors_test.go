package sign

import (
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"
)

// A vector is a case of testdata/sign.json: a request, its signature, and what
// the published SDKs sign it with.
type vector struct {
	Name, Method, Path   string
	Headers, Query, Form map[string]string
	Secret               string
	StringToSign         string `json:"string_to_sign"`
	Sign                 string
	Peers                map[string]string
	Deviates             []string
}

func (v vector) request() Request {
	header := http.Header{}
	for name, value := range v.Headers {
		header[name] = []string{value}
	}
	return Request{Method: v.Method, Path: v.Path, Header: header, Query: values(v.Query), Form: values(v.Form)}
}

// namesOf returns the deviating SDKs with the given signature as Explain does.
func (v vector) namesOf(signature string) string {
	var names []string
	for _, name := range v.Deviates {
		if v.Peers[name] == signature {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}

func values(m map[string]string) url.Values {
	v := url.Values{}
	for name, value := range m {
		v.Set(name, value)
	}
	return v
}

func vectors(tb testing.TB) []vector {
	tb.Helper()
	data, err := os.ReadFile("testdata/sign.json")
	if err != nil {
		tb.Fatal(err)
	}
	var all []vector
	if err := json.Unmarshal(data, &all); err != nil {
		tb.Fatal(err)
	}
	return all
}

func TestVectors(t *testing.T) {
	for _, v := range vectors(t) {
		t.Run(v.Name, func(t *testing.T) {
			r := v.request()
			if got := StringToSign(v.Secret, r); got != v.StringToSign {
				t.Errorf("string to sign:\n got %s\nwant %s", got, v.StringToSign)
			}
			if got := Sign(v.Secret, r); got != v.Sign {
				t.Errorf("signature %s, want %s", got, v.Sign)
			}
			for peer, signature := range v.Peers {
				deviates := slices.Contains(v.Deviates, peer)
				if Verify(v.Secret, r, signature) == deviates {
					t.Errorf("Verify accepts the signature of %s: %v", peer, deviates)
				}
				if got, ok := Explain(v.Secret, r, signature); ok != deviates || got != v.namesOf(signature) {
					t.Errorf("Explain(signature of %s) = %q, want %q", peer, got, v.namesOf(signature))
				}
			}
		})
	}
}
