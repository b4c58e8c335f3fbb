package gen

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Words that Go writes in capitals.
var initialisms = map[string]bool{
	"api": true, "css": true, "html": true, "http": true, "https": true, "id": true, "ip": true, "json": true, "sku": true,
	"sql": true, "uid": true, "uri": true, "url": true, "utf8": true, "uuid": true, "xml": true,
}

// identifier makes of any name an exported identifier: item.sku_id is ItemSKUID.
func identifier(name string) string {
	var b strings.Builder
	for _, word := range strings.FieldsFunc(name, func(r rune) bool {
		return r == utf8.RuneError || !unicode.IsLetter(r) && !unicode.IsDigit(r)
	}) {
		if initialisms[strings.ToLower(word)] {
			b.WriteString(strings.ToUpper(word))
			continue
		}
		r, size := utf8.DecodeRuneInString(word)
		b.WriteString(string(unicode.ToUpper(r)) + word[size:])
	}
	text := b.String()
	if r, _ := utf8.DecodeRuneInString(text); !unicode.IsUpper(r) {
		text = "X" + text // a digit, or a letter that has no capital, as of Chinese
	}
	return text
}

// identifiers makes an identifier of each name, none of them taken and no two the same:
// of names that would have the same, the ones behind the first get a number.
func identifiers(names []string, taken ...string) []string {
	used := map[string]bool{}
	for _, name := range taken {
		used[name] = true
	}
	all := make([]string, len(names))
	for i, name := range names {
		if id := identifier(name); !used[id] {
			all[i], used[id] = id, true
		}
	}
	for i, name := range names {
		for n := 2; all[i] == ""; n++ {
			if id := identifier(name) + strconv.Itoa(n); !used[id] {
				all[i], used[id] = id, true
			}
		}
	}
	return all
}
