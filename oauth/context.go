package oauth

import (
	"context"

	"github.com/shopex/prism-go"
)

// visit is what a request carries that Require has let through.
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

// User returns who is signed in. ctx is that of a request inside of
// [Login.Require]; for any other the Identity is zero.
func User(ctx context.Context) Identity {
	if t := visitOf(ctx).token; t != nil {
		return t.User()
	}
	return Identity{}
}

// UserToken returns the token of the signed-in user, as it was when the request
// arrived. It must not be changed. ctx is that of a request inside of
// [Login.Require]; for any other it is nil.
func UserToken(ctx context.Context) *Token { return visitOf(ctx).token }

// UserClient returns a client that calls as the signed-in user, with the token
// of [UserToken]; so it is for the time of the request and not for keeping. ctx
// is that of a request inside of [Login.Require]; for any other it is nil.
func UserClient(ctx context.Context) *prism.Client {
	v := visitOf(ctx)
	if v.token == nil {
		return nil
	}
	return v.login.client.WithToken(v.token.AccessToken)
}
