package prism

import (
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/shopex/prism-go/internal/escape"
)

// plainInPath are the characters beside letters and digits that stand in a path as
// they are: with them the percent sign, so that existing escapes stay.
const plainInPath = "%/-._~!$&'()*+,;=:@"

// setPath sets url, query and name from a path as a user gives it.
func (r *request) setPath(base *url.URL, given string) error {
	given, fragment, hasFragment := strings.Cut(given, "#")
	path, query, _ := strings.Cut(given, "?")
	r.name = strings.TrimPrefix(path, "/")
	if hasFragment {
		return fmt.Errorf("prism: path %q is followed by a fragment (%d bytes), which HTTP does not send: write # as %%23", path, len(fragment))
	}
	decoded, err := decodePath(path, query)
	if err != nil {
		return err
	}
	r.url = url.URL{Scheme: base.Scheme, Host: base.Host, Path: base.Path, RawPath: base.RawPath}
	if path != "" || base.Path == "" {
		r.url.Path = base.Path + "/" + decoded
		if escaped := escape.AllBut(r.name, plainInPath); escaped != decoded || base.RawPath != "" {
			r.url.RawPath = base.EscapedPath() + "/" + escaped
		}
	}
	return r.setQuery(query)
}

// decodePath checks path and returns it unescaped, without a leading slash.
func decodePath(path, query string) (string, error) {
	switch scheme := strings.Index(path, "://"); {
	case path == "" && query == "":
		return "", errors.New("prism: the call has no path: name the API, such as platform/notify/status")
	case strings.HasPrefix(path, "//"), scheme > 0 && !strings.Contains(path[:scheme], "/"):
		return "", fmt.Errorf("prism: path %q is a whole URL: give what follows Config.Server", path)
	}
	decoded, err := url.PathUnescape(strings.TrimPrefix(path, "/"))
	switch {
	case err != nil:
		return "", fmt.Errorf("prism: path %q: %w: write %% as %%25", path, err)
	case hasDots(decoded):
		return "", fmt.Errorf("prism: path %q has a . or .. segment: give the plain path", path)
	case hasControl(decoded):
		return "", fmt.Errorf("prism: path %q has a control character", path)
	}
	return decoded, nil
}

// hasDots reports whether path has a segment . or .., by which a proxy or server
// might rewrite it. Then the signature would be wrong.
func hasDots(path string) bool {
	if strings.IndexByte(path, '.') < 0 {
		return false // nearly every call
	}
	for segment := range strings.SplitSeq(path, "/") {
		if segment == "." || segment == ".." {
			return true
		}
	}
	return false
}

func (r *request) setQuery(query string) error {
	if query == "" {
		return nil
	}
	if hasControl(query) {
		return fmt.Errorf("prism: the query of path %q has a control character", r.name)
	}
	values, err := url.ParseQuery(query)
	if err != nil {
		return fmt.Errorf("prism: the query of path %q: %w", r.name, err)
	}
	for name := range values {
		if err := checkParamName(name); err != nil {
			return err
		}
	}
	r.query = values
	return nil
}

func hasControl(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] == 0x7f {
			return true
		}
	}
	return false
}
