// Package users has a platform's users where they are already: behind an HTTP API
// ([HTTP]), or in the database of a shop ([SQL]). Both are for the field Users of
// [platform.Config].
//
//	db, err := sql.Open("postgres", dsn) // with the driver of your choice
//	...
//	p, err := platform.New(platform.Config{
//		Users: &users.SQL{DB: db, Query: "select id, password, mail from members where login = $1"},
//		...
//	})
//
// The platform asks at each login, and keeps the answer for as long as the session lasts.
// A session that is used is asked about again, once a minute: it ends when the user is
// gone, or has another ID or password. [HTTP] needs a CheckURL for that. How long a session
// lasts is [platform.OAuth].SessionLife; how often a login may fail, the platform limits.
package users

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// ErrUnavailable is returned when a password could not be checked: whoever knows the users
// cannot be reached, takes too long, or gives an answer that is none. It says nothing
// about the password.
var ErrUnavailable = errors.New("the password cannot be checked")

// unavailable returns an error that matches ErrUnavailable, and the end of a context if
// that is the cause. Nothing else of the cause can be got from it but its words, and of
// those none that have the password in them: a database quotes what it cannot read.
func unavailable(ctx context.Context, password, act string, cause error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("users: %w: %s: %w", ErrUnavailable, act, context.Cause(ctx))
	}
	words := cause.Error()
	if password != "" && strings.Contains(words, password) {
		words = "the reason is not shown, as it has the password in it"
	}
	return fmt.Errorf("users: %w: %s: %s", ErrUnavailable, act, words)
}

// maxData bounds what is kept of a user, in bytes.
const maxData = 16 << 10

// fits reports whether the data of a user is within its bound.
func fits(data map[string]string) bool {
	size := 0
	for name, value := range data {
		size += len(name) + len(value)
	}
	return size <= maxData
}
