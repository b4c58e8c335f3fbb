package gateway

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/shopex/prism-go/apijson"
)

// A route is a tree of paths by their elements. It has the APIs whose path ends there.
type route struct {
	next map[string]*route
	any  *route // for {name}
	apis []*apijson.API
}

func (r *route) add(api *apijson.API) error {
	if _, ok := readings(pathOf(api)); !ok {
		return fmt.Errorf("the path of API %q must not have . or .. as an element", api.ID)
	}
	for element := range strings.SplitSeq(pathOf(api), "/") {
		r = r.child(element)
	}
	r.apis = append(r.apis, api)
	return nil
}

func (r *route) child(element string) *route {
	if placeholder(element) {
		if r.any == nil {
			r.any = new(route)
		}
		return r.any
	}
	name := plain(element)
	if r.next == nil {
		r.next = map[string]*route{}
	}
	if r.next[name] == nil {
		r.next[name] = new(route)
	}
	return r.next[name]
}

// pathOf returns the path of an API below the prefix.
func pathOf(api *apijson.API) string {
	return strings.TrimLeft(orElse(api.Path, api.ID), "/")
}

func placeholder(element string) bool {
	return len(element) > 2 && element[0] == '{' && element[len(element)-1] == '}'
}

// plain returns an element of a file, in which escapes are allowed and not needed.
func plain(element string) string {
	if decoded, err := url.PathUnescape(element); err == nil {
		return decoded
	}
	return element
}

// find returns the API with this path and method; an element that is given counts before a
// placeholder. allow has the methods of the APIs with this path, if there is none for this
// method. A search sees no more routes than the service has.
func (r *route) find(method string, elements []string, allow []string) (*apijson.API, []string) {
	if len(elements) == 0 {
		for _, api := range r.apis {
			if allows(api, method) {
				return api, nil
			}
			allow = append(allow, api.Methods...)
		}
		return nil, allow
	}
	if next := r.next[elements[0]]; next != nil {
		api, more := next.find(method, elements[1:], allow)
		if api != nil {
			return api, nil
		}
		allow = more
	}
	if r.any != nil && elements[0] != "" {
		return r.any.find(method, elements[1:], allow)
	}
	return nil, allow
}

// another reports whether some server could take an escaped path for that of another API:
// its backend would run that, whatever this one may be called for.
func (r *route) another(api *apijson.API, method, path string) bool {
	all, ok := readings(strings.TrimLeft(path, "/"))
	if !ok {
		return true
	}
	for _, reading := range all[1:] {
		elements := strings.Split(reading, "/")
		for i, e := range elements {
			elements[i] = decoded(e)
		}
		if other, _ := r.find(method, elements, nil); other != nil && other != api {
			return true
		}
	}
	return false
}

// allows reports whether an API takes a method. HEAD is a GET without the body.
func allows(api *apijson.API, method string) bool {
	return len(api.Methods) == 0 || slices.Contains(api.Methods, method) ||
		method == http.MethodHead && slices.Contains(api.Methods, http.MethodGet)
}
