package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/shopex/prism-go"
	"github.com/shopex/prism-go/cmd/prismctl/internal/signin"
	"github.com/shopex/prism-go/oauth"
)

// refreshAhead is how long before its end a kept token is refreshed, if half
// of its life has passed.
const refreshAhead = time.Minute

// userToken returns the kept token, which is refreshed first if it is about to
// end.
func (c *connection) userToken(ctx context.Context, t *tool, client *prism.Client) (*oauth.Token, error) {
	k, err := signin.KeepFor(client, t.config)
	if err != nil {
		return nil, err
	}
	token, err := k.Load()
	if err != nil || token != nil && !due(token, time.Now()) {
		return token, err
	}
	if token == nil {
		return nil, fmt.Errorf("nobody is signed in at %s with the key %s: sign in by \"prismctl login\"", c.URL, k.Key)
	}
	err = k.Alone(ctx, func() error {
		if token, err = k.Load(); err != nil || token == nil || !due(token, time.Now()) {
			return err // another process was here before
		}
		token, err = c.refresh(ctx, client, k, token)
		return err
	})
	if err == nil && token == nil {
		err = errors.New("the user has signed out meanwhile: sign in by \"prismctl login\"")
	}
	return token, err
}

// due reports whether a token should be refreshed before it is used.
func due(token *oauth.Token, now time.Time) bool {
	if token.Expiry.IsZero() {
		return false
	}
	left, life := token.Expiry.Sub(now), token.Expiry.Sub(token.Issued)
	return left <= min(refreshAhead, life/2)
}

// refresh replaces a kept token by the next one. The caller holds the lock.
func (c *connection) refresh(ctx context.Context, client *prism.Client, k *signin.Keep, old *oauth.Token) (*oauth.Token, error) {
	if old.RefreshToken == "" {
		return nil, errors.New("the login has ended, as its token cannot be refreshed: sign in again by \"prismctl login\"")
	}
	login, err := newLogin(client)
	if err != nil {
		return nil, err
	}
	defer login.Close()
	var token *oauth.Token
	err = c.attempt(ctx, func(ctx context.Context) (err error) {
		ctx, cancel := afterwards(ctx)
		defer cancel()
		token, err = login.Refresh(ctx, old.RefreshToken)
		return err
	})
	if errors.Is(err, oauth.ErrLoginRequired) {
		return nil, fmt.Errorf("%w\nThe login has ended: sign in again by \"prismctl login\"", err)
	}
	if err != nil {
		return nil, err
	}
	return token, k.Save(token)
}

// refreshGrace is how long a refresh goes on when the command is ending.
const refreshGrace = 2 * time.Second

// afterwards returns a context that outlives ctx a little: the platform has
// perhaps taken the refresh token already, and its answer holds the next one.
func afterwards(ctx context.Context) (context.Context, context.CancelFunc) {
	longer, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(refreshGrace, cancel) })
	return longer, func() {
		stop()
		cancel()
	}
}

// newLogin is for what needs no browser to come back.
func newLogin(client *prism.Client) (*oauth.Login, error) {
	return oauth.New(client, oauth.Config{CallbackURL: withoutPort})
}

// signInAgain says what to do about a token that the platform does not take.
func signInAgain(err error) error {
	if needsUser(err) {
		return fmt.Errorf("%w\nThe login has ended: sign in again by \"prismctl login\"", err)
	}
	return err
}

// needsUser reports whether the platform says that a call was made without the
// good token of a user.
func needsUser(err error) bool {
	var failure *prism.Error
	return errors.As(err, &failure) && failure.Code == "invalid_token"
}

// showAddress opens an address in the browser, if it is to, and prints it for
// those that have another one.
func (t *tool) showAddress(ctx context.Context, open bool, purpose, address string) {
	how := fmt.Sprintf("To %s, open this address in a browser of this machine:", purpose)
	if open {
		how = fmt.Sprintf("The browser opens, to %s. If it does not, open this address:", purpose)
		if err := t.browse(ctx, address); err != nil {
			how = fmt.Sprintf("No browser could be opened (%v). To %s, open this address:", err, purpose)
		}
	}
	t.notice("%s\n\n    %s\n", how, address)
}
