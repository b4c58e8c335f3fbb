package gateway

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/shopex/prism-go/apijson"
	"github.com/shopex/prism-go/internal/code"
)

// A Table has the services of one domain. It does not change.
type Table struct {
	root     prefixes
	services []*Service
}

// prefixes is a tree of prefixes by their elements.
type prefixes struct {
	next    map[string]*prefixes
	service *Service
}

// NewTable returns a table of these services. If two have the same prefix, the one that is
// first counts.
func NewTable(services []*Service) *Table {
	t := &Table{services: services}
	for _, s := range services {
		at := &t.root
		for _, e := range s.elements {
			if at.next == nil {
				at.next = map[string]*prefixes{}
			}
			if at.next[e] == nil {
				at.next[e] = new(prefixes)
			}
			at = at.next[e]
		}
		if at.service == nil {
			at.service = s
		}
	}
	return t
}

// longest returns the service with the longest prefix that begins a path, and how many
// elements the prefix has.
func (t *Table) longest(elements []string) (service *Service, n int) {
	at := &t.root
	for i, e := range elements {
		if at = at.next[e]; at == nil {
			break
		}
		if at.service != nil {
			service, n = at.service, i+1
		}
	}
	return service, n
}

// A Target is what a call is for.
type Target struct {
	Service *Service
	API     *apijson.API // nil if the service lists no APIs
	ID      string       // the method ID; without an API the path below the prefix
	Node    string       // whose address was chosen; empty if it is that of the service
	Sandbox bool         // it is the address of the sandbox

	at       *endpoint
	method   string
	rest     string // path behind the prefix, escaped as it was sent, with the slash before it; empty in mode Param
	dispatch string // the parameter to be added, as the call has the ID in its path only
}

// Find returns the API that a call is for. The error is a [*Refusal].
func (t *Table) Find(r Request) (*Target, error) {
	var buffer [8]string
	elements, ok := split(buffer[:0], r.Path)
	if _, clear := readings(r.Path); !ok || !clear {
		return nil, invalidPath("the path has an element . or .., a control character, or an escape that cannot be read")
	}
	s, n := t.longest(elements)
	if s == nil {
		return nil, unknown("no service has a prefix with which the path begins")
	}
	target := &Target{Service: s, method: r.Method}
	if s.File.Mode == apijson.Param {
		return target, s.findByParam(target, r, elements[n:])
	}
	return target, s.findByPath(target, r, elements[n:], behind(r.Path, n))
}

func invalidPath(message string) *Refusal {
	return &Refusal{Status: http.StatusBadRequest, Code: code.InvalidRequest, Message: message}
}

func unknown(message string) *Refusal {
	return &Refusal{Status: http.StatusNotFound, Code: code.UnknownAPI, Message: message}
}

// findByPath completes the target of a call in mode Path, where elements and rest are
// behind the prefix.
func (s *Service) findByPath(t *Target, r Request, elements []string, rest string) error {
	for len(elements) > 1 && elements[0] == "" { // one slash is at the join
		elements, rest = elements[1:], rest[1:]
	}
	t.rest, t.ID = rest, joined(elements)
	if len(s.byID) > 0 {
		api, allow := s.routes.find(r.Method, elements, nil)
		if api == nil {
			return refusePath(r.Method, allow)
		}
		t.API, t.ID = api, api.ID
		if s.routes.another(api, r.Method, rest) {
			return invalidPath("the path of this API could be read as that of another: send its parts without escaped slashes and the like")
		}
	}
	return t.choose(r)
}

func refusePath(method string, allow []string) error {
	if allow == nil {
		return unknown("the service has no API with this path")
	}
	return notAllowed(method, allow)
}

func notAllowed(method string, allow []string) *Refusal {
	slices.Sort(allow)
	allow = slices.Compact(allow)
	return &Refusal{Status: http.StatusMethodNotAllowed, Code: code.MethodNotAllowed, Allow: allow,
		Message: fmt.Sprintf("the API does not take %s; it takes %s", method, strings.Join(allow, ", "))}
}

// findByParam completes the target of a call in mode Param.
func (s *Service) findByParam(t *Target, r Request, elements []string) error {
	id, given, err := dispatched(s.File.ParamName, r.Query, r.Form)
	if err != nil {
		return err
	}
	if !given {
		for len(elements) > 0 && elements[0] == "" {
			elements = elements[1:]
		}
		id, t.dispatch = joined(elements), s.File.ParamName
	}
	if id == "" {
		return missingParameter(s.File.ParamName + ", which names the API,")
	}
	t.ID = id
	if len(s.byID) > 0 {
		if t.API = s.byID[id]; t.API == nil {
			return unknown("the service has no API with this method id")
		}
		if !allows(t.API, r.Method) {
			return notAllowed(r.Method, slices.Clone(t.API.Methods))
		}
	}
	return t.choose(r)
}

// dispatched returns the value of the parameter that names the API. All that a backend may
// take for it must say the same, or the backend would run another API than the one that is
// permitted.
func dispatched(name string, places ...url.Values) (id string, given bool, err error) {
	own := phpName(name)
	for _, params := range places {
		for n, values := range params {
			if phpName(n) != own {
				continue
			}
			for _, v := range values {
				if given && v != id || n != name {
					return "", false, twoAPIs(name)
				}
				id, given = v, true
			}
		}
	}
	return id, given, nil
}

func twoAPIs(name string) *Refusal {
	return &Refusal{Status: http.StatusBadRequest, Code: code.DuplicateParameter,
		Message: fmt.Sprintf("the parameter %s, which names the API, has two values", name)}
}

const nodeID = "node_id"

// choose chooses the address.
func (t *Target) choose(r Request) error {
	id := r.Form.Get(nodeID)
	if id == "" {
		id = r.Query.Get(nodeID)
	}
	s := t.Service
	own, nodes := s.live, s.nodes
	if t.Sandbox = r.Sandbox; r.Sandbox {
		if own, nodes = s.sandbox, s.tests; own == nil {
			return unknown("the service has no sandbox")
		}
	}
	if node, known := nodes[id]; known {
		t.at, t.Node = node, id
	} else {
		t.at = own
	}
	if t.at == nil {
		return unknown("the service has only a sandbox")
	}
	return nil
}

// Host returns the host of the address to which the call goes, with its port if the address
// names one; "" if no address was chosen.
func (t *Target) Host() string {
	if t.at == nil {
		return ""
	}
	return t.at.url.Host
}

// Missing returns the name of a parameter that the API requires and the call does not
// have, or "". A nil form stands for a body that is no form, in which nothing is looked for;
// of a call without a body it is empty and not nil. GET and HEAD have their parameters in
// the query.
func (t *Target) Missing(query, form url.Values) string {
	if t.API == nil || form == nil && t.method != http.MethodGet && t.method != http.MethodHead {
		return ""
	}
	for _, p := range t.API.Params {
		if p.Required && !query.Has(p.Name) && !form.Has(p.Name) && p.Name != t.dispatch && !t.Service.adds(p.Name) && !t.inPath(p.Name) {
			return p.Name
		}
	}
	return ""
}

func missingParameter(name string) *Refusal {
	return &Refusal{Status: http.StatusBadRequest, Code: code.MissingParameter, Message: "the parameter " + name + " is missing"}
}

// adds reports whether the platform adds a parameter to each call that a backend could take
// for one of this name.
func (s *Service) adds(name string) bool { return s.added[phpName(name)] }

// inPath reports whether a parameter is an element of the path.
func (t *Target) inPath(name string) bool {
	return t.Service.File.Mode != apijson.Param && slices.Contains(strings.Split(pathOf(t.API), "/"), "{"+name+"}")
}
