package console

import (
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/shopex/prism-go/platform"
)

// Config says which platform a console shows. Platform, Store and Registry are required.
type Config struct {
	Platform *platform.Platform
	// Store and Registry are those of the platform. Sessions and the audit log are records
	// of the Store.
	Store    platform.Store
	Registry *platform.Registry
	// APIBase is the BasePath of the platform. If empty, /api.
	APIBase string
	// Base is the path of the console. If empty, /console, beside APIBase: /x/console for
	// /x/api.
	Base string
	// Links says that sessions that began by a link are good, also those of an earlier
	// Console over the Store. Set it where [Console.Link] is used.
	Links bool
	// Version is shown on the overview, if it is not empty.
	Version string
	// Now is the clock of the platform. If nil, time.Now.
	Now func() time.Time
	// Logger gets failures. If nil, nothing is logged.
	Logger *slog.Logger
}

// A Console serves the pages of a platform. Its methods may be called from any number of
// goroutines.
type Console struct {
	cfg   Config
	base  string // without a slash at the end
	api   string // likewise
	mux   *http.ServeMux
	links links

	changes auditLog
	hashing chan struct{} // holds one for each password that is being hashed
}

// New returns a console. It starts no goroutine.
func New(cfg Config) (*Console, error) {
	if cfg.Platform == nil || cfg.Store == nil || cfg.Registry == nil {
		return nil, errors.New("console: Config needs Platform, Store and Registry")
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	c := &Console{cfg: cfg, api: clean(cfg.APIBase, "/api"), mux: http.NewServeMux(), changes: auditLog{store: cfg.Store}, hashing: make(chan struct{}, 2)}
	c.base = clean(cfg.Base, c.beside()+"console")
	c.routes()
	return c, nil
}

// clean returns a path with a slash at its beginning and none at its end.
func clean(path, otherwise string) string {
	if path == "" {
		path = otherwise
	}
	if path = strings.Trim(path, "/"); path == "" {
		return ""
	}
	return "/" + path
}

// beside returns the path beside which the APIs are, with a slash at its end.
func (c *Console) beside() string { return c.api[:max(0, strings.LastIndexByte(c.api, '/'))] + "/" }

// Base returns the path of the console, without a slash at its end.
func (c *Console) Base() string { return c.base }

// Mount returns a handler that serves the console below its path, sends browsers that open
// "/" there, or the path beside which the APIs are, and gives all else to next.
func (c *Console) Mount(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == c.base || strings.HasPrefix(r.URL.Path, c.base+"/"):
			c.ServeHTTP(w, r)
		case (r.URL.Path == "/" || r.URL.Path == c.beside()) && c.base != "" && r.Method == http.MethodGet && !wantsJSON(r) && strings.Contains(r.Header.Get("Accept"), "text/html"):
			http.Redirect(w, r, c.base+"/", http.StatusFound)
		default:
			next.ServeHTTP(w, r)
		}
	})
}
