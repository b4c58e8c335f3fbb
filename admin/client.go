package admin

import (
	"context"
	"crypto/rand"
	"errors"
	"net/url"

	"github.com/shopex/prism-go"
)

// A Client makes the calls of an admin key. Its methods may be called by many
// goroutines at the same time. Calls that create or delete are repeated only
// when they were surely not processed, all others as far as the client's Retry
// allows.
type Client struct{ calls *prism.Client }

// New returns the Client of client's key. It sends nothing, so a key that is no
// admin key shows at the first call, and so does a client that is nil, by an error
// that says so.
func New(client *prism.Client) *Client { return &Client{client} }

func (c *Client) get(ctx context.Context, path string, params prism.Params, result any) error {
	return c.call(ctx, prism.Call{Method: "GET", Path: path, Params: params, Repeatable: true}, result)
}

// post makes a call that changes something. The platform takes each signature of
// such a call once, so none may be like another: the nonce sees to it.
func (c *Client) post(ctx context.Context, path string, params prism.Params, result any) error {
	params["nonce"] = rand.Text()
	return c.call(ctx, prism.Call{Method: "POST", Path: path, Params: params}, result)
}

// put is post for a change that does no harm when it is made twice.
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

// info returns the path of a call that names what it is about in its path.
func info(call, id string) (string, error) {
	if id == "" {
		return "", errors.New("admin: the ID is empty: name the app or the key")
	}
	return call + "/" + url.PathEscape(id), nil
}
