package admin

import (
	"context"
	"fmt"
	"time"

	"github.com/shopex/prism-go"
)

// A Binding lets the keys of an app call APIs of a service.
type Binding struct {
	Service string // its ID; in BindAPI also its prefix
	Prefix  string // of the service; only in what BoundAPIs returns
	Path    string // "*" for all APIs of the service, else a method ID or the path of an API
	// Count and Per are how often each API may be called by a key: so many calls in so
	// long, of whole seconds. Zeros leave the limits of the api.json.
	Count int
	Per   time.Duration
}

// BindAPI lets the keys of an app call APIs, in place of the binding with the same service
// and path. It counts from the next call on. The error matches [prism.ErrNotFound] if there
// is no such app, service or API.
func (c *Client) BindAPI(ctx context.Context, appID string, b Binding) error {
	if (b.Count == 0) != (b.Per == 0) || b.Count < 0 || b.Per < 0 || b.Per%time.Second != 0 {
		return &prism.ParamError{
			Name: "limit_count",
			Err:  fmt.Errorf("Binding.Count is %d and Per %v; they must be a number and whole seconds, or both zero for the limits of the api.json", b.Count, b.Per),
		}
	}
	params := prism.Params{"app_id": appID, "api_id": b.Service, "path": b.Path}
	if b.Count > 0 {
		params["limit_count"], params["limit_seconds"] = b.Count, int64(b.Per/time.Second)
	}
	return c.put(ctx, "platform/manageapp/bind", params)
}

// UnbindAPI takes a binding of an app away: the next call is refused. There need not be
// one.
func (c *Client) UnbindAPI(ctx context.Context, appID, service, path string) error {
	return c.put(ctx, "platform/manageapp/unbind", prism.Params{"app_id": appID, "api_id": service, "path": path})
}

// BoundAPIs returns the bindings of an app, in the order in which they were made.
func (c *Client) BoundAPIs(ctx context.Context, appID string) ([]Binding, error) {
	var docs []bindingDoc
	if err := c.get(ctx, "platform/manageapp/bindlist", prism.Params{"app_id": appID}, &docs); err != nil {
		return nil, err
	}
	bindings := make([]Binding, len(docs))
	for i, d := range docs {
		bindings[i] = Binding{Service: d.APIID, Prefix: d.Prefix, Path: d.Path, Count: d.Count, Per: time.Duration(d.Seconds) * time.Second}
	}
	return bindings, nil
}

// A bindingDoc is a binding in the members of the platform's answer.
type bindingDoc struct {
	APIID   string `json:"api_id"`
	Prefix  string `json:"prefix"`
	Path    string `json:"path"`
	Count   int    `json:"limit_count"`
	Seconds int64  `json:"limit_seconds"`
}
