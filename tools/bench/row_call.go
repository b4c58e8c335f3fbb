package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"time"

	"github.com/shopex/prism-go"
	"github.com/shopex/prism-go/sign"
)

const callAnswer = `{"result":{"Messages":12,"Messages_ready":12,"Messages_unacknowledged":0,"Consumers":1},"error":null}`

// openCall compares a call with the same request made with net/http alone,
// against a server of net/http.
func openCall() (*contest, error) {
	s := netHTTPServer()
	return calling(s.URL, s.Close, 0, signedBefore)
}

// openBareCall is openCall against a server that costs next to nothing, so
// that the difference between the clients is not lost in it.
func openBareCall() (*contest, error) {
	s, err := listen()
	if err != nil {
		return nil, err
	}
	return calling("http://"+s.address(), s.close, 0, signedBefore)
}

// openLikeCall is openCall beside net/http with what no program can do without:
// the signature of this moment, and a time limit, the same as ours.
func openLikeCall() (*contest, error) {
	s := netHTTPServer()
	return calling(s.URL, s.Close, 30*time.Second, signedNow)
}

func netHTTPServer() *httptest.Server {
	return httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		io.WriteString(w, callAnswer)
	}))
}

func calling(server string, closeServer func(), timeout time.Duration, query func() string) (*contest, error) {
	client, err := newClient(server + "/api")
	if err != nil {
		closeServer()
		return nil, err
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	plain := http.Client{Transport: transport, Timeout: timeout}
	return &contest{
		ours: func(n int) error { return repeat(n, func() error { return call(client) }) },
		floor: func(n int) error {
			return repeat(n, func() error { return get(&plain, server+statusPath+"?"+query()) })
		},
		close: func() {
			client.CloseIdleConnections()
			transport.CloseIdleConnections()
			closeServer()
		},
	}, nil
}

const statusPath = "/api/platform/notify/status"

// signedBefore is a query that was signed long ago, so it costs nothing.
func signedBefore() string {
	return "client_id=" + benchKey + "&sign=832A0E8D3EFF5EA88BCCAAEFA524754B&sign_method=md5&sign_time=1700000000&topic=messages"
}

func signedNow() string {
	q := url.Values{"client_id": {benchKey}, "sign_method": {"md5"}, "topic": {"messages"}}
	q.Set("sign_time", strconv.FormatInt(time.Now().Unix(), 10))
	q.Set("sign", sign.Sign(benchSecret, sign.Request{Method: http.MethodGet, Path: statusPath, Query: q}))
	return q.Encode()
}

func repeat(n int, do func() error) error {
	for range n {
		if err := do(); err != nil {
			return err
		}
	}
	return nil
}

func call(client *prism.Client) error {
	res, err := client.Get(context.Background(), "platform/notify/status", prism.Params{"topic": "messages"})
	if err == nil && len(res.Body) != len(callAnswer) {
		err = fmt.Errorf("a wrong answer: %s", res.Body)
	}
	return err
}

func get(client *http.Client, url string) error {
	req, err := http.NewRequestWithContext(context.Background(), http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	req.Header.Set("User-Agent", "PrismSDK/Go "+prism.Version)
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err == nil && len(body) != len(callAnswer) {
		err = fmt.Errorf("a wrong answer: %s", body)
	}
	return err
}
