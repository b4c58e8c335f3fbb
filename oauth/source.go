package oauth

import (
	"context"
	"fmt"
	"sync"
	"time"

	"golang.org/x/oauth2"
)

// TokenSource returns a source for tools that take their tokens from
// golang.org/x/oauth2. It returns t until Config.RefreshAhead before its expiry, and
// then refreshes it, once for all goroutines that ask at the same time.
// Config.OnToken is called before a new token is returned, so it can store the
// refresh token, which changes each time; it must not ask the source for a token,
// as it would wait for itself.
//
// While the platform does not answer, a token is returned until its expiry. The
// error matches [ErrLoginRequired] if the platform refused the refresh token, or
// there is none; then all later calls fail, too.
//
// The end of ctx prevents further refreshes. A refresh that has begun is completed,
// with the call of Config.OnToken, so that no token is lost.
//
// An access token is for the platform only. An http.Client of oauth2.NewClient
// sends it to every address that the client is used for.
func (l *Login) TokenSource(ctx context.Context, t *Token) oauth2.TokenSource {
	token := &Token{}
	if t != nil {
		*token = *t // the caller may change t
	}
	return &source{login: l, ctx: ctx, token: token}
}

type source struct {
	login *Login
	ctx   context.Context

	mu    sync.Mutex // held during a refresh, so that there is only one; guards all below
	token *Token
	over  error     // the refusal of the refresh token, which is final
	again time.Time // the earliest time of the next refresh, unless the token has expired
}

// pause is the time between a refresh or a check that failed and the next, so that
// not every caller waits for an outage to end.
const pause = 10 * time.Second

// Token implements [oauth2.TokenSource]; see [Login.TokenSource].
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

// renew is Refresh, and copies what the answer leaves out from the old token.
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
