package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"

	"github.com/shopex/prism-go"
)

const callAnswer = `{"result":{"Messages":12,"Messages_ready":12,"Messages_unacknowledged":0,"Consumers":1},"error":null}`

// openCall compares a call with the same request made with net/http alone,
// against a server of net/http.
func openCall() (*contest, error) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		io.WriteString(w, callAnswer)
	}))
	return calling(s.URL+"/api", s.Close)
}

// openBareCall is openCall against a server that costs next to nothing, so
// that the difference between the clients is not lost in it.
func openBareCall() (*contest, error) {
	s, err := listen()
	if err != nil {
		return nil, err
	}
	return calling(s.url(), s.close)
}

func calling(url string, closeServer func()) (*contest, error) {
	client, err := newClient(url)
	if err != nil {
		closeServer()
		return nil, err
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	plain := http.Client{Transport: transport}
	signed := url + "/platform/notify/status?client_id=" + benchKey + "&sign=832A0E8D3EFF5EA88BCCAAEFA524754B&sign_method=md5&sign_time=1700000000&topic=messages"
	return &contest{
		ours:  func(n int) error { return repeat(n, func() error { return call(client) }) },
		floor: func(n int) error { return repeat(n, func() error { return get(&plain, signed) }) },
		close: func() {
			client.CloseIdleConnections()
			transport.CloseIdleConnections()
			closeServer()
		},
	}, nil
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
