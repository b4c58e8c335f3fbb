package platform

import (
	"context"
	"errors"
)

// A User is a person who logs in on the platform's page.
type User struct {
	ID    string // stable; data["@id"] of a token's answer
	Login string // the name that the user types
	// Data is what apps and backends are told beside ID and Login: further
	// members of a token's data and of X-Api-Oauth.
	Data map[string]string

	epoch string // when the password was checked; "" if there is none
}

// Users knows who may log in, as a [Registry] does. Its methods may be called
// from any number of goroutines.
type Users interface {
	// Authenticate returns the user with this login and password. The error
	// is [ErrWrongPassword] for a wrong password and for an unknown login
	// alike, and both should take the same time; any other error means that
	// the answer is not known.
	Authenticate(ctx context.Context, login, password string) (User, error)
}

// UserEpochs is what a [Users] may be, too, so that what is taken from a user ends
// at once. Without it a session lasts as long as [OAuth] says, whatever becomes of
// its user.
type UserEpochs interface {
	// Epoch returns a text for the user with this login. When it is another text
	// than when the user logged in, or the error is [ErrUnknownUser], the user's
	// sessions are over, and their tokens with them; any other error means that
	// the answer is not known. It is asked for each use of a session or token,
	// so it should be fast.
	Epoch(ctx context.Context, login string) (string, error)
}

// ErrWrongPassword is returned by [Users] when there is no user with this
// login and this password.
var ErrWrongPassword = errors.New("platform: unknown login or wrong password")

// userData returns what apps and backends are told of u.
func userData(u User) map[string]string {
	data := make(map[string]string, len(u.Data)+2)
	for name, value := range u.Data {
		data[name] = value
	}
	data["@id"], data["login"] = u.ID, u.Login
	return data
}
