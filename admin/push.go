package admin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/shopex/prism-go"
)

// SetPush makes the platform post the messages in the default queue of a key to an http or
// https address, or changes where to. At most workers POSTs are made at a time, up to 64;
// with 1, which 0 means too, messages keep their order, over failures too. The messages
// are signed as Standard Webhooks says. A key that had no push address gets a secret for
// that, which SetPush returns: it is shown only here. A key that had one keeps its secret,
// and SetPush returns "".
//
// An address that the platform does not push to is a [*prism.Error] that says why. What
// its name means is checked only when messages are posted. If no answer comes, the address
// may have been set: then RotatePushSecret gives a secret.
func (c *Client) SetPush(ctx context.Context, key, address string, workers int) (secret string, err error) {
	params := prism.Params{"key": key, "url": address}
	if workers != 0 {
		params["workers"] = workers
	}
	var doc pushDoc
	err = c.post(ctx, "platform/key/push", params, &doc)
	return doc.PushSecret, err
}

// RotatePushSecret gives the pushing for a key a new secret and returns it: it is shown
// only here. For grace (whole seconds, up to 90 days) messages are signed with the old one
// as well, so that a receiver can be given the new one meanwhile; with 0 from now on only
// with the new one. A secret from before the last rotation no longer signs.
//
// If no answer comes, another RotatePushSecret helps.
func (c *Client) RotatePushSecret(ctx context.Context, key string, grace time.Duration) (secret string, err error) {
	if grace < 0 || grace%time.Second != 0 {
		return "", &prism.ParamError{Name: "grace", Err: fmt.Errorf("it is %v; it must be whole seconds, and not negative", grace)}
	}
	var doc pushDoc
	params := prism.Params{"key": key, "grace": int64(grace / time.Second)}
	if err := c.post(ctx, "platform/key/push/rotate", params, &doc); err != nil {
		return "", err
	}
	if doc.PushSecret == "" {
		return "", errors.New("admin: the answer has no secret")
	}
	return doc.PushSecret, nil
}

// StopPush ends the posting of a key's messages, and its secrets. What was not delivered
// stays in the queue. A key without a push address stays as it is.
func (c *Client) StopPush(ctx context.Context, key string) error {
	return c.put(ctx, "platform/key/push/stop", prism.Params{"key": key})
}

// A pushDoc is a key in the answer of a call about its push address. It has a method of
// its own, as that of the key would be called for the whole.
type pushDoc struct {
	keyDoc
	PushSecret string
}

// UnmarshalJSON refuses what is no key.
func (d *pushDoc) UnmarshalJSON(text []byte) error {
	var own struct{ PushSecret string }
	if err := json.Unmarshal(text, &own); err != nil {
		return err
	}
	d.PushSecret = own.PushSecret
	return d.keyDoc.UnmarshalJSON(text)
}
