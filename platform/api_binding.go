package platform

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/shopex/prism-go/apijson"
	"github.com/shopex/prism-go/internal/code"
)

// The calls about what the keys of an app may call of services.

// Where a call says only one half of a limit, the other is that of published tools.
const (
	limitCount = 1000
	limitPer   = time.Minute
)

func (p *Platform) apiBind(ctx context.Context, c *call) (any, error) {
	app, s, err := p.namedEnds(ctx, c)
	if err != nil {
		return nil, err
	}
	b := APIBinding{Service: s.ID}
	if b.Path, err = bindingPath(c); err != nil {
		return nil, err
	}
	if err := knownPath(s, b.Path); err != nil {
		return nil, err
	}
	if b.Limit, err = c.limit(); err != nil {
		return nil, err
	}
	if len(app.APIs) >= mostBindings {
		return nil, badRequest(code.InvalidParameter, fmt.Sprintf("an app has at most %d bindings to APIs; bind * instead of single ones", mostBindings))
	}
	err = p.registry.BindAPI(ctx, app.ID, b)
	if errors.Is(err, ErrUnknownApp) {
		return nil, unknownApp()
	}
	return err == nil, serviceFailure(err)
}

// apiUnbind takes the binding with the path away, or without path all of the app to the
// service. The answer is what was taken away. A path that is empty is none that was left
// out: a script without its value would take everything.
func (p *Platform) apiUnbind(ctx context.Context, c *call) (any, error) {
	app, s, err := p.namedEnds(ctx, c)
	if err != nil {
		return nil, err
	}
	which := func(b APIBinding) bool { return b.Service == s.ID }
	if c.params().Has("path") {
		path, err := bindingPath(c)
		if err != nil {
			return nil, err
		}
		which = APIBinding{Service: s.ID, Path: path}.same
	}
	taken, err := p.registry.unbind(ctx, app.ID, which)
	switch {
	case errors.Is(err, ErrUnknownApp):
		return nil, unknownApp()
	case err != nil:
		return nil, err
	}
	return p.bindingDocs(ctx, app.ID, taken)
}

// namedEnds returns the app and the service of the bindings that a call is about.
func (p *Platform) namedEnds(ctx context.Context, c *call) (*App, *Service, error) {
	app, err := p.namedApp(ctx, c)
	if err != nil {
		return nil, nil, err
	}
	s, err := p.namedService(ctx, c, "api_id")
	return app, s, err
}

// bindingPath reads the path of a binding, as it is stored.
func bindingPath(c *call) (string, error) {
	path, err := required(c.params(), "path", pathBytes)
	return cmp.Or(strings.Trim(path, "/"), path), err
}

// knownPath returns an error if the service has no such API.
func knownPath(s *Service, path string) error {
	file, err := apijson.Parse(s.File)
	if err != nil {
		return err
	}
	if path == "*" || len(file.APIs) == 0 {
		return nil
	}
	for i := range file.APIs {
		if api := &file.APIs[i]; api.ID == path || strings.Trim(api.Path, "/") == path {
			return nil
		}
	}
	return &failure{
		status: http.StatusNotFound, code: code.UnknownAPI,
		message: fmt.Sprintf("the service %s has no API with the method id or path %q; path * is for all of its APIs", s.Prefix, shorten(path, 64)),
	}
}

// limit reads the limit of a binding; the zero one if the call has none.
func (c *call) limit() (apijson.Limit, error) {
	count, err := c.natural("limit_count", 1_000_000_000)
	if err != nil {
		return apijson.Limit{}, err
	}
	seconds, err := c.natural("limit_seconds", int64(maxLife/time.Second))
	if err != nil || count == 0 && seconds == 0 {
		return apijson.Limit{}, err
	}
	return apijson.Limit{Count: cmp.Or(int(count), limitCount), Per: cmp.Or(time.Duration(seconds)*time.Second, limitPer)}, nil
}

// natural reads a number from 0 to most; 0 if it was not sent.
func (c *call) natural(name string, most int64) (int64, error) {
	text, err := once(c.params(), name)
	if err != nil || text == "" {
		return 0, err
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 || n > most {
		return 0, badRequest(code.InvalidParameter, fmt.Sprintf("%s is %q; it must be a number from 0 to %d", name, shorten(text, 32), most))
	}
	return n, nil
}

// A bindingDoc is a binding in an answer. Its first members are those that published tools
// read.
type bindingDoc struct {
	APIID        string `json:"api_id"`
	APIName      string `json:"api_name"`
	AppID        string `json:"app_id"`
	LimitCount   int    `json:"limit_count"` // 0 leaves the limits of the api.json
	LimitSeconds int64  `json:"limit_seconds"`
	Path         string `json:"path"`
	Prefix       string `json:"prefix"`
}

// bindList lists the bindings of an app; or, without one, those of all apps to a service.
func (p *Platform) bindList(ctx context.Context, c *call) (any, error) {
	if own := c.params(); own.Has("api_id") && !own.Has("app_id") {
		return p.boundTo(ctx, c)
	}
	app, err := p.namedApp(ctx, c)
	if err != nil {
		return nil, err
	}
	return p.bindingDocs(ctx, app.ID, app.APIs)
}

func (p *Platform) boundTo(ctx context.Context, c *call) (any, error) {
	s, err := p.namedService(ctx, c, "api_id")
	if err != nil {
		return nil, err
	}
	apps, err := p.registry.Apps(ctx)
	if err != nil {
		return nil, err
	}
	file, err := p.parsed(ctx, s)
	if err != nil {
		return nil, err
	}
	docs := []bindingDoc{}
	for _, app := range apps {
		for _, b := range app.APIs {
			if b.Service == s.ID && c.provisions(&app) {
				docs = append(docs, newBindingDoc(app.ID, b, cmp.Or(file.Summary, s.Prefix), s.Prefix))
			}
		}
	}
	return docs, nil
}

func newBindingDoc(app string, b APIBinding, name, prefix string) bindingDoc {
	return bindingDoc{
		APIID: b.Service, APIName: name, AppID: app, Path: b.Path, Prefix: prefix,
		LimitCount: b.Limit.Count, LimitSeconds: int64(b.Limit.Per / time.Second),
	}
}

func (p *Platform) bindingDocs(ctx context.Context, app string, all []APIBinding) ([]bindingDoc, error) {
	type named struct{ name, prefix string }
	services := make(map[string]named)
	docs := []bindingDoc{}
	for _, b := range all {
		if _, ok := services[b.Service]; !ok {
			name, prefix, err := p.nameOfService(ctx, b.Service)
			if err != nil {
				return nil, err
			}
			services[b.Service] = named{name, prefix}
		}
		s := services[b.Service]
		docs = append(docs, newBindingDoc(app, b, s.name, s.prefix))
	}
	return docs, nil
}

// nameOfService returns empty names of a service that was deleted.
func (p *Platform) nameOfService(ctx context.Context, id string) (name, prefix string, err error) {
	s, err := p.registry.Service(ctx, id)
	if errors.Is(err, ErrUnknownService) {
		return "", "", nil
	}
	if err != nil {
		return "", "", err
	}
	file, err := apijson.Parse(s.File)
	if err != nil {
		return "", "", err
	}
	return cmp.Or(file.Summary, s.Prefix), s.Prefix, nil
}
