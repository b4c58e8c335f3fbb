package platform

import (
	"context"
	"errors"
	"fmt"
)

// A User is a person that logs in on the platform's page.
type User struct {
	ID    string // stable; data["@id"] of a token's answer
	Login string // the name that the user types
	// Data are further values for apps and backends, beside ID and Login: members
	// of a token's data and of X-Api-Oauth.
	Data map[string]string

	// Epoch is set by the Authenticate of a [UserEpochs] and used for nothing else: the
	// user's epoch by the time the password was checked.
	Epoch string `json:"-"`
}

// Users has the users that may log in, such as a [Registry]. Its methods may be called
// from any number of goroutines.
type Users interface {
	// Authenticate returns the user with this login and password. The error
	// is [ErrWrongPassword] for a wrong password and for an unknown login
	// alike, and both should take the same time; any other error means that
	// the password could not be checked.
	Authenticate(ctx context.Context, login, password string) (User, error)
}

// UserEpochs is an interface that a [Users] may implement, too. Then the sessions and
// tokens of a user end when the user is deleted or disabled, or gets another password:
// with the next use after Epoch has said so. Without it a session lasts as long as [OAuth]
// says. Authenticate sets [User].Epoch then, and reads it no later than what it checks the
// password by, so that a change meanwhile ends the session.
type UserEpochs interface {
	// Epoch returns a text for the user with this login. When it is another text
	// than when the user logged in, or the error is [ErrUnknownUser], the user's
	// sessions are over, and their tokens with them; any other error means that
	// the answer is not known. It is asked for each use of a session or token,
	// so it should be fast. An empty text says that the user has no epoch: sessions
	// of this user end by their time only.
	Epoch(ctx context.Context, login string) (string, error)
}

// ErrWrongPassword is returned by [Users] when there is no user with this
// login and this password.
var ErrWrongPassword = errors.New("platform: unknown login or wrong password")

// ErrNoUsers is an [ErrWrongPassword] where no login can be right: there are no users, or
// the [Registry] has never had one.
var ErrNoUsers = fmt.Errorf("%w: there are no users", ErrWrongPassword)

// userData returns the data of u for apps and backends.
func userData(u User) map[string]string {
	data := make(map[string]string, len(u.Data)+2)
	for name, value := range u.Data {
		data[name] = value
	}
	data["@id"], data["login"] = u.ID, u.Login
	return data
}
