package settings

import (
	"fmt"
	"strings"
	"time"

	"github.com/shopex/prism-go/internal/guard"
	"github.com/shopex/prism-go/platform"
)

// Gateway is the settings of services, and of how calls reach their backends.
type Gateway struct {
	API     []string `is:"file" name:"api" config:"api" placeholder:"FILE|URL|DIR,..." help:"Offer the APIs of an api.json, on line, to the first app; or of all files of a list such as api.txt, or of a directory: those of its api.txt, or else each that ends in .json. May be repeated."`
	Backend []string `config:"backend" placeholder:"PREFIX=URL,..." help:"Where calls below a prefix go: instead of the address in the api.json, or without one, whatever the rest of the path is. May be repeated."`
	Mock    []string `is:"file" config:"mock" placeholder:"FILE|URL|DIR,..." help:"Offer the APIs of an api.json, each of which answers with the sample that stands there. May be repeated."`

	BackendPrivate  bool          `config:"backend-private" help:"Let the backends of services that others import be in private networks, too. What these settings name may be there anyway."`
	BackendLoopback bool          `config:"backend-loopback" help:"Let them be on this machine, too. They may be wherever --listen is an address of this machine, and neither --public-url nor --trusted-proxies says that others come through a proxy."`
	BackendTimeout  time.Duration `config:"backend-timeout" default:"10s" placeholder:"D" help:"How long a backend may take to begin its answer (${default}), where its api.json does not say it."`
	BackendIdle     time.Duration `name:"backend-idle-timeout" config:"backend-idle-timeout" default:"60s" placeholder:"D" help:"How long the body of a call or an answer may stand still (${default})."`
	BackendBreaker  int           `config:"backend-breaker" default:"0" placeholder:"N" help:"After how many failures in a row a backend gets no calls for 10 s; 0 is never."`
	KeepCalls       int           `config:"keep-calls" default:"1024" placeholder:"N" help:"How many of the last calls through services are kept to be looked at (${default}); 0 keeps none."`
}

// Platform returns what a platform keeps to. Shared says that others serve the same
// records.
func (g *Gateway) Platform(shared bool) platform.Gateway {
	cfg := platform.Gateway{
		Private: g.BackendPrivate, Loopback: g.BackendLoopback,
		Timeout: g.BackendTimeout, IdleTimeout: g.BackendIdle,
		Breaker: g.BackendBreaker, KeepCalls: g.KeepCalls, Shared: shared,
	}
	if cfg.KeepCalls == 0 {
		cfg.KeepCalls = -1 // zero would be the default
	}
	return cfg
}

// Backends returns the addresses that stand beside prefixes.
func (g *Gateway) Backends() (map[string]string, error) {
	all := map[string]string{}
	for _, text := range g.Backend {
		prefix, address, ok := strings.Cut(text, "=")
		prefix = strings.Trim(strings.TrimSpace(prefix), "/")
		if !ok || prefix == "" {
			return nil, fmt.Errorf("%q is no backend: write PREFIX=URL, such as shop=http://127.0.0.1:9000", text)
		}
		if _, err := guard.ParseAddress(address); err != nil {
			return nil, fmt.Errorf("the backend of %s: %w", prefix, err)
		}
		if all[prefix] != "" {
			return nil, fmt.Errorf("there are two backends for %s", prefix)
		}
		all[prefix] = address
	}
	return all, nil
}

func (g *Gateway) check(from Sources, nats string) error {
	if _, err := g.Backends(); err != nil {
		return fmt.Errorf("%s: %w", from["backend"], err)
	}
	switch {
	case g.BackendTimeout <= 0:
		return fmt.Errorf("%s must be more than 0, such as 10s", from["backend-timeout"])
	case g.BackendIdle <= 0:
		return fmt.Errorf("%s must be more than 0, such as 60s", from["backend-idle-timeout"])
	case g.BackendBreaker < 0:
		return fmt.Errorf("%s must not be negative; 0 is never", from["backend-breaker"])
	case g.KeepCalls < 0:
		return fmt.Errorf("%s must not be negative; 0 keeps none", from["keep-calls"])
	case len(g.Mock) > 0 && nats != "":
		return fmt.Errorf("%s: a mock is in this process, and the platforms that share %s cannot reach it", from["mock"], from["nats"])
	}
	return nil
}
