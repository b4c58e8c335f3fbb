package admin

import (
	"context"

	"github.com/shopex/prism-go"
)

// An API is one function of a service, with its addresses.
type API struct {
	ServiceID string `json:"service_id"`
	Service   string `json:"service"` // the prefix
	ID        string `json:"api"`     // the method ID; empty for all of a service that lists none
	Summary   string `json:"summary"`

	Methods []string `json:"methods"` // none is any
	Path    string   `json:"path"`    // of calls, with the base path of the platform
	Param   string   `json:"param"`   // has the method ID in calls, if the path does not tell it

	Online    bool `json:"online"`
	NeedsUser bool `json:"needs_user"`

	// Backend and Sandbox are where its calls go, as the gateway sends them; they are empty
	// for who does not manage the service. SandboxPath is the Path of calls to the sandbox.
	Backend     string `json:"backend"`
	Sandbox     string `json:"sandbox"`
	SandboxPath string `json:"sandbox_path"`
}

// A Search says which APIs are looked for.
type Search struct {
	Words   string // each of which is in the prefix, the ID, the path or the summary; "" for all
	Service string // the ID or prefix of the only one that is meant; "" for all
	After   int    // how many are left out at the beginning
	Limit   int    // how many are returned, at most 500; 0 is 100
}

// APIs returns the APIs that are found, by service, and how many there are in all. An admin
// key finds those of its domain, and a member's key those that the member manages, and that
// its apps may call.
func (c *Client) APIs(ctx context.Context, s Search) (found []API, total int, err error) {
	params := prism.Params{"q": s.Words, "after": s.After}
	if s.Service != "" {
		params["Id"] = s.Service
	}
	if s.Limit != 0 {
		params["limit"] = s.Limit
	}
	var doc struct {
		APIs  []API `json:"apis"`
		Total int   `json:"total"`
	}
	err = c.get(ctx, "platform/service/apis", params, &doc)
	return doc.APIs, doc.Total, err
}

// An AppBinding is a binding of one of the apps that call a service.
type AppBinding struct {
	App string
	Binding
}

// BoundApps returns the bindings of apps to a service, by app.
func (c *Client) BoundApps(ctx context.Context, service string) (all []AppBinding, err error) {
	var docs []bindingDoc
	if err := c.get(ctx, "platform/manageapp/bindlist", prism.Params{"api_id": service}, &docs); err != nil {
		return nil, err
	}
	for i, b := range bindingsOf(docs) {
		all = append(all, AppBinding{docs[i].App, b})
	}
	return all, nil
}
