package platform

import (
	"context"
	"net/http"
)

// A Caller is where a request comes from: the peer of its connection or, behind
// [Config].TrustedProxies, what these say.
type Caller struct {
	RemoteAddr string // with the port, if it is known
	Host       string // that the browser knows
	Secure     bool   // the request came over TLS, as far as is known
	Local      bool   // from this machine, and not through a proxy
}

// Caller returns where a request to a program around the platform comes from. It returns an
// error for a request whose proxy headers contradict each other.
func (p *Platform) Caller(r *http.Request) (Caller, error) {
	c, err := p.callerOf(r)
	return Caller{c.remote, c.host, c.secure || p.publicTLS() || p.cfg.OAuth.SecureCookies, p.local(r, c)}, err
}

// SignIn returns the user of [Config].Users with this login and password. It counts
// failures as the login page does, and lets the browser be known as that of the user by a
// cookie. The error matches [ErrWrongPassword] or, after too many failures, is a
// [*TooManyFailuresError].
func (p *Platform) SignIn(w http.ResponseWriter, r *http.Request, login, password string) (u User, err error) {
	if p.cfg.Users == nil {
		return User{}, ErrNoUsers
	}
	c, err := p.callerOf(r)
	if err != nil {
		return User{}, err
	}
	r = asCalled(r, c)
	if u, err = p.authenticate(r, login, password); err != nil {
		return User{}, err
	}
	return u, p.rememberDevice(w, r, login)
}

// HasUsers reports whether there is a [Config].Users.
func (p *Platform) HasUsers() bool { return p.cfg.Users != nil }

// Epoch returns the epoch of a user as [UserEpochs] has it, or "" if [Config].Users have
// none.
func (p *Platform) Epoch(ctx context.Context, login string) (string, error) {
	return p.userEpoch(ctx, login)
}
