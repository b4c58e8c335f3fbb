package platform

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/shopex/prism-go/apijson"
	"github.com/shopex/prism-go/internal/code"
	"github.com/shopex/prism-go/internal/gateway"
)

// The calls about the APIs of services, as the gateway has them ready. Admin keys see those
// of their domain, members those that they have imported, and those that an app of theirs
// may call.

const (
	listedAPIs     = 100 // by default
	mostListedAPIs = 500
	searchBytes    = 256
)

// A groupDoc is a service in a list.
type groupDoc struct {
	ID      string `json:"id"`
	Prefix  string `json:"prefix"`
	Summary string `json:"summary"`
	APIs    int    `json:"apis"`
	Online  bool   `json:"online"`
	Backend string `json:"backend,omitempty"` // for those who manage the service
}

// An apiDoc is an API in a list.
type apiDoc struct {
	ServiceID   string   `json:"service_id"`
	Service     string   `json:"service"` // its prefix
	API         string   `json:"api"`     // the method ID; empty for all of a service that lists none
	Summary     string   `json:"summary"`
	Methods     []string `json:"methods"`         // none is any
	Path        string   `json:"path"`            // of calls, with the base path
	Param       string   `json:"param,omitempty"` // has the method ID in calls, if the path does not tell it
	Online      bool     `json:"online"`
	NeedsUser   bool     `json:"needs_user"`
	Backend     string   `json:"backend,omitempty"`      // where calls go, for those who manage the service
	SandboxPath string   `json:"sandbox_path,omitempty"` // of calls to the sandbox, if there is one
	Sandbox     string   `json:"sandbox,omitempty"`
}

func (p *Platform) newAPIDoc(s *gateway.Service, api *apijson.API, manages bool) apiDoc {
	doc := apiDoc{ServiceID: s.ID, Service: s.Prefix, Methods: []string{}, Online: s.Online, Path: s.Prefix}
	if s.File.Mode == apijson.Param {
		doc.Param = s.File.ParamName
	}
	if api != nil {
		doc.API, doc.Summary, doc.NeedsUser = api.ID, api.Summary, api.RequireOAuth
		doc.Methods = append(doc.Methods, api.Methods...)
		if doc.Param == "" {
			doc.Path += "/" + strings.TrimLeft(api.Route(), "/")
		}
	}
	live, sandbox := s.Addresses(api)
	if sandbox != "" && p.sandboxBase != "" {
		doc.SandboxPath = p.sandboxBase + doc.Path
	}
	doc.Path = p.apiBase + doc.Path
	if manages {
		doc.Backend, doc.Sandbox = live, sandbox
	}
	return doc
}

// A catalogue has what a caller may see of the services of its domain.
type catalogue struct {
	services []*gateway.Service
	known    map[string]knownService
	c        *call
	bound    []APIBinding // of the apps of a member
}

func (p *Platform) catalogue(ctx context.Context, c *call) (*catalogue, error) {
	services, err := p.services.current(ctx, c.app.Exchange())
	if err != nil {
		return nil, err
	}
	all := &catalogue{services: services.list, known: services.known, c: c}
	if c.key.Admin {
		return all, nil
	}
	apps, err := p.registry.Apps(ctx)
	for _, app := range apps {
		if c.provisions(&app) {
			all.bound = append(all.bound, app.APIs...)
		}
	}
	return all, err
}

func (l *catalogue) manages(s *gateway.Service) bool {
	k, ok := l.known[s.ID]
	return ok && l.c.provides(&k.stored.Service)
}

// sees reports whether the caller may know an API, or with nil any of a service.
func (l *catalogue) sees(s *gateway.Service, api *apijson.API) bool {
	if l.manages(s) {
		return true
	}
	app := &App{APIs: l.bound}
	if api == nil {
		return isBound(app, s.ID)
	}
	return bindingFor(app, &gateway.Target{Service: s, API: api, ID: api.ID}) != nil
}

// find returns the service with this ID or prefix that the caller sees, or nil.
func (l *catalogue) find(name string) *gateway.Service {
	i := slices.IndexFunc(l.services, func(s *gateway.Service) bool { return s.ID == name && l.sees(s, nil) })
	if i < 0 {
		i = slices.IndexFunc(l.services, func(s *gateway.Service) bool {
			return s.Prefix == strings.Trim(name, "/") && l.sees(s, nil)
		})
	}
	if i < 0 {
		return nil
	}
	return l.services[i]
}

// apisList lists services and APIs in which each word of q occurs.
func (p *Platform) apisList(ctx context.Context, c *call) (any, error) {
	own := c.params()
	q, err := optional(own, "q", searchBytes)
	if err != nil {
		return nil, err
	}
	of, err := optional(own, "Id", prefixBytes)
	if err != nil {
		return nil, err
	}
	limit, err := numberParam(own, "limit", listedAPIs, mostListedAPIs)
	if err != nil {
		return nil, err
	}
	after, err := c.natural("after", 1_000_000_000)
	if err != nil {
		return nil, err
	}
	all, err := p.catalogue(ctx, c)
	if err != nil {
		return nil, err
	}
	if of != "" {
		s := all.find(of)
		if s == nil {
			return nil, serviceFailure(ErrUnknownService)
		}
		all.services = []*gateway.Service{s}
	}
	return p.apisFound(all, strings.Fields(strings.ToLower(q)), int(after), int(limit)), nil
}

// An apisDoc is a part of what was found. The totals are of all.
type apisDoc struct {
	Services      []groupDoc `json:"services"`
	ServicesTotal int        `json:"services_total"`
	APIs          []apiDoc   `json:"apis"`
	Total         int        `json:"total"`
}

func (p *Platform) apisFound(all *catalogue, words []string, after, limit int) apisDoc {
	doc := apisDoc{Services: []groupDoc{}, APIs: []apiDoc{}}
	take := func(total *int) bool { *total++; return *total > after && *total <= after+limit }
	for _, s := range all.services {
		if !all.sees(s, nil) {
			continue
		}
		manages := all.manages(s)
		if has(words, s.Prefix, s.File.Summary) && take(&doc.ServicesTotal) {
			group := groupDoc{ID: s.ID, Prefix: s.Prefix, Summary: s.File.Summary, APIs: len(s.File.APIs), Online: s.Online}
			if manages {
				group.Backend = cmp.Or(all.known[s.ID].stored.Backend, s.File.URL)
			}
			doc.Services = append(doc.Services, group)
		}
		if len(s.File.APIs) == 0 && has(words, s.Prefix, s.File.Summary) && take(&doc.Total) {
			doc.APIs = append(doc.APIs, p.newAPIDoc(s, nil, manages))
		}
		for i := range s.File.APIs {
			api := &s.File.APIs[i]
			if all.sees(s, api) && has(words, s.Prefix, api.ID, api.Path, api.Summary) && take(&doc.Total) {
				doc.APIs = append(doc.APIs, p.newAPIDoc(s, api, manages))
			}
		}
	}
	return doc
}

// has reports whether each word, in lower case, is in one of the texts.
func has(words []string, texts ...string) bool {
	for _, word := range words {
		if !slices.ContainsFunc(texts, func(text string) bool { return strings.Contains(strings.ToLower(text), word) }) {
			return false
		}
	}
	return true
}

// parsed returns the file of a service, which nobody may change: the one that calls go by
// if that is the same, as a large one takes long to read.
func (p *Platform) parsed(ctx context.Context, s *Service) (*apijson.Service, error) {
	services, err := p.services.current(ctx, s.Exchange())
	if err != nil {
		return nil, err
	}
	if k, ok := services.known[s.ID]; ok && k.compiled != nil && k.stored.Changed.Equal(s.Changed) {
		return k.compiled.File, nil
	}
	return apijson.Parse(s.File)
}

// A wholeAPIDoc is an API with its documentation.
type wholeAPIDoc struct {
	apiDoc
	Notes          string         `json:"notes"` // Markdown
	TimeoutSeconds float64        `json:"timeout_seconds"`
	LimitCount     int            `json:"limit_count"`
	LimitSeconds   int64          `json:"limit_seconds"`
	Params         []paramDoc     `json:"params"`
	Response       string         `json:"response"`
	Exceptions     []exceptionDoc `json:"exceptions"`
	Added          []globalDoc    `json:"added,omitempty"` // by the platform, for those who manage the service
}

type paramDoc struct {
	Name        string `json:"name"`
	Description string `json:"description"`
	Type        string `json:"type"`
	Required    bool   `json:"required"`
}

type exceptionDoc struct {
	Status  int    `json:"status"`
	Code    string `json:"code"`
	Message string `json:"message"`
}

// A globalDoc is a parameter that the platform adds to each call, without its value.
type globalDoc struct {
	Name string `json:"name"`
	Kind string `json:"kind"`
}

// apiShow answers with the documentation of one API.
func (p *Platform) apiShow(ctx context.Context, c *call) (any, error) {
	name, err := required(c.params(), "Id", prefixBytes)
	if err != nil {
		return nil, err
	}
	id, err := optional(c.params(), "api", apiNameBytes)
	if err != nil {
		return nil, err
	}
	all, err := p.catalogue(ctx, c)
	if err != nil {
		return nil, err
	}
	s := all.find(name)
	if s == nil {
		return nil, serviceFailure(ErrUnknownService)
	}
	api := s.File.API(id)
	if api != nil && !all.sees(s, api) || api == nil && (id != "" || len(s.File.APIs) > 0) {
		return nil, &failure{status: http.StatusNotFound, code: code.UnknownAPI, message: "the service " + s.Prefix + " has no API with this method id"}
	}
	return p.newWholeAPIDoc(s, api, all.manages(s)), nil
}

func (p *Platform) newWholeAPIDoc(s *gateway.Service, api *apijson.API, manages bool) wholeAPIDoc {
	doc := wholeAPIDoc{apiDoc: p.newAPIDoc(s, api, manages), Params: []paramDoc{}, Exceptions: []exceptionDoc{}}
	for _, g := range s.File.GlobalParams {
		if manages && g.Place != apijson.None {
			doc.Added = append(doc.Added, globalDoc{g.Name, string(g.ValueType)})
		}
	}
	if api == nil {
		return doc
	}
	doc.Notes, doc.Response, doc.TimeoutSeconds = api.Notes, api.Response, api.Timeout.Seconds()
	doc.LimitCount, doc.LimitSeconds = api.Limit.Count, int64(api.Limit.Per/time.Second)
	for _, one := range api.Params {
		doc.Params = append(doc.Params, paramDoc{one.Name, one.Description, one.Type, one.Required})
	}
	for _, e := range api.Exceptions {
		doc.Exceptions = append(doc.Exceptions, exceptionDoc{e.Status, e.Code, e.Message})
	}
	return doc
}
