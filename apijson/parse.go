package apijson

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"
)

// MaxSize is how large an api.json may be, in bytes, both as it was written and as
// [Service.Format] writes it.
const MaxSize = 4 << 20

const (
	maxAPIs  = 10_000
	maxDepth = 100
	maxText  = 256 // bytes of a name, an ID or a path
)

// Parse reads an api.json. The error is [Faults].
//
// Names of members may be written in any case, with and without underscores, and in all
// spellings that were in use, such as limtt_count for limit_count. Texts, numbers and
// true and false may stand for each other where there is no doubt. Members that the
// format does not have are kept. A file may have [MaxSize] bytes and 10,000 APIs.
func Parse(text []byte) (*Service, error) {
	s, faults, _ := read(text)
	if faults != nil {
		return nil, faults
	}
	return s, nil
}

// Warnings returns what is odd in an api.json that [Parse] takes: what works, but hardly as
// its author meant it. There are none for a file with faults.
func Warnings(text []byte) Faults {
	_, _, warnings := read(text)
	return warnings
}

func read(text []byte) (s *Service, faults, warnings Faults) {
	text = bytes.TrimPrefix(text, []byte("\ufeff"))
	if n := unreadable(text); n != nil {
		return nil, n.in(text), nil
	}
	p := parser{text: text}
	at := skipTo(text, 0)
	s = p.service(value{at, text[at:valueEnd(text, at)]})
	if p.faults == nil && len(text) > MaxSize/largestGrowth && len(s.Format()) > MaxSize {
		p.faults.add(0, "the file is larger than %d MiB when it is written with all members: divide it into several with prefixes of their own", MaxSize>>20)
	}
	if p.faults != nil {
		return nil, p.faults.in(text), nil
	}
	return s, nil, p.warnings.in(text)
}

// largestGrowth is more than any file grows when it is formatted.
const largestGrowth = 64

// unreadable returns what keeps a text from being read as JSON.
func unreadable(text []byte) notes {
	if len(text) > MaxSize {
		return notes{{0, fmt.Sprintf("the file has more bytes than it may have, which is %d: divide it into several with prefixes of their own", MaxSize)}}
	}
	if at := invalid(text); at >= 0 {
		return notes{{at, "this is no UTF-8: save the file as UTF-8"}}
	}
	var any json.RawMessage
	err := json.Unmarshal(text, &any)
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		return notes{syntaxNote(text, syntax)}
	}
	if at := deepest(text, maxDepth); at >= 0 {
		return notes{{at, fmt.Sprintf("objects and arrays nest deeper than %d here", maxDepth)}}
	}
	return nil
}

// invalid returns the offset of the first byte that is no UTF-8, or -1.
func invalid(text []byte) int {
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRune(text[i:])
		if r == utf8.RuneError && size == 1 {
			return i
		}
		i += size
	}
	return -1
}

// A parser reads the parts of a service and notes what is wrong in them.
type parser struct {
	text             []byte
	faults, warnings notes
}

// line returns the line of an offset, to name it beside the place of a fault.
func (p *parser) line(at int) int { return 1 + bytes.Count(p.text[:at], []byte("\n")) }

// spellings maps the members of an object, folded, to the name by which they are read
// here, which is the first of each line.
type spellings map[string]string

func spelled(lines ...string) spellings {
	s := spellings{}
	for _, line := range lines {
		names := strings.Fields(line)
		for _, name := range names {
			s[fold(name)] = names[0]
		}
	}
	return s
}

// fold makes equal what spellings of a name differ by.
func fold(name string) string { return strings.ReplaceAll(strings.ToLower(name), "_", "") }

// members returns the members of an object. Those that the format does not have go into
// unknown, as their names are written; others come with the name that s has for them, each
// once. v may be a kind of nothing, too.
func (p *parser) members(v value, s spellings, unknown *map[string]json.RawMessage) iter.Seq2[string, value] {
	return func(yield func(string, value) bool) {
		seen := map[string]member{}
		for m := range v.members() {
			name, known := s[fold(m.name)]
			key := name
			if !known {
				key = "?" + m.name
			}
			if p.repeated(seen[key], m) {
				continue
			}
			seen[key] = m
			if known {
				if !yield(name, m.value) {
					return
				}
				continue
			}
			if *unknown == nil {
				*unknown = map[string]json.RawMessage{}
			}
			(*unknown)[m.name] = m.compact()
		}
	}
}

// repeated reports whether a member was there before. Two spellings of one member may have
// the same value.
func (p *parser) repeated(first, m member) bool {
	if first.raw == nil {
		return false
	}
	if first.name == m.name || !bytes.Equal(first.compact(), m.compact()) {
		p.faults.add(m.at, "%q is here twice, the first time as %q in line %d: remove one of them", m.name, first.name, p.line(first.at))
	}
	return true
}

// wrong notes that a value is of a kind that cannot be where it is.
func (p *parser) wrong(v value, name, want string) {
	p.faults.add(v.at, "%s is %s: write %s", name, v.kind(), want)
}

// object reports whether v is an object with members.
func (p *parser) object(v value, name string) bool {
	if v.raw[0] == '{' {
		return true
	}
	if !v.empty() {
		p.wrong(v, name, "an object, as in {…}")
	}
	return false
}

// items returns the objects of an array.
func (p *parser) items(v value, name string) iter.Seq[value] {
	return func(yield func(value) bool) {
		if v.raw[0] != '[' {
			if !v.empty() {
				p.wrong(v, name, "an array, as in [{…}, {…}]")
			}
			return
		}
		for item := range v.items() {
			if item.raw[0] != '{' {
				p.wrong(item, "an item of "+name, "an object, as in {…}")
			} else if !yield(item) {
				return
			}
		}
	}
}

// string returns a text.
func (p *parser) string(v value, name string) string {
	if strings.IndexByte("{[", v.raw[0]) >= 0 {
		p.wrong(v, name, "text in quotation marks")
	}
	return v.text()
}

// name returns a short text that may not be empty: "" if it is wrong.
func (p *parser) name(v value, name string) string {
	text := p.string(v, name)
	switch {
	case strings.IndexByte("{[", v.raw[0]) >= 0:
		return ""
	case text == "":
		p.faults.add(v.at, "%s is empty: write a name", name)
	case len(text) > maxText:
		p.faults.add(v.at, "%s has %d bytes, and may have %d", name, len(text), maxText)
		return ""
	case text != strings.TrimSpace(text) || strings.ContainsFunc(text, unprintable):
		p.faults.add(v.at, "%s %q has white space at an end or what cannot be printed: write it without", name, text)
		return ""
	}
	return text
}

func (p *parser) bool(v value, name string) bool {
	if strings.IndexByte("{[", v.raw[0]) < 0 {
		switch strings.ToLower(v.text()) {
		case "true", "1":
			return true
		case "false", "0", "":
			return false
		}
	}
	p.faults.add(v.at, "%s is %s: write true or false", name, shown(v))
	return false
}

// number returns a number that is not negative, at most so many. Without whole it may have
// a fraction.
func (p *parser) number(v value, name string, most float64, whole bool) float64 {
	text := strings.TrimSpace(v.text())
	if v.empty() {
		return 0
	}
	n, err := strconv.ParseFloat(text, 64)
	switch {
	case text == "" || err != nil || math.IsNaN(n) || math.IsInf(n, 0):
		p.faults.add(v.at, "%s is %s: write a number", name, shown(v))
	case n < 0:
		p.faults.add(v.at, "%s is negative: write 0 or more", name)
	case n > most:
		p.faults.add(v.at, "%s is %s, and may be %.0f", name, shown(v), most)
	case whole && n != math.Trunc(n):
		p.faults.add(v.at, "%s is %s: write a whole number", name, shown(v))
	default:
		return n
	}
	return 0
}

// shown is a value in a sentence.
func shown(v value) string {
	if strings.IndexByte("{[", v.raw[0]) >= 0 {
		return v.kind()
	}
	return clipped(string(v.raw))
}

// clipped is a text in a sentence, of which a long one ends early.
func clipped(text string) string {
	const most = 60
	for i := range text {
		if i > most {
			return text[:i] + "…"
		}
	}
	return text
}

func unprintable(r rune) bool { return !strconv.IsPrint(r) }
