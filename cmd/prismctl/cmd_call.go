package main

import (
	"cmp"
	"context"
	"fmt"
	"net/http"

	"github.com/shopex/prism-go"
)

// callFlags are what calls of all methods take.
type callFlags struct {
	connection
	Path   string   `arg:"" help:"The API below the base URL, such as platform/notify/status. It may have a query of its own."`
	Params []string `is:"bytes" arg:"" optional:"" name:"name=value" help:"Parameters; NAME=@FILE is what the file has, NAME=@- what standard input has, and NAME=@@TEXT a text that begins with @. The same name may come several times."`
	Header []string `is:"bytes" short:"H" sep:"none" placeholder:"'NAME: VALUE'" help:"A header; X-Api-* headers are signed. May be repeated."`
	Token  string   `is:"bytes" xor:"user" placeholder:"TOKEN" help:"The access token of the user to call for. Better: PRISM_TOKEN, which no other user of this machine sees."`
	AsUser bool     `xor:"user" help:"Call as the user who has signed in by login; PRISM_TOKEN is not used then."`
}

type (
	getCmd    struct{ callFlags }
	postCmd   struct{ callFlags }
	putCmd    struct{ callFlags }
	deleteCmd struct {
		callFlags
		destructive
	}
)

// Run calls the API.
func (c *getCmd) Run(ctx context.Context, t *tool) error { return c.call(ctx, t, http.MethodGet) }

// Run calls the API.
func (c *postCmd) Run(ctx context.Context, t *tool) error { return c.call(ctx, t, http.MethodPost) }

// Run calls the API.
func (c *putCmd) Run(ctx context.Context, t *tool) error { return c.call(ctx, t, http.MethodPut) }

// Run calls the API.
func (c *deleteCmd) Run(ctx context.Context, t *tool) error {
	return c.call(ctx, t, http.MethodDelete)
}

const callHelp = `
The body of the answer goes to standard output as it is; a terminal gets control characters escaped. If it tells of a failure, in any of the platform's envelopes, the exit status is 1.`

// Help teaches by example.
func (c *getCmd) Help() string {
	return `The parameters are sent in the query.

    prismctl get platform/notify/status topic=orders
    prismctl get 'systrade?method=trade.get' tid=1001 -H 'X-Api-Trace: 7'
    prismctl get platform/oauth/user --as-user
` + callHelp
}

// Help teaches by example.
func (c *postCmd) Help() string {
	return `The parameters are sent as a form.

    prismctl post platform/notify/write topic=orders data='hello world'
    prismctl post platform/notify/write topic=orders data=@order.json
    PRISM_TOKEN=$token prismctl post user/address city=Shanghai
    prismctl post user/address city=Shanghai --as-user
` + callHelp
}

// Help teaches by example.
func (c *putCmd) Help() string {
	return `The parameters are sent as a form.

    prismctl put platform/notify/write data='hello world'
` + callHelp
}

// Help teaches by example.
func (c *deleteCmd) Help() string {
	return `The parameters are sent in the query.

    prismctl delete user/address id=7
` + callHelp
}

func (c *callFlags) call(ctx context.Context, t *tool, method string) error {
	call := prism.Call{Method: method, Path: c.Path, Token: cmp.Or(c.Token, t.env("PRISM_TOKEN"))}
	var err error
	if call.Params, err = t.paramsOf(ctx, c.Params); err != nil {
		return err
	}
	if call.Header, err = parseHeader(c.Header); err != nil {
		return err
	}
	client, err := c.client(ctx, t)
	if err != nil {
		return err
	}
	ctx, cancel := c.within(ctx)
	defer cancel()
	if c.AsUser {
		token, err := c.userToken(ctx, t, client)
		if err != nil {
			return err
		}
		call.Token = token.AccessToken
	}
	err = c.attempt(ctx, func(ctx context.Context) error { return t.do(ctx, client, call) })
	switch {
	case c.AsUser:
		return signInAgain(err)
	case call.Token == "" && needsUser(err):
		return fmt.Errorf("%w\nCall as a user: sign in by \"prismctl login\", and repeat this with --as-user", err)
	}
	return err
}

// do makes a call and prints the answer.
func (t *tool) do(ctx context.Context, client *prism.Client, call prism.Call) error {
	res, err := client.Do(ctx, call)
	if res == nil {
		return err
	}
	return cmp.Or(t.printBody(res.Body), err)
}
