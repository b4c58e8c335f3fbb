package oauth

import (
	"context"
	"fmt"
	"sync"
	"time"

	"golang.org/x/oauth2"
)

// TokenSource returns a source for tools that take their tokens from
// golang.org/x/oauth2. It gives t until it is due and then refreshes it,
// Config.RefreshAhead before its end, once for all goroutines that wait; the
// others wait with it. Config.OnToken is called before a new token is given to
// anyone, so it can keep the refresh token, which changes each time; it must not
// ask the source for a token itself, which would wait for it.
//
// While the platform does not answer, a token is given until its end. An error
// matches [ErrLoginRequired] when the platform refused the refresh token, or
// there is none: every later call gives an error, too.
//
// ctx is for its values. When it ends, no refresh begins any more; one that has
// begun is finished, and Config.OnToken called, lest the new token be lost.
//
// An access token is for the platform only. Beware of an http.Client of
// oauth2.NewClient: it sends the token to whatever address it is given.
func (l *Login) TokenSource(ctx context.Context, t *Token) oauth2.TokenSource {
	token := &Token{}
	if t != nil {
		*token = *t // the caller may go on with t
	}
	return &source{login: l, ctx: ctx, token: token}
}

type source struct {
	login *Login
	ctx   context.Context

	mu    sync.Mutex // held during a refresh, so that there is one; guards all below
	token *Token
	over  error     // the platform's refusal to refresh, which is final
	again time.Time // no refresh before, unless the token has expired
}

// pause is how long a token that is still good is given after a refresh that
// failed, before the next: callers shall not wait for a platform that is away.
const pause = 10 * time.Second

// Token returns a token that is good for a while, as [Login.TokenSource] tells.
func (s *source) Token() (*oauth2.Token, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.login.cfg.Now()
	good := !s.token.expired(now)
	if !s.token.due(now, s.login.cfg.RefreshAhead) || good && now.Before(s.again) {
		return s.token.OAuth2(), nil
	}
	if s.over != nil {
		return nil, s.over
	}
	switch err := s.refresh(); {
	case refused(err):
		s.over = err
		return nil, err
	case err != nil && !good:
		return nil, err
	case err != nil:
		s.again = now.Add(pause)
	}
	return s.token.OAuth2(), nil
}

// refresh is called with mu held.
func (s *source) refresh() error {
	if err := s.ctx.Err(); err != nil {
		return fmt.Errorf("oauth: the token was not refreshed: %w", err)
	}
	ctx := context.WithoutCancel(s.ctx)
	t, err := s.login.renew(ctx, s.token)
	if err != nil {
		return err
	}
	s.token = t
	if s.login.cfg.OnToken != nil {
		s.login.cfg.OnToken(ctx, t)
	}
	return nil
}

// renew is Refresh, with what the answer leaves out taken from the token
// before.
func (l *Login) renew(ctx context.Context, old *Token) (*Token, error) {
	t, err := l.Refresh(ctx, old.RefreshToken)
	if err != nil {
		return nil, err
	}
	if t.SessionID == "" {
		t.SessionID = old.SessionID
	}
	if len(t.Data) == 0 {
		t.Data = old.Data
	}
	return t, nil
}
