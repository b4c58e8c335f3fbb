package prism

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/shopex/prism-go/sign"
)

// The same call in three ways, over kept connections to one server: by this
// package, by net/http with a signature made by hand, and by net/http with a
// signature that costs nothing. BenchmarkCallBesideNetHTTP takes turns, so
// that a busy machine troubles all of them alike, and compares the medians.

const benchAnswer = `{"result":{"Messages":12,"Messages_ready":12,"Messages_unacknowledged":0,"Consumers":1},"error":null}`

func benchServer(b *testing.B) string {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		io.WriteString(w, benchAnswer)
	}))
	b.Cleanup(s.Close)
	return s.URL
}

func byClient(b *testing.B, server string) func() {
	c := newClient(b, server)
	params := Params{"topic": "messages"}
	return func() {
		if res, err := c.Get(background, "platform/notify/status", params); err != nil || len(res.Body) != len(benchAnswer) {
			b.Fatal(res, err)
		}
	}
}

func byNetHTTP(b *testing.B, server string, query func() string) func() {
	c := http.Client{Transport: newTransport(), Timeout: defaultTimeout}
	b.Cleanup(c.CloseIdleConnections)
	return func() {
		req, err := http.NewRequestWithContext(background, http.MethodGet, server+"/api/platform/notify/status?"+query(), nil)
		if err != nil {
			b.Fatal(err)
		}
		req.Header.Set("User-Agent", userAgent)
		resp, err := c.Do(req)
		if err != nil {
			b.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil || len(body) != len(benchAnswer) {
			b.Fatal(body, err)
		}
	}
}

func signedByHand() string {
	query := url.Values{"client_id": {testKey}, "sign_method": {"md5"}, "topic": {"messages"}}
	query.Set("sign_time", strconv.FormatInt(time.Now().Unix(), 10))
	query.Set("sign", sign.Sign(testSecret, sign.Request{Method: "GET", Path: "/api/platform/notify/status", Query: query}))
	return query.Encode()
}

func signedBefore() string {
	return "client_id=buwb2lii&sign=832A0E8D3EFF5EA88BCCAAEFA524754B&sign_method=md5&sign_time=1700000000&topic=messages"
}

func BenchmarkCall(b *testing.B) { loop(b, byClient(b, benchServer(b))) }

func BenchmarkNetHTTPFloor(b *testing.B) { loop(b, byNetHTTP(b, benchServer(b), signedBefore)) }

func BenchmarkNetHTTPSigned(b *testing.B) { loop(b, byNetHTTP(b, benchServer(b), signedByHand)) }

func loop(b *testing.B, f func()) {
	b.ReportAllocs()
	for b.Loop() {
		f()
	}
}

func BenchmarkCallBesideNetHTTP(b *testing.B) {
	server := benchServer(b)
	ways := []func(){byClient(b, server), byNetHTTP(b, server, signedByHand), byNetHTTP(b, server, signedBefore)}
	took := make([][]time.Duration, len(ways))
	for b.Loop() {
		for i, f := range ways {
			start := time.Now()
			f()
			took[i] = append(took[i], time.Since(start))
		}
	}
	median := func(i int) float64 {
		slices.Sort(took[i])
		return float64(took[i][len(took[i])/2])
	}
	b.ReportMetric(median(0), "ns/call")
	b.ReportMetric(median(0)/median(1), "of-signed")
	b.ReportMetric(median(0)/median(2), "of-floor")
	b.ReportMetric(0, "ns/op")
}
