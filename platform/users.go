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
