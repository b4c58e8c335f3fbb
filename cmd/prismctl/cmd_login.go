package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"golang.org/x/oauth2"

	"github.com/shopex/prism-go"
	"github.com/shopex/prism-go/cmd/prismctl/internal/exit"
	"github.com/shopex/prism-go/cmd/prismctl/internal/signin"
	"github.com/shopex/prism-go/oauth"
)

type loginCmd struct {
	connection
	NoBrowser bool   `help:"Open no browser; only print the address to open."`
	Port      uint16 `default:"0" placeholder:"PORT" help:"The port of this machine to which the browser comes back; 0 is any free one (${default})."`
}

// Help teaches by example.
func (*loginCmd) Help() string {
	return `Opens the platform's login page in your browser and waits until you have signed in there. Then whoami tells who you are, and calls with --as-user are made in your name:

    prismctl login
    prismctl get platform/oauth/user --as-user

The browser comes back to http://127.0.0.1:PORT/callback. The platform has to allow that for the key; "prismctl serve" does, with any port. Where only one port is registered, name it. From a machine without a browser, forward that port and open the address at the other end:

    ssh -L 8999:127.0.0.1:8999 server prismctl login --no-browser --port 8999

The token is kept in your configuration directory, below prismctl, in a file that only you can read; there is one for each key of each platform. Commands refresh it by themselves. "prismctl logout" forgets it. Without --timeout, it waits 10 minutes for you to sign in.`
}

// loginTime is how long a person has for the login, if --timeout says nothing.
const loginTime = 10 * time.Minute

// Run logs a user in by the browser and keeps the token.
func (c *loginCmd) Run(ctx context.Context, t *tool) error {
	client, err := c.client(ctx, t)
	if err != nil {
		return err
	}
	k, err := signin.KeepFor(client, t.config)
	if err != nil {
		return err
	}
	if c.Timeout == 0 {
		c.Timeout = loginTime
	}
	ctx, cancel := c.within(ctx)
	defer cancel()
	back, err := signin.Await(c.Port)
	if err != nil {
		return err
	}
	defer back.Close()
	token, done, err := c.signIn(ctx, t, client, back)
	if err == nil {
		err = k.Alone(ctx, func() error { return k.Save(token) })
	}
	if err != nil {
		back.Tell(done.Failed(err))
		return err
	}
	user := token.User()
	back.Tell(done.SignedIn("prismctl now acts as " + nameOf(user) + ". You can close this page."))
	return t.printUser(user, "Signed in as %s")
}

// signIn sends the browser to the platform and exchanges the code with which
// it comes back. What the browser may show then is done.
func (c *loginCmd) signIn(ctx context.Context, t *tool, client *prism.Client, back *signin.Comeback) (token *oauth.Token, done signin.DonePage, err error) {
	login, err := oauth.New(client, oauth.Config{CallbackURL: back.URL})
	if err != nil {
		return nil, "", err
	}
	defer login.Close()
	verifier := oauth2.GenerateVerifier()
	address := login.AuthCodeURL(back.State, oauth2.S256ChallengeOption(verifier))
	if err := c.knock(ctx, address, back.URL); err != nil {
		return nil, "", err
	}
	done = signin.FindDonePage(ctx, address)
	t.showAddress(ctx, !c.NoBrowser, "sign in", address)
	code, err := back.Wait(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		return nil, done, exit.With(exit.Timeout, fmt.Errorf("nobody has signed in within %v", c.Timeout))
	}
	if err != nil {
		return nil, done, err
	}
	err = c.attempt(ctx, func(ctx context.Context) (err error) {
		token, err = login.Exchange(ctx, code, oauth2.VerifierOption(verifier))
		return err
	})
	return token, done, err
}

const knockTime = 30 * time.Second

// knock looks whether the platform lets a login begin, so that its refusal is
// not found by the user, in the browser.
func (c *loginCmd) knock(ctx context.Context, address, callback string) error {
	var status int
	err := c.attempt(ctx, func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, knockTime)
		defer cancel()
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
		if err != nil {
			return err
		}
		req.Header.Set("Accept", "text/html")
		req.Close = true
		resp, err := http.DefaultTransport.RoundTrip(req) // which follows no redirect
		if err != nil {
			return err
		}
		status = resp.StatusCode
		return resp.Body.Close()
	})
	switch {
	case err != nil:
		return err
	case status == http.StatusNotFound:
		return fmt.Errorf("the platform at %s has no login: it knows no %s", c.URL, "/oauth/authorize beside the API")
	case status >= http.StatusInternalServerError:
		return fmt.Errorf("the platform at %s answers HTTP %d instead of its login page: try again later", c.URL, status)
	case status >= http.StatusBadRequest:
		return fmt.Errorf(unregistered, c.URL, status, callback, withoutPort)
	}
	return nil
}

const withoutPort = "http://127.0.0.1" + signin.Path

const unregistered = `the platform at %s refuses this login (HTTP %d)
Either it does not know the key, or the browser must not be sent back to %s.
Register that address for the key, and name its port by --port from then on. For "prismctl serve", where any port will do, it is
    prismctl serve --redirect %s`
