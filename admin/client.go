package admin

import (
	"context"
	"crypto/rand"
	"errors"
	"net/url"

	"github.com/shopex/prism-go"
)

// A Client makes the calls of an admin key. Its methods may be called by many
// goroutines at the same time. Calls that create or delete are repeated only when
// they were certainly not processed, all others as far as the client's Retry allows.
type Client struct{ calls *prism.Client }

// New returns the Client of client's key. It sends nothing: if the key is no admin
// key, or client is nil, the first call returns an error that says so.
func New(client *prism.Client) *Client { return &Client{client} }

func (c *Client) get(ctx context.Context, path string, params prism.Params, result any) error {
	return c.call(ctx, prism.Call{Method: "GET", Path: path, Params: params, Repeatable: true}, result)
}

// post makes a call that changes something. The platform accepts each signature of
// such a call once; the nonce makes each one different.
func (c *Client) post(ctx context.Context, path string, params prism.Params, result any) error {
	params["nonce"] = rand.Text()
	return c.call(ctx, prism.Call{Method: "POST", Path: path, Params: params}, result)
}

// put is post for a change that may be made twice without harm.
func (c *Client) put(ctx context.Context, path string, params prism.Params) error {
	params["nonce"] = rand.Text()
	return c.call(ctx, prism.Call{Method: "POST", Path: path, Params: params, Repeatable: true}, nil)
}

func (c *Client) call(ctx context.Context, call prism.Call, result any) error {
	res, err := c.calls.Do(ctx, call)
	if err != nil {
		return withSentinel(err)
	}
	return res.Result(result)
}

// info returns the path of a call whose path ends in an ID.
func info(call, id string) (string, error) {
	if id == "" {
		return "", errors.New("admin: the ID is empty: name the app or the key")
	}
	return call + "/" + url.PathEscape(id), nil
}
