package gateway

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/shopex/prism-go/apijson"
	"github.com/shopex/prism-go/internal/guard"
)

// A Service is a service with its APIs prepared for Find and Forward. It does not change.
type Service struct {
	ID, Prefix string
	Online     bool
	File       *apijson.Service

	trusted  bool
	elements []string             // of the prefix
	live     *endpoint            // nil if the service has only a sandbox
	sandbox  *endpoint            // nil if there is none
	nodes    map[string]*endpoint // by node_id
	tests    map[string]*endpoint // nodes of the sandbox
	added    map[string]bool      // the global parameters, by the names that PHP gives them
	routes   route                // in mode Path
	byID     map[string]*apijson.API
}

// An endpoint is one address of a service with the config values that count there.
type endpoint struct {
	url     *url.URL
	base    string // path of the URL, escaped, without a slash at its end
	query   url.Values
	config  map[string]string
	secrets []string // values of config that are never shown
	breaker breaker
}

// Compile prepares a service. The error says what of it no call could be sent by, such as
// an address that is no URL.
func Compile(file *apijson.Service, b Backend) (*Service, error) {
	s := &Service{ID: b.ID, Prefix: file.Prefix, Online: b.Online, File: file, trusted: b.Trusted}
	s.elements = prefixElements(file.Prefix)
	if len(s.elements) == 0 {
		return nil, errors.New("the prefix is empty")
	}
	if err := s.checkParams(); err != nil {
		return nil, err
	}
	if err := s.connect(b); err != nil {
		return nil, err
	}
	return s, s.addAPIs()
}

// checkParams remembers the global parameters. It returns an error for one that cannot be made.
func (s *Service) checkParams() error {
	s.added = map[string]bool{}
	for _, p := range s.File.GlobalParams {
		if p.Place != apijson.None {
			s.added[phpName(p.Name)] = true
		}
		if p.ValueType == apijson.Sign && p.Place != apijson.None && secretName(p.Format) == "" {
			return fmt.Errorf("the global parameter %q has the format %q, which is no scheme of signatures: write prism, ecos or shopex", p.Name, p.Format)
		}
	}
	return nil
}

// connect prepares the addresses of a service.
func (s *Service) connect(b Backend) error {
	values := defaults(s.File.ConfigValues)
	maps.Copy(values, b.Config)
	live, sandbox := orElse(b.URL, s.File.URL), orElse(b.Sandbox, s.File.SandboxURL)
	if live == "" && sandbox == "" {
		return errors.New("the service has no url")
	}
	var err error
	if s.live, err = s.endpoint("url", live, values); err != nil {
		return err
	}
	if s.sandbox, err = s.endpoint("sandbox_url", sandbox, values); err != nil {
		return err
	}
	s.nodes, s.tests = map[string]*endpoint{}, map[string]*endpoint{}
	for id, data := range b.Nodes {
		own := maps.Clone(values)
		maps.Copy(own, data)
		delete(own, nodeURL)
		if s.nodes[id], err = s.endpoint("@url of node "+id, orElse(data[nodeURL], live), own); err != nil {
			return err
		}
		if s.tests[id], err = s.endpoint("sandbox_url", sandbox, own); err != nil {
			return err
		}
	}
	return nil
}

// nodeURL is the member of a node that replaces the url. A call to the sandbox never goes
// there.
const nodeURL = "@url"

// defaults returns the defaults of config values. A secret has none: a file that anybody
// may read would say by what calls are signed.
func defaults(values []apijson.ConfigValue) map[string]string {
	own := make(map[string]string, len(values))
	for _, v := range values {
		if !v.Secret {
			own[v.Name] = v.Default
		}
	}
	return own
}

func orElse(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// endpoint prepares an address; it returns nil if there is none.
func (s *Service) endpoint(name, address string, config map[string]string) (*endpoint, error) {
	if address == "" {
		return nil, nil
	}
	u, err := guard.ParseAddress(address)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return nil, fmt.Errorf("%s: the query cannot be read", name)
	}
	base := strings.TrimRight(u.EscapedPath(), "/")
	if _, ok := readings(base); !ok {
		return nil, fmt.Errorf("%s: the path must not have . or .. as an element", name)
	}
	return &endpoint{url: u, base: base, query: query, config: config, secrets: s.secrets(config)}, nil
}

// secrets returns the values that are marked secret, and those that sign. The longest is the
// first, or of one that begins with another the rest would be shown.
func (s *Service) secrets(config map[string]string) []string {
	names := map[string]bool{}
	for _, v := range s.File.ConfigValues {
		names[v.Name] = v.Secret
	}
	for _, p := range s.File.GlobalParams {
		if p.ValueType == apijson.Sign {
			names[secretName(p.Format)] = true
		}
	}
	var values []string
	for name, secret := range names {
		if secret && config[name] != "" {
			values = append(values, config[name])
		}
	}
	slices.SortFunc(values, func(a, b string) int { return cmp.Compare(len(b), len(a)) })
	return values
}

// addAPIs prepares the APIs for Find.
func (s *Service) addAPIs() error {
	s.byID = make(map[string]*apijson.API, len(s.File.APIs))
	for i := range s.File.APIs {
		api := &s.File.APIs[i]
		if s.byID[api.ID] == nil {
			s.byID[api.ID] = api
		}
		if s.File.Mode == apijson.Param {
			continue
		}
		if err := s.routes.add(api); err != nil {
			return err
		}
	}
	return nil
}
