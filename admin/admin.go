package admin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"

	"github.com/shopex/prism-go"
)

// ErrExists is matched when there is an app with the ID that a new one was to
// have. errors.As finds the [*prism.Error] beside it.
var ErrExists = errors.New("admin: there is an app with this ID")

// Admin makes the calls of an admin key. Its methods may be called by many
// goroutines at the same time. Calls that create or delete are repeated only
// when they were surely not processed, all others as far as the client's Retry
// allows.
type Admin struct{ client *prism.Client }

// New returns the Admin of client's key. It sends nothing, so a key that is no
// admin key shows at the first call.
func New(client *prism.Client) *Admin { return &Admin{client} }

func (a *Admin) get(ctx context.Context, path string, params prism.Params, result any) error {
	return a.call(ctx, prism.Call{Method: "GET", Path: path, Params: params, Repeatable: true}, result)
}

func (a *Admin) post(ctx context.Context, path string, params prism.Params, result any) error {
	return a.call(ctx, prism.Call{Method: "POST", Path: path, Params: params}, result)
}

func (a *Admin) call(ctx context.Context, c prism.Call, result any) error {
	res, err := a.client.Do(ctx, c)
	var refused *prism.Error
	if errors.As(err, &refused) && refused.Code == "app_exists" {
		return fmt.Errorf("%w: %w", ErrExists, err)
	}
	if err != nil {
		return err
	}
	return res.Decode(result)
}

// info returns the path of a call that names what it is about in its path.
func info(call, id string) (string, error) {
	if id == "" {
		return "", errors.New("admin: the ID is empty: name the app or the key")
	}
	return call + "/" + url.PathEscape(id), nil
}

// patternsText is the list as the platform takes it; none is an empty list.
func patternsText(patterns []string) (string, error) {
	if patterns == nil {
		patterns = []string{}
	}
	text, err := json.Marshal(patterns)
	return string(text), err
}
