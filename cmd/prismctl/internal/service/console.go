package service

import (
	"cmp"
	"net/http"
	"strings"

	"github.com/shopex/prism-go"
	"github.com/shopex/prism-go/platform"
	"github.com/shopex/prism-go/platform/console"
)

// aroundPlatform returns the handler that is served: the platform, with the console before
// it if there is one.
func (s *service) aroundPlatform(p *platform.Platform) (http.Handler, error) {
	if s.Console == "off" || s.Console == "auto" && !s.amongItself() {
		return p, nil
	}
	c, err := console.New(console.Config{Platform: p, Store: s.engine.Store, Registry: s.registry, Links: s.amongItself(), Version: prism.Version, Logger: s.log})
	if err != nil {
		return nil, err
	}
	s.console = c
	return c.Mount(p), nil
}

// consoleLink returns the address of the console; where only this machine reaches it, one
// that lets in whoever opens it first.
func (s *service) consoleLink() string {
	if s.console == nil {
		return ""
	}
	origin := strings.TrimSuffix(s.host.url, "/api")
	if !s.amongItself() {
		return cmp.Or(strings.TrimRight(s.PublicURL, "/"), origin) + s.console.Base() + "/"
	}
	return origin + s.console.Link()
}

// consoleIntroduction says to people where the console is.
func (s *service) consoleIntroduction(link string) string {
	switch {
	case link == "":
		return ""
	case s.amongItself():
		return "\nThe console shows what goes on. This address opens it once:\n\n    " + link + "\n"
	}
	return "\nThe console is at " + link + " for users with a role (prismctl user role).\n"
}
