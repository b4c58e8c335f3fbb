package oauth

import (
	"context"

	"github.com/shopex/prism-go"
)

// visit is what the context of a request inside of Require or Recognize holds.
type visit struct {
	login *Login
	token *Token
}

type visitKey struct{}

func withVisit(ctx context.Context, l *Login, t *Token) context.Context {
	return context.WithValue(ctx, visitKey{}, visit{l, t})
}

func visitOf(ctx context.Context) visit {
	v, _ := ctx.Value(visitKey{}).(visit)
	return v
}

// User returns the logged-in user. ctx is the context of a request inside of
// [Login.Require] or [Login.Recognize]; otherwise the Identity is zero.
func User(ctx context.Context) Identity {
	if t := visitOf(ctx).token; t != nil {
		return t.User()
	}
	return Identity{}
}

// UserToken returns the token of the logged-in user, as it was when the request
// arrived. It must not be changed. ctx is as for [User]; without a user it is nil.
func UserToken(ctx context.Context) *Token { return visitOf(ctx).token }

// UserClient returns a client that makes calls in the name of the logged-in user,
// with the token of [UserToken]. Do not keep it for longer than the request. ctx is
// as for [User]; without a user it is nil.
func UserClient(ctx context.Context) *prism.Client {
	v := visitOf(ctx)
	if v.token == nil {
		return nil
	}
	return v.login.client.WithToken(v.token.AccessToken)
}
