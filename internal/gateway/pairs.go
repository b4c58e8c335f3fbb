package gateway

import (
	"bytes"
	"io"
	"strings"
)

// A pairs looks through a body while it passes: some backends read any body as a form, as the
// published PHP server does, and would run the API that it names. Reading such a body fails.
type pairs struct {
	io.ReadCloser
	param string // that names the API
	own   string // is how PHP keeps it
	name  []byte // of the pair that is passing, as far as it counts
	value bool   // its name has passed
}

func newPairs(body io.ReadCloser, param string) *pairs {
	return &pairs{ReadCloser: body, param: param, own: phpName(param)}
}

// longestName bounds how much of a name is kept.
const longestName = 4096

func (p *pairs) Read(b []byte) (int, error) {
	n, err := p.ReadCloser.Read(b)
	if p.find(b[:n]) || err == io.EOF && p.found() {
		return 0, twoAPIs(p.param)
	}
	return n, err
}

// find reports whether a name that ends in text is that of the parameter.
func (p *pairs) find(text []byte) bool {
	for len(text) > 0 {
		if p.value {
			at := bytes.IndexByte(text, '&')
			if at < 0 {
				return false
			}
			p.value, text = false, text[at+1:]
			continue
		}
		at := bytes.IndexAny(text, "=&")
		if at < 0 {
			p.add(text)
			return false
		}
		p.add(text[:at])
		if p.found() {
			return true
		}
		p.name, p.value, text = p.name[:0], text[at] == '=', text[at+1:]
	}
	return false
}

// add adds to the name. Blanks in front of it, of which there may be any number, are none of
// it.
func (p *pairs) add(more []byte) {
	for len(more) > 0 && len(p.name) < longestName {
		n := min(len(more), longestName-len(p.name))
		p.name, more = append(p.name, more[:n]...), more[n:]
		for blank := true; blank; {
			rest := bytes.TrimPrefix(bytes.TrimLeft(p.name, " +"), []byte("%20"))
			p.name, blank = rest, len(rest) < len(p.name)
		}
	}
}

// found reports whether the name is that of the parameter.
func (p *pairs) found() bool {
	name := decoded(strings.ReplaceAll(string(p.name), "+", " "))
	return !p.value && phpName(name) == p.own
}
