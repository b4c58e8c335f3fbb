package gateway

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/shopex/prism-go/apijson"
)

// Addresses returns where calls of an API go: to the backend, and from below the sandbox
// base. They are those of Find and Forward, with the {names} of the path in place of values,
// and without what the platform adds; each is empty if there is none. A nil api stands for
// all of a service that lists none.
func (s *Service) Addresses(api *apijson.API) (live, sandbox string) {
	table := NewTable([]*Service{s})
	return table.address(s, api, false), table.address(s, api, true)
}

func (t *Table) address(s *Service, api *apijson.API, sandbox bool) string {
	r := Request{Method: http.MethodGet, Path: s.Prefix, Sandbox: sandbox}
	switch {
	case s.File.Mode == apijson.Param && api == nil:
		r.Query = url.Values{s.File.ParamName: {"{" + s.File.ParamName + "}"}}
	case s.File.Mode == apijson.Param:
		r.Query = url.Values{s.File.ParamName: {api.ID}}
	case api != nil:
		r.Path += "/" + pathOf(api)
	}
	if api != nil && len(api.Methods) > 0 {
		r.Method = api.Methods[0]
	}
	target, err := t.Find(r)
	if err != nil {
		return ""
	}
	u := target.address()
	u.RawQuery = joinQuery(target.at.url.RawQuery, r.Query.Encode())
	return strings.NewReplacer("%7B", "{", "%7D", "}").Replace(target.at.hide(u.String()))
}
