package provider

import (
	"context"
	"crypto/rand"
	"maps"
	"net/http"
	"net/url"
	"strings"
)

// A Call is what the platform says about a call.
type Call struct {
	RequestID string // names the call in all logs; it is never empty in a call
	CallerIP  string // X-Caller-Ip; no signature proves it
	Key, App  string // of the caller
	User      User   // for whom the call is made, by the caller's access token
	Function  string // the method ID, or the pattern of Handle
	Signed    bool   // its signature was verified

	// Params are the parameters of the query with those of the form over them, without the
	// signature and the one that names the function.
	Params url.Values
}

// A User is a user of the platform. Without one, all fields are empty.
type User struct {
	ID    string     // @id
	Login string     // login
	Data  url.Values // all that the platform says, the two above included
}

// Required returns nil if there is a user, else the [*Error] to return to the caller.
func (u User) Required() error {
	if len(u.Data) > 0 {
		return nil
	}
	return &Error{Code: InvalidRequest, Data: "Oauth is required", Status: http.StatusForbidden}
}

type callKey struct{}

// CallFrom returns what the platform says about the call that ctx belongs to. Outside of a
// call it is empty.
func CallFrom(ctx context.Context) *Call {
	if c, ok := ctx.Value(callKey{}).(*Call); ok {
		return c
	}
	return new(Call)
}

const longestID = 128

// requestID returns the ID that the platform has given the request, or a new one.
func requestID(h http.Header) string {
	id := h.Get("X-Request-Id")
	if id == "" || len(id) > longestID || strings.ContainsFunc(id, func(c rune) bool { return c <= ' ' || c > '~' }) {
		return strings.ToLower(rand.Text()[:16])
	}
	return id
}

// readClaims sets what the headers say about the caller. Their query strings are read as
// far as they can be.
func (c *Call) readClaims(h http.Header) {
	c.CallerIP = h.Get("X-Caller-Ip")
	arg, _ := url.ParseQuery(h.Get("X-Api-Arg"))
	c.Key, c.App = arg.Get("client_id"), arg.Get("product")
	if user, err := url.ParseQuery(h.Get("X-Api-Oauth")); err == nil && len(user) > 0 {
		c.User = User{ID: user.Get("@id"), Login: user.Get("login"), Data: user}
	}
}

// dropClaims removes the headers that only the platform may set, also where they are spelt
// with other signs than hyphens, which some servers do not tell apart.
func dropClaims(h http.Header) {
	maps.DeleteFunc(h, func(name string, _ []string) bool { return claims(name) != "" })
}

// claims returns the claim that some server takes the header for, or "".
func claims(name string) string {
	letter := func(c rune) rune {
		switch {
		case 'A' <= c && c <= 'Z':
			return c + 'a' - 'A'
		case 'a' <= c && c <= 'z', '0' <= c && c <= '9':
			return c
		}
		return '-'
	}
	switch name = strings.Map(letter, name); name {
	case "x-api-oauth", "x-api-arg", "x-caller-ip":
		return name
	}
	return ""
}

// dropLookalikes removes headers that are spelt nearly like claims.
func dropLookalikes(h http.Header) {
	maps.DeleteFunc(h, func(name string, _ []string) bool {
		return claims(name) != "" && http.CanonicalHeaderKey(claims(name)) != name
	})
}

// repeatedClaim returns the name of a claim that is there more than once, or "".
func repeatedClaim(h http.Header) string {
	for _, name := range []string{"X-Api-Oauth", "X-Api-Arg", "X-Caller-Ip"} {
		if len(h[name]) > 1 {
			return name
		}
	}
	return ""
}
