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

// UnbindAPI takes the binding of an app with this service and path away, so that the next
// call is refused, and returns it; none if there was none. Another binding that has the same
// API, such as one with the path "*", stays.
func (c *Client) UnbindAPI(ctx context.Context, appID, service, path string) ([]Binding, error) {
	return c.unbind(ctx, prism.Params{"app_id": appID, "api_id": service, "path": path})
}

// UnbindService takes all bindings of an app to a service away, in one change, and returns
// them, in the order in which they were made.
func (c *Client) UnbindService(ctx context.Context, appID, service string) ([]Binding, error) {
	return c.unbind(ctx, prism.Params{"app_id": appID, "api_id": service})
}

func (c *Client) unbind(ctx context.Context, params prism.Params) ([]Binding, error) {
	var docs []bindingDoc
	err := c.post(ctx, "platform/manageapp/unbind", params, &docs)
	return bindingsOf(docs), err
}

// BoundAPIs returns the bindings of an app, in the order in which they were made.
func (c *Client) BoundAPIs(ctx context.Context, appID string) ([]Binding, error) {
	var docs []bindingDoc
	err := c.get(ctx, "platform/manageapp/bindlist", prism.Params{"app_id": appID}, &docs)
	return bindingsOf(docs), err
}

func bindingsOf(docs []bindingDoc) (all []Binding) {
	for _, d := range docs {
		all = append(all, Binding{Service: d.APIID, Prefix: d.Prefix, Path: d.Path, Count: d.Count, Per: time.Duration(d.Seconds) * time.Second})
	}
	return all
}

// A bindingDoc is a binding in the members of the platform's answer.
type bindingDoc struct {
	APIID   string `json:"api_id"`
	App     string `json:"app_id"`
	Prefix  string `json:"prefix"`
	Path    string `json:"path"`
	Count   int    `json:"limit_count"`
	Seconds int64  `json:"limit_seconds"`
}
