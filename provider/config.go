package provider

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/shopex/prism-go/apijson"
)

// A Scheme is how the platform signs its calls; see the package comment.
type Scheme = apijson.Scheme

// The schemes that a Provider verifies.
const (
	Prism  = apijson.Prism
	ECOS   = apijson.ECOS
	ShopEx = apijson.ShopEx
)

// An Envelope is what is around a result or an error.
type Envelope int

const (
	// JSONRPC is {"jsonrpc":"2.0","result":…,"id":…}, or "error":{"code":…,"message":…,"data":…}
	// in the place of the result. id is the ID of the request.
	JSONRPC Envelope = iota
	// Result is {"error":null,"result":…}, or {"error":{"code":…,"message":…},"result":null}.
	Result
	// Rsp is {"rsp":"succ","res":"","data":…}, or {"rsp":"fail","res":CODE,"err_msg":…,"data":…}.
	Rsp
	// Plain is the result alone, or {"error":{"code":…,"message":…,"data":…}}. Only the HTTP
	// status tells them apart.
	Plain
)

// Config says how a Provider behaves. Secrets are required, or Unsigned; every other field
// has a useful zero value.
type Config struct {
	// Scheme is how calls are signed. If empty, Prism.
	Scheme Scheme
	// Secrets are the secrets or tokens that the platform may sign with: one, and a second
	// one while it is being replaced.
	Secrets []string
	// SignParam is the parameter that carries the signature. If empty, "sign", and "ac" for
	// ShopEx.
	SignParam string
	// Window is how far the time of a call, in its parameter sign_time, may be from Now. Zero
	// means 10 minutes, a negative number any time. Calls without sign_time have no age,
	// unless RequireTime refuses them.
	Window      time.Duration
	RequireTime bool
	// Unsigned lets calls without a signature through. With Secrets they have no caller and
	// no user, and a wrong signature is still refused. Without Secrets no signature is looked at,
	// and what a request says of its caller and user is believed: only where nobody but the
	// platform can reach the provider.
	Unsigned bool

	// BasePath is the path of the URL that the platform has for this backend, such as
	// "/index.php/api". Patterns of Handle lie below it. If empty, the path of About.URL.
	BasePath string
	// StrippedPath is what a proxy in front of the provider takes from the beginning of paths.
	// The platform has signed it.
	StrippedPath string
	// MethodParam is the parameter that names the function of Method. If empty, "method".
	MethodParam string
	// MaxBody is how many bytes a body may have: more is refused with status 413. Zero means
	// 10 MiB.
	MaxBody int64

	// Envelope is what is around answers. If zero, JSONRPC.
	Envelope Envelope
	// StringCodes writes the codes of errors as strings, as PHP's provider does, and not as
	// numbers.
	StringCodes bool
	// AlwaysOK answers errors with status 200, too, as PHP's provider does. Plain has no
	// other sign of an error than the status and does not heed it.
	AlwaysOK bool

	// Explain tells a caller why its signature is refused. Set it while a backend is set up:
	// the reason helps those who try secrets, too.
	Explain bool
	// Logger gets a record for each call that is refused, with the reason, and for each
	// function that fails or panics. No record has a secret, a signature or a parameter. If
	// nil, slog.Default.
	Logger *slog.Logger
	// Now is the clock. If nil, time.Now.
	Now func() time.Time

	// About describes the service in its api.json, see APIJSON: a platform needs its Prefix,
	// and its URL, which is the public address of this provider. APIs, Mode and ParamName
	// are those of the functions.
	About apijson.Service
	// APIJSONPath is a path at which the api.json is served to everybody, such as "/api.json".
	// If empty, it is not.
	APIJSONPath string
}

const (
	defaultWindow = 10 * time.Minute
	maxBody       = 10 << 20
	maxSecrets    = 2
)

func (cfg *Config) setDefaults() {
	if cfg.Scheme == "" {
		cfg.Scheme = Prism
	}
	if cfg.SignParam == "" {
		cfg.SignParam = "sign"
		if cfg.Scheme == ShopEx {
			cfg.SignParam = "ac"
		}
	}
	if cfg.Window == 0 {
		cfg.Window = defaultWindow
	}
	if cfg.MethodParam == "" {
		cfg.MethodParam = "method"
	}
	if cfg.MaxBody == 0 {
		cfg.MaxBody = maxBody
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if u, err := url.Parse(cfg.About.URL); err == nil && cfg.BasePath == "" {
		cfg.BasePath = u.Path
	}
	cfg.BasePath = "/" + strings.Trim(cfg.BasePath, "/")
	cfg.StrippedPath = strings.TrimSuffix(cfg.StrippedPath, "/")
}

func (cfg *Config) check() error {
	switch {
	case cfg.Scheme != Prism && cfg.Scheme != ECOS && cfg.Scheme != ShopEx:
		return fmt.Errorf("provider: unknown Scheme %q: want %q, %q or %q", cfg.Scheme, Prism, ECOS, ShopEx)
	case len(cfg.Secrets) == 0 && !cfg.Unsigned:
		return errors.New("provider: no Secrets: give the secret that the platform signs with, or say Unsigned")
	case slices.Contains(cfg.Secrets, ""):
		return errors.New("provider: one of Secrets is empty: anybody could sign with it. Is a variable not set?")
	case len(cfg.Secrets) > maxSecrets:
		return fmt.Errorf("provider: %d Secrets: two are enough while one is being replaced", len(cfg.Secrets))
	case cfg.Envelope < JSONRPC || cfg.Envelope > Plain:
		return fmt.Errorf("provider: unknown Envelope %d", cfg.Envelope)
	case cfg.MaxBody < 0:
		return fmt.Errorf("provider: MaxBody is %d: want a number of bytes", cfg.MaxBody)
	case strings.ContainsAny(cfg.BasePath, "{}"):
		return fmt.Errorf("provider: BasePath %q has braces: it is a path, not a pattern", cfg.BasePath)
	}
	return nil
}

// A Provider is an http.Handler that serves the functions of an API provider.
type Provider struct {
	cfg       Config
	mux       *http.ServeMux
	paths     []*route
	methods   map[string]*route
	ids       map[string]bool
	order     []*route
	diagnosis chan struct{} // has a place while somebody looks for the reason of a wrong signature
}

// New returns a Provider, or an error that says what is wrong with cfg.
func New(cfg Config) (*Provider, error) {
	cfg.setDefaults()
	cfg.Secrets = slices.Clone(cfg.Secrets)
	if err := cfg.check(); err != nil {
		return nil, err
	}
	p := &Provider{
		cfg: cfg, mux: http.NewServeMux(), methods: map[string]*route{}, ids: map[string]bool{},
		diagnosis: make(chan struct{}, 1),
	}
	if len(cfg.Secrets) == 0 {
		cfg.Logger.Warn("provider: calls are not verified, as the configuration says")
	}
	return p, nil
}
