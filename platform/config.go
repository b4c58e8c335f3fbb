package platform

import (
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net/http"
	"net/netip"
	"net/url"
	"path"
	"strings"
	"time"
)

// AnyAge is the [Config].SignWindow or SignWindowPast that accepts signatures of any age,
// as any negative number does.
const AnyAge time.Duration = -1

// Config says how a Platform behaves. Store and Queues are required; every
// other field has a useful zero value. New copies it.
type Config struct {
	// Store holds the keys, in the records of a [Registry], and Queues their
	// messages. Package platform/memory has both.
	Store  Store
	Queues Queues

	// Users logs people in at the OAuth server, which lies beside BasePath:
	// /oauth for /api (protocol chapter 4). If nil, there is no such server.
	// A [Registry] over Store is one with passwords.
	Users Users
	// OAuth bounds the lives of codes, tokens and sessions, and failed logins.
	// Zero fields mean the defaults.
	OAuth OAuth

	// ReservedApps are IDs that platform/app/create refuses. They are for apps that
	// the program around the platform makes itself.
	ReservedApps []string

	// BasePath is the beginning of the path of every API. If empty, /api;
	// "/" puts the APIs at the root. It must begin with a slash; a slash at its end
	// is ignored.
	BasePath string

	// SignWindow is how far a call's sign_time may be from Now, in either
	// direction. Zero means 10 minutes into the future; [AnyAge] accepts every age,
	// which is for recorded traffic only. Within it a signature may be
	// repeated, as published SDKs do, except that a provisioning call which changes
	// something counts once.
	SignWindow time.Duration
	// SignWindowPast is how far a call's sign_time may be before Now. Zero means
	// SignWindow if that is set, else 25 hours, as the original platform has it:
	// published SDKs for Python and Java take the time once, when their client is made.
	SignWindowPast time.Duration
	// RefuseReplays lets each signature count once within these windows, for every call,
	// at all platforms over the Store. Each call is then remembered by a record, within
	// Limits.ChangesPerKey, and SDKs that sign two calls alike in one second are refused.
	RefuseReplays bool

	// ErrorCodes says how errors are coded; see there.
	ErrorCodes ErrorCodes

	// Now is the platform's clock: it judges sign_time, stamps messages and
	// is the Date of every answer. If nil, time.Now.
	Now func() time.Time

	// Version is that of the program around the platform. If it is not empty,
	// platform/status tells it, and the page that a browser gets at "/".
	Version string

	// Logger gets one record per call and per connection. No record holds a
	// secret, a signature or a token. If nil, nothing is logged.
	Logger *slog.Logger

	// Explain makes a refused signature show a caller on this machine the
	// string that the platform signed, with secrets masked, and say what the client
	// did otherwise (docs/signing.md). Callers on other machines never get that; the
	// log names the causes of all.
	// A caller whose request passed a proxy counts as one on another machine, and
	// so does every caller when PublicURL is set.
	Explain bool

	// AllowSecretOverHTTP accepts secret mode (client_secret instead of a
	// signature) over plain HTTP, where everyone on the way can read the
	// secret. Callers on this machine are always allowed, in the sense of
	// Explain; over TLS secret mode is always accepted.
	AllowSecretOverHTTP bool

	// TrustedProxies are the addresses of reverse proxies in front of the
	// platform. Of their requests, and of no others, the caller's address,
	// scheme and host are those that Forwarded or X-Forwarded-For, -Proto and
	// -Host name: walked from the right, past trusted addresses, to the first
	// that is not. A proxy must write one of the two kinds and remove the
	// other: a request in which they name different callers is refused. Limits,
	// logs, hooks, X-Caller-Ip and cookies go by the caller.
	TrustedProxies []netip.Prefix

	// PublicURL is the scheme and host by which browsers know the platform,
	// such as https://prism.example. Origins of forms are compared with it, and
	// with https cookies are Secure and what is answered over TLS has
	// Strict-Transport-Security. If nil, each request says it: by the Host
	// header, TLS and what trusted proxies add.
	PublicURL *url.URL

	// Limits bounds what one peer can use. Zero fields mean the defaults.
	Limits Limits

	// PingInterval is how often a peer on the channel that has pinged the
	// platform is pinged itself (0 = 30 s); when the ping is not answered within
	// PongTimeout (0 = 10 s), it is dropped, whatever else comes from it. It has
	// four times as long while it acknowledges deliveries. Peers that never sent a
	// ping get none, as some published SDKs break on it: a dead one is
	// noticed by WriteTimeout and by the listener's TCP keep-alive (net.Listen
	// turns that on). When another connection consumes the same queue of the key,
	// a peer has 5 s, and gets nothing more before it has answered.
	PingInterval, PongTimeout time.Duration

	// WriteTimeout is how long one write to a channel peer may take before
	// the connection is given up. Zero means 30 s.
	WriteTimeout time.Duration

	// BodyTimeout is how long a caller may take to send a form, or a body that
	// no API reads. Zero means 30 s. A form must come at 8 KiB a second after
	// the first 10 s.
	BodyTimeout time.Duration

	// KeepHistory is how many bytes of what happened to messages are kept, for
	// platform/queues/message. Zero means 2 MiB, a negative number keeps nothing. Some
	// hundred events a second are kept at most; the rest is counted.
	KeepHistory int

	// PushPrivate lets [Platform.Push] post to addresses in private networks, and
	// PushLoopback to this machine. Set PushLoopback only where the platform itself is
	// reached by the loopback interface alone: who may set push addresses could reach
	// every server of the machine. Link-local addresses are refused always, as metadata
	// services of clouds have such.
	PushPrivate, PushLoopback bool
	// PushTimeout is how long one POST may take. Zero means 30 s.
	PushTimeout time.Duration

	// Gateway says how calls reach the backends of services.
	Gateway Gateway

	// Backend gets the verified calls to APIs that neither the platform nor a service
	// has: the reserved parameters (apiver, client_id, client_secret,
	// sign, sign_method, sign_time) are removed from query, form, the fields of a
	// multipart form and cookies, and the
	// headers X-Request-Id, X-Caller-Ip and X-Api-Arg are set. The answer's
	// X-Request-Id and Date are set already. If nil, such a call gets 404.
	Backend http.Handler

	// Override, if set, is called for every verified call before it is routed.
	// If it returns a handler, that answers the call instead of the platform.
	// It may be called by any goroutine.
	Override func(Call) http.Handler

	// Trace has hooks that are called for what happens. It may be nil.
	Trace *Trace
}

// Gateway says how calls reach the backends of services. Zero fields mean the defaults.
type Gateway struct {
	// Private and Loopback let the addresses of services that are not Trusted be in
	// private networks and on this machine. Link-local addresses are refused always.
	Private, Loopback bool
	// Timeout is how long a backend may take to begin its answer, where its api.json
	// does not say it (10 s).
	Timeout time.Duration
	// IdleTimeout is how long the body of a request or an answer may stand still (60 s).
	IdleTimeout time.Duration
	// Breaker is after how many failures in a row a backend gets no calls for 10 s; then
	// one call finds out whether it works again. Zero is never.
	Breaker int
	// Shared says that other platforms serve calls over the same Store: the limits of
	// calls are then leveled between them.
	Shared bool
	// KeepCalls is how many of the last calls are kept with both of their sides, of whose
	// bodies the first 4 KiB (1,024); a negative number keeps none.
	KeepCalls int
}

// OAuth says how long codes, tokens and sessions of the OAuth server are valid, by
// [Config].Now, and how often a login may fail. Zero means the default; New refuses a
// negative number, and a time below a second.
type OAuth struct {
	// CodeLife is how long an app has to exchange a code (1 min).
	CodeLife time.Duration
	// TokenLife is how long an access token is valid (1 h).
	TokenLife time.Duration
	// RefreshLife is how long a refresh token is valid (30 days). Each refresh
	// issues a new one.
	RefreshLife time.Duration
	// SessionIdle is how long the login at the platform lasts after it was
	// last used or checked by an app (30 min).
	SessionIdle time.Duration
	// SessionLife is how long the login at the platform lasts at most, and all
	// tokens that come of it, however much they are used (30 days).
	SessionLife time.Duration

	// LoginFailures is how many attempts to log in may fail within LoginWindow (5
	// in 15 min) for one login from one address. After that, one more may fail each
	// LoginWindow / LoginFailures. For one login from all addresses, and for one
	// address, fixed multiples of it are allowed. A browser in which a user has
	// logged in before has its own count for that user, so others cannot lock the
	// user out there. Behind a proxy that is not among TrustedProxies all callers
	// have one address, so one caller that fails often locks all others out.
	LoginFailures int
	LoginWindow   time.Duration

	// SecureCookies marks the cookies of the login page as for HTTPS only.
	// Set it behind a proxy that ends TLS; over TLS they are marked always.
	SecureCookies bool
}

// Limits bounds what one peer can use. Sizes are bytes; zero means the
// default, a negative number is refused by New.
type Limits struct {
	// ConnectionsPerKey bounds the live channel connections of a key (100).
	ConnectionsPerKey int
	// AppsPerDomain bounds the apps of a domain that platform/app/create makes
	// (1,000). Calls at the same moment may pass it by one each.
	AppsPerDomain int
	// KeysPerApp bounds the keys of an app that platform/key/create makes (500).
	// Calls at the same moment may pass it by one each.
	KeysPerApp int
	// ChangesPerKey bounds the calls of an admin key that change something, within
	// SignWindowPast and SignWindow together and at one platform (50,000): their
	// signatures are remembered for so long, so that none counts twice. With
	// RefuseReplays it bounds all calls of a key.
	ChangesPerKey int
	// TopicsPerConnection bounds the queues consumed on one connection (64).
	TopicsPerConnection int
	// Window bounds the unacknowledged deliveries of a connection (256).
	Window int
	// SmallWindow is the window of a peer that has not sent a ping (16).
	SmallWindow int
	// WindowBytes bounds the unacknowledged deliveries, with all their texts, of a
	// connection: no further one is sent once they reach it (8 MiB).
	WindowBytes int

	// MaxBody bounds the body of one message (1 MiB).
	MaxBody int
	// RoutingKey, Topic and ContentType bound these names (256 each).
	RoutingKey, Topic, ContentType int

	// RequestBody bounds the body of an HTTP request. The default, three
	// times MaxBody and 1 MiB more, has room for an escaped message.
	RequestBody int64
	// FormsInFlight bounds the forms of all calls that are being served, over
	// the whole platform; a call beyond it gets 503. RequestBody must not be
	// larger (256 MiB). Forms that are still being read have an eighth more,
	// for all together: those that take long make room for newer ones.
	FormsInFlight int64
	// Parameters bounds the parameters of a call (1,000).
	Parameters int
	// Read bounds the messages of one notify/read or notify/peek (1,000).
	Read int
	// ReadBytes ends these calls early: they take no further messages once
	// the answer has reached it (4 MiB). All such answers together have a quarter
	// of FormsInFlight until they are written, and at least four times ReadBytes; those
	// of one key have half of that.
	ReadBytes int
}

// withDefaults returns a copy of c with the zero fields filled.
func (c Config) withDefaults() Config {
	if c.BasePath == "" || c.BasePath[0] == '/' { // check refuses others
		c.BasePath = cleanBase(c.BasePath)
	}
	c.PublicURL = cleanPublicURL(c.PublicURL)
	setDefault(&c.SignWindowPast, c.SignWindow) // which is zero unless it was set
	setDefault(&c.SignWindowPast, 25*time.Hour)
	setDefault(&c.SignWindow, 10*time.Minute)
	setDefault(&c.PingInterval, 30*time.Second)
	setDefault(&c.PongTimeout, 10*time.Second)
	setDefault(&c.WriteTimeout, 30*time.Second)
	setDefault(&c.BodyTimeout, 30*time.Second)
	setDefault(&c.PushTimeout, 30*time.Second)
	setDefault(&c.KeepHistory, 2<<20)
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Trace == nil {
		c.Trace = &Trace{}
	}
	c.OAuth = c.OAuth.withDefaults()
	c.Limits = c.Limits.withDefaults()
	return c
}

func (o OAuth) withDefaults() OAuth {
	setDefault(&o.CodeLife, time.Minute)
	setDefault(&o.TokenLife, time.Hour)
	setDefault(&o.RefreshLife, 30*24*time.Hour)
	setDefault(&o.SessionIdle, 30*time.Minute)
	setDefault(&o.SessionLife, 30*24*time.Hour)
	setDefault(&o.LoginFailures, 5)
	setDefault(&o.LoginWindow, 15*time.Minute)
	return o
}

func (l Limits) withDefaults() Limits {
	setDefault(&l.ConnectionsPerKey, 100)
	setDefault(&l.AppsPerDomain, 1000)
	setDefault(&l.KeysPerApp, 500)
	setDefault(&l.ChangesPerKey, 50_000)
	setDefault(&l.TopicsPerConnection, 64)
	setDefault(&l.Window, 256)
	setDefault(&l.SmallWindow, min(16, l.Window))
	setDefault(&l.WindowBytes, 8<<20)
	setDefault(&l.MaxBody, 1<<20)
	setDefault(&l.RoutingKey, 256)
	setDefault(&l.Topic, 256)
	setDefault(&l.ContentType, 256)
	setDefault(&l.RequestBody, 3*int64(l.MaxBody)+1<<20)
	setDefault(&l.FormsInFlight, max(256<<20, l.RequestBody))
	setDefault(&l.Parameters, 1000)
	setDefault(&l.Read, 1000)
	setDefault(&l.ReadBytes, 4<<20)
	return l
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// cleanBase returns base with a leading and without a trailing slash; the
// root is the empty string.
func cleanBase(base string) string {
	if base == "" {
		base = "/api"
	}
	base = strings.Trim(base, "/")
	if base == "" {
		return ""
	}
	return "/" + base
}

// check returns an error if a configuration with its defaults is not valid.
func (c Config) check() error {
	switch {
	case c.Store == nil:
		return errors.New("platform: Config.Store is nil; platform/memory has one")
	case c.Queues == nil:
		return errors.New("platform: Config.Queues is nil; platform/memory has one")
	case c.RefuseReplays && (c.SignWindow < 0 || c.SignWindowPast < 0):
		return errors.New("platform: Config.RefuseReplays needs windows of signatures with an end: set SignWindow and SignWindowPast to times")
	case !c.ErrorCodes.valid():
		return fmt.Errorf("platform: Config.ErrorCodes %q is none of %q and %q", string(c.ErrorCodes), WordCodes, PrismCodes)
	case strings.ContainsAny(c.BasePath, "?#%"), c.BasePath != "" && c.BasePath[0] != '/':
		return fmt.Errorf("platform: Config.BasePath %q must be a plain path such as /api", c.BasePath)
	case c.PingInterval < 0 || c.PongTimeout < 0 || c.WriteTimeout < 0 || c.BodyTimeout < 0 || c.PushTimeout < 0:
		return errors.New("platform: PingInterval, PongTimeout, WriteTimeout, BodyTimeout and PushTimeout must not be negative")
	case c.Users != nil && path.Base(c.BasePath) == "oauth":
		return fmt.Errorf("platform: Config.BasePath %q is where the OAuth server lies; choose another", c.BasePath)
	}
	if err := c.checkProxies(); err != nil {
		return err
	}
	if g := c.Gateway; g.Timeout < 0 || g.IdleTimeout < 0 || g.Breaker < 0 {
		return errors.New("platform: Timeout, IdleTimeout and Breaker of Config.Gateway must not be negative")
	}
	if err := c.OAuth.check(); err != nil {
		return err
	}
	return c.Limits.check()
}

func (c Config) checkProxies() error {
	for _, proxy := range c.TrustedProxies {
		if !proxy.IsValid() || proxy.Addr().Is4In6() {
			return fmt.Errorf("platform: Config.TrustedProxies has %v: write an IPv4 or IPv6 prefix such as 10.0.0.0/8", proxy)
		}
	}
	if c.PublicURL != nil && !isPublicURL(c.PublicURL) {
		return fmt.Errorf("platform: Config.PublicURL %q must be a scheme and a host, such as https://prism.example", c.PublicURL.Redacted())
	}
	return nil
}

func (o OAuth) check() error {
	for _, life := range []struct {
		name  string
		value time.Duration
	}{
		{"CodeLife", o.CodeLife},
		{"TokenLife", o.TokenLife},
		{"RefreshLife", o.RefreshLife},
		{"SessionIdle", o.SessionIdle},
		{"SessionLife", o.SessionLife},
		{"LoginWindow", o.LoginWindow},
	} {
		if life.value < time.Second || life.value > maxLife {
			return fmt.Errorf("platform: OAuth.%s is %v; it must be a second to %v", life.name, life.value, maxLife)
		}
	}
	if o.LoginFailures < 1 || o.LoginFailures > maxLoginFailures {
		return fmt.Errorf("platform: OAuth.LoginFailures is %d; it must be 1 to %d", o.LoginFailures, maxLoginFailures)
	}
	return nil
}

// Beyond these bounds, sums of lives and multiples of failures would overflow.
const (
	maxLife          = 50 * 365 * 24 * time.Hour
	maxLoginFailures = math.MaxInt32 / perAddress
)

func (l Limits) check() error {
	positive := []struct {
		name  string
		value int64
		max   int64
	}{
		{"ConnectionsPerKey", int64(l.ConnectionsPerKey), math.MaxInt64},
		{"AppsPerDomain", int64(l.AppsPerDomain), math.MaxInt64},
		{"KeysPerApp", int64(l.KeysPerApp), math.MaxInt64},
		{"TopicsPerConnection", int64(l.TopicsPerConnection), math.MaxInt64},
		{"Window", int64(l.Window), math.MaxInt64},
		{"SmallWindow", int64(l.SmallWindow), int64(l.Window)},
		{"WindowBytes", int64(l.WindowBytes), math.MaxInt64},
		{"MaxBody", int64(l.MaxBody), math.MaxInt32},
		{"RoutingKey", int64(l.RoutingKey), math.MaxUint16},
		{"Topic", int64(l.Topic), math.MaxUint16},
		{"ContentType", int64(l.ContentType), math.MaxUint16},
		{"RequestBody", l.RequestBody, l.FormsInFlight},
		{"FormsInFlight", l.FormsInFlight, math.MaxInt64},
		{"Parameters", int64(l.Parameters), math.MaxInt64},
		{"Read", int64(l.Read), math.MaxInt64},
		{"ReadBytes", int64(l.ReadBytes), math.MaxInt64},
	}
	for _, p := range positive {
		if p.value < 1 || p.value > p.max {
			return fmt.Errorf("platform: Limits.%s is %d; it must be 1 to %d", p.name, p.value, p.max)
		}
	}
	return nil
}
