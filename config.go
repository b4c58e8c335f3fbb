package prism

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Config says how a [Client] reaches the platform. Server, Key and Secret are
// required. Of every other field, and of every field of [Retry], zero and nil mean
// the default; [New] refuses a negative number.
type Config struct {
	// Server is the base URL of the API, such as https://example.com/api.
	// A trailing slash is ignored.
	Server string

	// Key and Secret identify the application. Secret signs the requests; it
	// appears in no URL (unless SecretMode is set), no log record and no error.
	Key, Secret string

	// Token is the access token of the user for whom calls are made. If empty,
	// calls are made for no user. [Call] and [Client.WithToken] override it.
	Token string

	// HTTPClient gives the Transport, the Jar and the Timeout, if that is less
	// than the one below. It is never changed. Redirects are not followed,
	// because the signature would not fit. If nil, New makes a Transport that
	// verifies TLS, uses the proxy settings of the environment and keeps up
	// to 100 idle connections.
	HTTPClient *http.Client

	// WrapTransport wraps that Transport, or its default, in what watches or
	// changes requests, such as the Transport of otelhttp. What wraps it sees the
	// calls, but not the secret or a signature, be it in the URL or in the body; passwords and
	// tokens among the parameters read ***. The header has the user's token. It may change
	// the header, except what is signed; all other changes are without effect.
	// It must send each request once, with the context, or not at all, and not answer
	// from a cache. If nil, nothing wraps the Transport. A Transport of HTTPClient sees
	// each URL with its signature instead.
	WrapTransport func(http.RoundTripper) http.RoundTripper

	// Trace has functions to be called at the stages of calls. If nil, none are.
	Trace *Trace

	// Limiter is waited for before each try of a call, and not before a handshake
	// of a channel. The time that takes counts for neither Timeout nor, before the
	// first try, Retry.Within. If nil, calls are not limited.
	Limiter Limiter

	// Logger gets a record when a call is given up (Error), when one is repeated
	// (Warn), when the clock is corrected (Info), and for each request (Debug).
	// If nil, nothing is logged.
	Logger *slog.Logger

	// Timeout bounds one try, from the dial to the last byte of the answer.
	// Zero means 30 seconds.
	Timeout time.Duration

	// Retry says how often and for how long calls are repeated.
	Retry Retry

	// SecretMode sends the secret itself with each request, in the query or
	// the form, and signs nothing. Servers and proxies write queries into
	// their logs: prefer signatures. Over plain http it is refused, except to
	// this machine.
	SecretMode bool

	// MaxBody bounds the body of an answer, in bytes after decompression.
	// Zero means 32 MiB. A longer one gives a [BodyTooLargeError].
	MaxBody int64
}

// Retry says how often a call is repeated and how long to wait in between.
// [Call] says which calls are repeated. Zero means the default, as in [Config].
type Retry struct {
	// Tries is the number of tries in all, the first one included. Zero means
	// 3; with [OneTry] nothing is repeated.
	Tries int

	// Within bounds the time from the start of the first try to the start of
	// the last. Zero means 10 seconds.
	Within time.Duration

	// Min and Max bound the wait. Before try n+1 it is a random time between
	// zero and Min doubled n-1 times, or Max if that is less; an answer's
	// Retry-After is a lower bound. Zero means 200 milliseconds and 5 seconds.
	Min, Max time.Duration
}

// OneTry is the value of Retry.Tries with which no call is repeated.
const OneTry = 1

const (
	defaultTimeout = 30 * time.Second
	defaultTries   = 3
	defaultWithin  = 10 * time.Second
	defaultMin     = 200 * time.Millisecond
	defaultMax     = 5 * time.Second
	defaultMaxBody = 32 << 20
	idlePerHost    = 100
)

func (c *Config) setDefaults() {
	c.Timeout = cmp.Or(c.Timeout, defaultTimeout)
	if c.HTTPClient != nil && c.HTTPClient.Timeout > 0 {
		c.Timeout = min(c.Timeout, c.HTTPClient.Timeout)
	}
	c.MaxBody = cmp.Or(c.MaxBody, defaultMaxBody)
	c.Retry.Tries = cmp.Or(c.Retry.Tries, defaultTries)
	c.Retry.Within = cmp.Or(c.Retry.Within, defaultWithin)
	c.Retry.Max = cmp.Or(c.Retry.Max, max(defaultMax, c.Retry.Min))
	c.Retry.Min = cmp.Or(c.Retry.Min, min(defaultMin, c.Retry.Max))
}

// check returns the parsed Server, or says what is wrong and what to do.
func (c *Config) check() (*url.URL, error) {
	base, err := parseServer(c.Server)
	if err != nil {
		return nil, err
	}
	if err := c.checkIdentity(); err != nil {
		return nil, err
	}
	if err := c.checkNumbers(); err != nil {
		return nil, err
	}
	if c.SecretMode && base.Scheme == "http" && !isLoopback(base.Hostname()) {
		return nil, fmt.Errorf("prism: Config.SecretMode would send the secret in clear to %s: use https, or leave SecretMode off", base.Host)
	}
	return base, nil
}

func (c *Config) checkIdentity() error {
	for _, f := range []struct{ name, value string }{{"Key", c.Key}, {"Secret", c.Secret}} {
		if f.value == "" {
			return fmt.Errorf("prism: Config.%s is empty: take it from the application's page on the platform", f.name)
		}
		if i := strings.IndexFunc(f.value, blankOrHidden); i >= 0 {
			r, _ := utf8.DecodeRuneInString(f.value[i:])
			return fmt.Errorf("prism: Config.%s has white space or an invisible character at byte %d, %s: was it copied with it?", f.name, i, characterName(r))
		}
	}
	return checkToken(c.Token)
}

func (c *Config) checkNumbers() error {
	r := c.Retry
	for _, f := range []struct {
		name  string
		value int64
	}{
		{"Timeout", int64(c.Timeout)}, {"MaxBody", c.MaxBody}, {"Retry.Tries", int64(r.Tries)},
		{"Retry.Within", int64(r.Within)}, {"Retry.Min", int64(r.Min)}, {"Retry.Max", int64(r.Max)},
	} {
		if f.value < 0 {
			return fmt.Errorf("prism: Config.%s is negative: leave it zero for the default", f.name)
		}
	}
	if r.Max > 0 && r.Min > r.Max {
		return fmt.Errorf("prism: Config.Retry.Min is %v and above Max, which is %v", r.Min, r.Max)
	}
	return nil
}

func parseServer(server string) (*url.URL, error) {
	if server == "" {
		return nil, errors.New("prism: Config.Server is empty: give the base URL of the API, such as https://example.com/api")
	}
	if i := strings.IndexFunc(server, blankOrHidden); i >= 0 {
		r, _ := utf8.DecodeRuneInString(server[i:])
		return nil, fmt.Errorf("prism: Config.Server has white space or an invisible character at byte %d, %s: give the bare address", i, characterName(r))
	}
	u, err := url.Parse(server)
	if err != nil {
		// The text of err quotes the URL, and with it a password. The text of the
		// reason may quote the password as the port.
		if !strings.Contains(server, "://") {
			return nil, errNoScheme
		}
		why, _, _ := strings.Cut(reason(err).Error(), " \"")
		return nil, errors.New("prism: Config.Server is not a URL: " + why)
	}
	if err := checkServer(u); err != nil {
		return nil, err
	}
	u.Path, u.RawPath = strings.TrimRight(u.Path, "/"), strings.TrimRight(u.RawPath, "/")
	return u, nil
}

var errNoScheme = errors.New("prism: Config.Server must begin with https:// or http://")

func checkServer(u *url.URL) error {
	switch {
	case u.Scheme == "ws" || u.Scheme == "wss":
		return errors.New("prism: Config.Server is a WebSocket URL: give the http or https URL of the API, channels are opened from it")
	case u.Scheme != "http" && u.Scheme != "https":
		return errNoScheme
	case u.User != nil:
		return errors.New("prism: Config.Server holds a user name or password: the platform knows only Key and Secret")
	case u.Hostname() == "":
		return errors.New("prism: Config.Server names no host")
	case u.RawQuery != "" || u.ForceQuery:
		return errors.New("prism: Config.Server has a query: give it with each call")
	case u.Fragment != "":
		return errors.New("prism: Config.Server has a fragment: cut it off at the #")
	case hasDots(u.Path):
		return errors.New("prism: Config.Server has a . or .. segment: give the plain path")
	}
	return nil
}

// blankOrHidden reports whether r cannot be seen in a key or a secret. A byte that
// is not UTF-8 is read as U+FFFD.
func blankOrHidden(r rune) bool {
	return unicode.IsSpace(r) || !unicode.IsGraphic(r) || r == unicode.ReplacementChar
}

// characterName returns the name of an invisible character for an error.
func characterName(r rune) string {
	switch r {
	case ' ':
		return "a blank"
	case '\r', '\n':
		return "a line break"
	case '\ufeff':
		return "a byte order mark (U+FEFF)"
	case '\u200b':
		return "a zero width space (U+200B)"
	case '\u00ad':
		return "a soft hyphen (U+00AD)"
	case '\u202e':
		return "a right-to-left override (U+202E)"
	case unicode.ReplacementChar:
		return "a byte that is not UTF-8"
	}
	return fmt.Sprintf("%U", r)
}

func isLoopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.Unmap().IsLoopback()
}

func newShared(cfg Config) (*shared, error) {
	s := &shared{cfg: cfg, log: cfg.Logger, random: rand.Float64}
	s.clock.now = time.Now
	s.http1.Store(strings.HasPrefix(cfg.Server, "http:"))
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	switch given := cfg.HTTPClient; {
	case given == nil:
		s.transport = newTransport()
	case given.Transport == nil:
		s.transport, s.jar = http.DefaultTransport, given.Jar
	default:
		s.transport, s.jar = given.Transport, given.Jar
	}
	if recordsURLs(s.transport) {
		return nil, errRecordsURLs
	}
	if cfg.WrapTransport != nil {
		if s.wrapped = cfg.WrapTransport(sealedTransport{}); s.wrapped == nil {
			return nil, errors.New("prism: Config.WrapTransport returned nil: return what wraps its argument")
		}
	}
	return s, nil
}

func newTransport() http.RoundTripper {
	t, ok := http.DefaultTransport.(*http.Transport)
	if !ok {
		return http.DefaultTransport // the program has replaced it on purpose
	}
	t = t.Clone()
	t.MaxIdleConnsPerHost = idlePerHost
	return t
}
