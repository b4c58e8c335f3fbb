package completion

import "strings"

// Split returns the words of a line as a shell sees them, as far as they were typed. The
// last one is empty behind a blank. Of what came before a ; | or & nothing is left. open
// reports whether the last word is in quotes that do not end.
func Split(line string) (all []string, open bool) {
	var word strings.Builder
	var quote rune
	escaped, begun := false, false
	end := func() {
		if begun {
			all = append(all, word.String())
		}
		word.Reset()
		begun = false
	}
	for _, r := range line {
		switch {
		case escaped:
			word.WriteRune(r)
			escaped = false
		case r == '\\' && quote != '\'':
			escaped, begun = true, true
		case quote != 0 && r == quote:
			quote = 0
		case quote != 0:
			word.WriteRune(r)
		case r == '\'' || r == '"':
			quote, begun = r, true
		case r == ' ' || r == '\t' || r == '\n':
			end()
		case r == ';' || r == '|' || r == '&' || r == '(' || r == '`':
			end()
			all = nil
		default:
			word.WriteRune(r)
			begun = true
		}
	}
	return append(all, word.String()), quote != 0
}
