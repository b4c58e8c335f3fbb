package apijson

import (
	"bytes"
	"encoding/json"
	"fmt"
	"iter"
	"strings"
)

// A value is a JSON value in a text that is known to be valid.
type value struct {
	at  int    // offset in the text
	raw []byte // without white space around it
}

// kind says what a value is, for people.
func (v value) kind() string {
	switch v.raw[0] {
	case '{':
		return "an object"
	case '[':
		return "an array"
	case '"':
		return "text"
	case 't', 'f':
		return "true or false"
	case 'n':
		return "null"
	}
	return "a number"
}

// empty reports whether a value has nothing in it: null, [], {} or "".
func (v value) empty() bool {
	if v.raw[0] == 'n' {
		return true
	}
	return strings.ContainsRune(`{["`, rune(v.raw[0])) && len(bytes.TrimSpace(v.raw[1:len(v.raw)-1])) == 0
}

// text returns a string, and a number, true and false as they are written. Others are "".
func (v value) text() string {
	switch v.raw[0] {
	case '{', '[', 'n':
		return ""
	case '"':
		var s string
		_ = json.Unmarshal(v.raw, &s) // it is valid
		return s
	}
	return string(v.raw)
}

// compact returns the value without white space between its parts.
func (v value) compact() json.RawMessage {
	var b bytes.Buffer
	_ = json.Compact(&b, v.raw) // it is valid
	return b.Bytes()
}

// items returns the values of an array.
func (v value) items() iter.Seq[value] {
	return func(yield func(value) bool) {
		for i := skipTo(v.raw, 1); v.raw[i] != ']'; {
			item := v.part(i)
			if !yield(item) {
				return
			}
			i = skipTo(v.raw, i+len(item.raw))
		}
	}
}

// A member is a member of an object.
type member struct {
	name string
	at   int // of the name
	value
}

// members returns the members of an object.
func (v value) members() iter.Seq[member] {
	return func(yield func(member) bool) {
		for i := skipTo(v.raw, 1); v.raw[i] != '}'; {
			name := v.part(i)
			i = skipTo(v.raw, i+len(name.raw))
			m := member{name.text(), name.at, v.part(i)}
			if !yield(m) {
				return
			}
			i = skipTo(v.raw, i+len(m.raw))
		}
	}
}

// part returns the value that begins at an offset of v.
func (v value) part(i int) value { return value{v.at + i, v.raw[i:valueEnd(v.raw, i)]} }

// skipTo returns where the next value or the end of an object or array is.
func skipTo(raw []byte, i int) int {
	for strings.IndexByte(" \t\r\n,:", raw[i]) >= 0 {
		i++
	}
	return i
}

// valueEnd returns the end of the value that begins at i.
func valueEnd(raw []byte, i int) int {
	depth := 0
	for ; i < len(raw); i++ {
		switch raw[i] {
		case '{', '[':
			depth++
			continue
		case '}', ']':
			if depth == 0 { // of what the value is in
				return i
			}
			depth--
		case '"':
			i = stringEnd(raw, i)
		case ' ', '\t', '\r', '\n', ',', ':':
			if depth == 0 {
				return i
			}
			continue
		default:
			continue
		}
		if depth == 0 {
			return i + 1
		}
	}
	return i
}

// stringEnd returns the offset of the quotation mark that ends the string at i.
func stringEnd(raw []byte, i int) int {
	for i++; raw[i] != '"'; i++ {
		if raw[i] == '\\' {
			i++
		}
	}
	return i
}

// deepest returns the offset at which values in a valid text nest deeper than that, or -1.
func deepest(text []byte, limit int) int {
	depth := 0
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '"':
			i = stringEnd(text, i)
		case '{', '[':
			if depth++; depth > limit {
				return i
			}
		case '}', ']':
			depth--
		}
	}
	return -1
}

// syntaxNote says what keeps a text from being JSON.
func syntaxNote(text []byte, e *json.SyntaxError) note {
	at := min(max(int(e.Offset)-1, 0), len(text))
	before := bytes.TrimRight(text[:at], " \t\r\n")
	switch {
	case len(bytes.TrimSpace(text)) == 0:
		return note{0, "the file is empty"}
	case bytes.HasPrefix(bytes.TrimSpace(text), []byte("<")):
		return note{at, "this is a web page and no JSON: give the address of the api.json itself"}
	case IsList(text):
		return note{0, "this is a list of files, as api.txt is, and no api.json"}
	case strings.HasPrefix(e.Error(), "unexpected end"):
		return note{len(text), "the file ends too early: a bracket or a quotation mark is not closed"}
	case strings.IndexByte("}]", text[at]) >= 0 && bytes.HasSuffix(before, []byte(",")):
		return note{len(before) - 1, fmt.Sprintf("there is a comma too much in front of %c: remove it", text[at])}
	}
	return note{at, "this is no JSON: " + e.Error()}
}
