package platform

import (
	"strings"

	"github.com/shopex/prism-go/internal/gateway"
)

// mostCompared bounds with how many names a name that is not known is compared.
const mostCompared = 2000

// hint adds to the failure of a call whose API is not known which one may be meant.
func (s *domainServices) hint(c *call, t *gateway.Target, f *failure) *failure {
	if near := s.nearest(c, t); near != "" {
		f.message += "; did you mean " + near + "?"
	}
	return f
}

// nearest returns the prefix, or for a service the method ID or path, that the app of a
// call may call and that is a slip away from what the call names, or "".
func (s *domainServices) nearest(c *call, t *gateway.Target) string {
	best := slip{word: c.api}
	for _, service := range s.list {
		if !isBound(c.app, service.ID) {
			continue
		}
		if t == nil {
			best.word = beginning(c.api, service.Prefix)
			best.compare(service.Prefix)
		} else if t.Service == service {
			best.word = t.ID
			best.compareAPIs(c.app, service)
		}
	}
	return best.name
}

// beginning returns as many elements of a path as a prefix has.
func beginning(path, prefix string) string {
	elements := strings.SplitAfter(path, "/")
	n := min(len(elements), strings.Count(prefix, "/")+1)
	return strings.TrimSuffix(strings.Join(elements[:n], ""), "/")
}

// A slip is the name that is nearest to a word so far.
type slip struct {
	word, name string
	distance   int
	compared   int
}

func (s *slip) compareAPIs(app *App, service *gateway.Service) {
	for i := range service.File.APIs {
		api := &service.File.APIs[i]
		if bindingFor(app, &gateway.Target{Service: service, API: api, ID: api.ID}) == nil {
			continue
		}
		s.compare(api.ID)
		s.compare(strings.Trim(api.Path, "/"))
	}
}

func (s *slip) compare(name string) {
	most := max(1, min(len(s.word), len(name))/3)
	if s.compared++; s.compared > mostCompared || name == "" || len(name)-len(s.word) > most || len(s.word)-len(name) > most {
		return
	}
	if d := distance(s.word, name); d <= most && (s.name == "" || d < s.distance) {
		s.name, s.distance = name, d
	}
}

// distance returns how many bytes must be added, removed or replaced to make b of a.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			replaced := diagonal
			if a[i] != b[j] {
				replaced++
			}
			diagonal = row[j+1]
			row[j+1] = min(replaced, row[j+1]+1, row[j]+1)
		}
	}
	return row[len(b)]
}
