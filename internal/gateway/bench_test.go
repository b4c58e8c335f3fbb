package gateway

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"testing"

	"github.com/shopex/prism-go/apijson"
)

// A call through the gateway against one through httputil.ReverseProxy alone, over sockets:
// query read, API found, headers rewritten, signed.
func BenchmarkForward(b *testing.B) {
	backend := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"result":1}`)
	}))
	defer backend.Close()
	file := &apijson.Service{Prefix: "b2b", URL: backend.URL, GlobalParams: []apijson.GlobalParam{
		{Name: "sign_time", Place: apijson.Query, ValueType: apijson.Time, Format: "timestamp"},
		{Name: "sign", Place: apijson.Query, ValueType: apijson.Sign, Format: "prism"}}}
	f := New(Config{})
	defer f.Close()
	table := NewTable([]*Service{compiled(b, file, Backend{Config: map[string]string{"client_secret": "k7m2q9x4w6z1p8r3t5v0"}})})
	b.Run("gateway", func(b *testing.B) {
		benchmark(b, func(w http.ResponseWriter, r *http.Request) {
			query := r.URL.Query()
			t, err := table.Find(Request{Method: r.Method, Path: r.URL.EscapedPath()[5:], Query: query})
			if err == nil {
				err = f.Forward(w, r, t, Caller{RequestID: "3mpm4wr76dtmejev", IP: "203.0.113.9", Key: "abcd2345", App: "demoapp"}, query, nil, &Exchange{})
			}
			if err != nil {
				http.Error(w, err.Error(), 500)
			}
		})
	})
	b.Run("proxy", func(b *testing.B) {
		to, _ := url.Parse(backend.URL)
		via := &http.Transport{MaxIdleConnsPerHost: 128, DisableCompression: true}
		defer via.CloseIdleConnections()
		proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(to) }, Transport: via}
		benchmark(b, proxy.ServeHTTP)
	})
}

func benchmark(b *testing.B, h http.HandlerFunc) {
	s := httptest.NewServer(h)
	defer s.Close()
	via := &http.Transport{MaxIdleConnsPerHost: 128, DisableCompression: true}
	defer via.CloseIdleConnections()
	b.ReportAllocs()
	for b.Loop() {
		req, _ := http.NewRequest("GET", s.URL+"/api/b2b/orders?page=1&size=20", nil)
		trip(b, via, req)
	}
}

func trip(b *testing.B, via http.RoundTripper, req *http.Request) {
	answer, err := via.RoundTrip(req)
	if err != nil || answer.StatusCode != 200 {
		b.Fatal(answer, err)
	}
	_, _ = io.Copy(io.Discard, answer.Body)
	answer.Body.Close()
}

// A stream through the gateway against one through httputil.ReverseProxy.
func BenchmarkStream(b *testing.B) {
	const size = 256 << 20
	backend := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n, _ := io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Length", fmt.Sprint(size-n))
		_, _ = io.CopyN(w, zeros{}, size-n)
	}))
	defer backend.Close()
	f := New(Config{})
	defer f.Close()
	table := NewTable([]*Service{compiled(b, &apijson.Service{Prefix: "b2b", URL: backend.URL}, Backend{})})
	to, _ := url.Parse(backend.URL)
	via := &http.Transport{DisableCompression: true}
	defer via.CloseIdleConnections()
	proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(to) }, Transport: via}
	for name, h := range map[string]http.HandlerFunc{
		"proxy": proxy.ServeHTTP,
		"gateway": func(w http.ResponseWriter, r *http.Request) {
			t, err := table.Find(Request{Method: r.Method, Path: r.URL.EscapedPath()[5:]})
			if err == nil {
				err = f.Forward(w, r, t, Caller{}, nil, nil, &Exchange{})
			}
			if err != nil {
				http.Error(w, err.Error(), 500)
			}
		},
	} {
		for way, n := range map[string]int64{"up": size, "down": 0} {
			b.Run(name+"/"+way, func(b *testing.B) {
				s := httptest.NewServer(h)
				defer s.Close()
				b.SetBytes(size)
				for b.Loop() {
					req, _ := http.NewRequest("POST", s.URL+"/api/b2b/orders", io.LimitReader(zeros{}, n))
					req.ContentLength = n
					trip(b, http.DefaultTransport, req)
				}
			})
		}
	}
	http.DefaultTransport.(*http.Transport).CloseIdleConnections()
}

// What Find costs does not depend on how many APIs there are.
func BenchmarkFind(b *testing.B) {
	for _, n := range []int{10, 10_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			table, _ := tableOf(b, n)
			r := Request{Method: "GET", Path: "s3/orders/7/lines"}
			b.ReportAllocs()
			for b.Loop() {
				if t, err := table.Find(r); err != nil || t.ID == "" {
					b.Fatal(err)
				}
			}
		})
	}
}

// tableOf returns a table of n APIs in ten services.
func tableOf(t testing.TB, n int) (*Table, []*Service) {
	var services []*Service
	for s := range 10 {
		file := &apijson.Service{Prefix: fmt.Sprint("s", s), URL: "http://127.0.0.1:1/rest"}
		file.APIs = append(file.APIs, apijson.API{ID: "lines", Path: "orders/{id}/lines"})
		for i := range n/10 - 1 {
			file.APIs = append(file.APIs, apijson.API{ID: fmt.Sprint("api", i), Path: fmt.Sprintf("orders/%d/x", i)})
		}
		services = append(services, compiled(t, file, Backend{}))
	}
	return NewTable(services), services
}
