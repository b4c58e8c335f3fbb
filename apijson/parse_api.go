package apijson

import (
	"net/http"
	"slices"
	"strings"
	"time"
)

var (
	apiMembers = spelled("path", "method", "summary", "notes", "require_oauth", "backend_timeout_second",
		"limit_seconds", "limit_count limtt_count", "params", "response", "exception")
	paramMembers     = spelled("name", "desc description", "required", "type", "param_type")
	exceptionMembers = spelled("http_code", "code", "message")
)

// methods are those that an API can have.
var methods = []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodDelete, http.MethodPatch, http.MethodHead, http.MethodOptions}

const (
	longestTimeout = 24 * 60 * 60 // seconds
	mostCalls      = 1<<31 - 1    // of a limit, and its seconds
)

func (p *parser) apis(v value, mode Mode) (all []API) {
	if !p.object(v, "apis") {
		return nil
	}
	seen := map[string]member{}
	taken := routes{}
	for m := range v.members() {
		if len(all) == maxAPIs {
			p.faults.add(m.at, "there are more than %d APIs: divide the file into several with prefixes of their own", maxAPIs)
			break
		}
		if first := seen[m.name]; first.raw != nil {
			p.faults.add(m.at, "the API %q is here twice, the first time in line %d: rename or remove one of them", clipped(m.name), p.line(first.at))
			continue
		}
		seen[m.name] = m
		all = append(all, p.api(m, mode, taken))
	}
	return all
}

func (p *parser) api(m member, mode Mode, taken routes) API {
	a := API{ID: p.id(m)}
	if !p.object(m.value, "the API "+m.name) {
		if !m.empty() {
			return a
		}
		m.raw = []byte("{}")
	}
	path, limit := value{m.at, nil}, value{m.at, nil}
	var seconds float64
	for name, v := range p.members(m.value, apiMembers, &a.Unknown) {
		switch name {
		case "path":
			a.Path, path = strings.TrimPrefix(p.string(v, name), "/"), v
		case "method":
			a.Methods = p.methods(v)
		case "summary":
			a.Summary = p.string(v, name)
		case "notes":
			a.Notes = p.string(v, name)
		case "require_oauth":
			a.RequireOAuth = p.bool(v, name)
		case "backend_timeout_second":
			a.Timeout = time.Duration(p.number(v, name, longestTimeout, false) * float64(time.Second)).Round(time.Millisecond)
		case "limit_seconds":
			before := len(p.faults)
			if seconds = p.number(v, name, mostCalls, true); len(p.faults) > before {
				seconds = 1 // there is one, which is wrong
			}
		case "limit_count":
			a.Limit.Count, limit = int(p.number(v, name, mostCalls, true)), v
		case "params":
			a.Params = p.params(v)
		case "response":
			a.Response = p.string(v, name)
		case "exception":
			a.Exceptions = p.exceptions(v)
		}
	}
	switch {
	case a.Limit.Count > 0 && seconds == 0:
		p.faults.add(limit.at, "limit_count is there without limit_seconds: write in how many seconds")
	case a.Limit.Count > 0:
		a.Limit.Per = time.Duration(seconds) * time.Second
	}
	if p.path(path.at, &a, mode) && mode == Path {
		p.route(path.at, &a, taken)
	}
	return a
}

// id returns the method ID of an API.
func (p *parser) id(m member) string {
	switch id := m.name; {
	case id == "":
		p.faults.add(m.at, "an API has an empty method ID: write a name, such as order.get")
	case id == "*":
		p.faults.add(m.at, "the method ID * stands for all APIs where one is bound: write a name, such as order.get")
	case len(id) > maxText:
		p.faults.add(m.at, "a method ID has %d bytes, and may have %d", len(id), maxText)
	case id != strings.TrimSpace(id) || strings.ContainsFunc(id, unprintable):
		p.faults.add(m.at, "the method ID %q has white space at an end or what cannot be printed: write it without", id)
	}
	return m.name
}

// methods returns HTTP methods, each once.
func (p *parser) methods(v value) (all []string) {
	if v.raw[0] != '[' {
		if v.raw[0] == '{' && !v.empty() {
			p.wrong(v, "method", "an array, such as [\"GET\", \"POST\"]")
			return nil
		}
		return p.method(v, all)
	}
	for item := range v.items() {
		all = p.method(item, all)
	}
	return all
}

func (p *parser) method(v value, all []string) []string {
	method := strings.ToUpper(strings.TrimSpace(p.string(v, "a method")))
	switch {
	case method == "" || slices.Contains(all, method):
		return all
	case !slices.Contains(methods, method):
		p.faults.add(v.at, "the HTTP method %q is unknown: write one of %s", clipped(v.text()), strings.Join(methods, ", "))
		return all
	}
	return append(all, method)
}

func (p *parser) params(v value) (all []Parameter) {
	for item := range p.items(v, "params") {
		var a Parameter
		for name, v := range p.members(item, paramMembers, &a.Unknown) {
			switch name {
			case "name":
				a.Name = p.name(v, "the name of a parameter")
			case "desc":
				a.Description = p.string(v, "the description of a parameter")
			case "required":
				a.Required = p.bool(v, name)
			case "type":
				a.Type = p.string(v, "the type of a parameter")
			case "param_type":
				a.ParamType = p.string(v, name)
			}
		}
		if a.Required && Reserved(a.Name) {
			p.warnings.add(item.at, "the parameter %q is required, and is one that the platform takes for itself: the backend will not get it", a.Name)
		}
		if p.named(item, a.Name, "a parameter") {
			all = append(all, a)
		}
	}
	return all
}

func (p *parser) exceptions(v value) (all []Exception) {
	for item := range p.items(v, "exception") {
		var e Exception
		for name, v := range p.members(item, exceptionMembers, &e.Unknown) {
			switch name {
			case "http_code":
				e.Status = int(p.number(v, name, 999, true))
			case "code":
				e.Code = p.string(v, "code")
			case "message":
				e.Message = p.string(v, "message")
			}
		}
		all = append(all, e)
	}
	return all
}
