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

// openCall compares a call with the same request made with net/http, with what
// no program can do without: the signature of this moment, and a time limit, the
// same as ours.
func openCall() (*contest, error) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		io.WriteString(w, callAnswer)
	}))
	client, err := newClient(s.URL+"/api", benchKey)
	if err != nil {
		s.Close()
		return nil, err
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	plain := http.Client{Transport: transport, Timeout: 30 * time.Second}
	return &contest{
		ours:  func(n int) error { return repeat(n, func() error { return call(client) }) },
		floor: func(n int) error { return repeat(n, func() error { return get(&plain, s.URL) }) },
		close: func() {
			client.CloseIdleConnections()
			transport.CloseIdleConnections()
			s.Close()
		},
	}, nil
}

// signed returns a target whose query has one parameter and signs the call now, with a body
// that is no form.
func signed(method, path, name, value string) string {
	q := url.Values{"client_id": {benchKey}, "sign_method": {"md5"}, name: {value}}
	q.Set("sign_time", strconv.FormatInt(time.Now().Unix(), 10))
	q.Set("sign", sign.Sign(benchSecret, sign.Request{Method: method, Path: path, Query: q}))
	return path + "?" + q.Encode()
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

func get(client *http.Client, server string) error {
	req, err := http.NewRequestWithContext(context.Background(), http.MethodGet, server+signed("GET", "/api/platform/notify/status", "topic", "messages"), nil)
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
