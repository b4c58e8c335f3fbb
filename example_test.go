package prism_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"

	prism "github.com/shopex/prism-go"
)

// platform stands in for the real one.
func platform() *httptest.Server {
	return httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/api/platform/notify/status":
			fmt.Fprintf(w, `{"result":{"Messages":3,"Topic":%q},"error":null}`, r.FormValue("topic"))
		case "/api/systrade":
			fmt.Fprintf(w, `{"jsonrpc":"2.0","result":{"method":%q,"tid":%q},"id":"1"}`, r.URL.Query().Get("method"), r.PostFormValue("tid"))
		default:
			w.WriteHeader(http.StatusNotFound)
			io.WriteString(w, `{"result":null,"error":{"code":"unknown_api","message":"there is no such API"}}`)
		}
	}))
}

func Example() {
	server := platform()
	defer server.Close()

	client, err := prism.New(prism.Config{Server: server.URL + "/api", Key: "buwb2lii", Secret: "ucr72ygfutspqeuu6s36"})
	if err != nil {
		fmt.Println(err)
		return
	}
	res, err := client.Get(context.Background(), "platform/notify/status", prism.Params{"topic": "messages"})
	if err != nil {
		fmt.Println(err)
		return
	}
	var status struct {
		Messages int
		Topic    string
	}
	if err := res.Decode(&status); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(status.Messages, "in", status.Topic)
	// Output: 3 in messages
}

// A query in the path stays in the query; the parameters go into the form.
func ExampleClient_Post() {
	server := platform()
	defer server.Close()
	client, err := prism.New(prism.Config{Server: server.URL + "/api", Key: "buwb2lii", Secret: "ucr72ygfutspqeuu6s36"})
	if err != nil {
		fmt.Println(err)
		return
	}
	res, err := client.Post(context.Background(), "systrade?method=trade.get", prism.Params{"tid": int64(201601021234567)})
	if err != nil {
		fmt.Println(err)
		return
	}
	var trade map[string]any
	err = res.Decode(&trade)
	fmt.Println(trade["method"], trade["tid"], err)
	// Output: trade.get 201601021234567 <nil>
}

func ExampleError() {
	server := platform()
	defer server.Close()
	client, err := prism.New(prism.Config{Server: server.URL + "/api", Key: "buwb2lii", Secret: "ucr72ygfutspqeuu6s36"})
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = client.Get(context.Background(), "no/such", nil)
	fmt.Println(err)

	var failure *prism.Error
	if errors.As(err, &failure) {
		fmt.Println(failure.Code, failure.Status)
	}
	fmt.Println(errors.Is(err, prism.ErrNotFound))
	// Output:
	// prism: GET no/such: unknown_api: there is no such API (HTTP 404)
	// unknown_api 404
	// true
}

func ExampleNew() {
	_, err := prism.New(prism.Config{Server: "example.com/api", Key: "buwb2lii", Secret: "ucr72ygfutspqeuu6s36"})
	fmt.Println(err)
	// Output: prism: Config.Server must begin with https:// or http://
}
