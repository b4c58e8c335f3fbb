package gateway

import (
	"slices"
	"strings"

	"github.com/shopex/prism-go/apijson"
)

// maxCandidates bounds what one call that leads nowhere costs.
const maxCandidates = 2000

// Nearest returns what a call probably meant for which Find has found nothing, in words such
// as "did you mean GET orders/{tid}?", or "". It names nothing that may does not allow, of
// which the API is nil for a service as a whole.
func (t *Table) Nearest(r Request, may func(*Service, *apijson.API) bool) string {
	elements, ok := split(nil, r.Path)
	if !ok {
		return ""
	}
	s, n := t.longest(elements)
	if s == nil {
		return t.nearestPrefix(elements, may)
	}
	if s.File.Mode != apijson.Param {
		return s.nearestPath(r.Method, elements[n:], may)
	}
	id, given, err := dispatched(s.File.ParamName, r.Query, r.Form)
	if err != nil {
		return ""
	}
	if !given {
		id = strings.TrimLeft(joined(elements[n:]), "/")
	}
	return s.nearestID(id, may)
}

// A guess is the best of those that were looked at.
type guess struct {
	word  string
	far   int
	tried int
}

// newGuess returns a guess for a word, of which a third may be wrong.
func newGuess(word string) *guess { return &guess{far: allowance(word)} }

func allowance(word string) int { return len(word)/3 + 2 }

// try looks at a word, for said or a part of it. It reports whether there is room for more.
func (g *guess) try(word, said string) bool {
	most := min(g.far, allowance(said))
	if far := distance(word, said, most); far < most {
		g.word, g.far = word, far
	}
	g.tried++
	return g.tried < maxCandidates
}

func (g *guess) question(before string) string {
	if g.word == "" {
		return ""
	}
	return "did you mean " + before + g.word + "?"
}

func (t *Table) nearestPrefix(elements []string, may func(*Service, *apijson.API) bool) string {
	said := joined(elements)
	g := newGuess(said)
	for _, s := range t.services {
		prefix := joined(s.elements)
		if n := min(len(s.elements), len(elements)); may(s, nil) && !g.try(prefix, joined(elements[:n])) {
			break
		}
	}
	return g.question("the prefix ")
}

func (s *Service) nearestPath(method string, elements []string, may func(*Service, *apijson.API) bool) string {
	said := strings.Trim(joined(elements), "/")
	g := newGuess(said)
	for i := range s.File.APIs {
		if api := &s.File.APIs[i]; may(s, api) && !g.try(pathOf(api), filled(pathOf(api), elements, said)) {
			break
		}
	}
	if api := s.at(g.word); api != nil && !allows(api, method) {
		return g.question(api.Methods[0] + " ")
	}
	return g.question("")
}

// filled returns said with placeholders where path has some, as what stands there is right.
func filled(path string, elements []string, said string) string {
	if !strings.Contains(path, "{") || strings.Count(path, "/")+1 != len(elements) {
		return said
	}
	own := slices.Clone(elements)
	for i, e := range strings.Split(path, "/") {
		if placeholder(e) {
			own[i] = e
		}
	}
	return joined(own)
}

func (s *Service) at(path string) *apijson.API {
	for i := range s.File.APIs {
		if pathOf(&s.File.APIs[i]) == path {
			return &s.File.APIs[i]
		}
	}
	return nil
}

func (s *Service) nearestID(id string, may func(*Service, *apijson.API) bool) string {
	g := newGuess(id)
	for i := range s.File.APIs {
		if api := &s.File.APIs[i]; may(s, api) && !g.try(api.ID, id) {
			break
		}
	}
	return g.question("")
}

// maxWord is how many bytes of a word are compared.
const maxWord = 128

// distance returns how many bytes must change to make b of a; far or more is not told apart.
func distance(a, b string, far int) int {
	if len(a) > maxWord || len(b) > maxWord || len(a)-len(b) >= far || len(b)-len(a) >= far {
		return far
	}
	var rows [2][maxWord + 1]int
	before, row := &rows[0], &rows[1]
	for j := range len(b) + 1 {
		before[j] = j
	}
	for i := range len(a) {
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i]|0x20 == b[j]|0x20 { // any case
				cost = 0
			}
			row[j+1] = min(before[j]+cost, before[j+1]+1, row[j]+1)
		}
		before, row = row, before
	}
	return before[len(b)]
}
