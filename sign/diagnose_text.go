package sign

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

const (
	malformed = "The signature is none: it is neither 32 hex digits nor another hash. " + plainFix
	tooLarge  = "The signature is wrong, and the request is too large to find out why: try one with fewer parameters."
	unknown   = "The signature is wrong, and nothing that clients are known to do explains it. Most likely the secret is not that of this key, or the request " +
		"was changed after it was signed. Check the secret, then compare the strings to sign of both sides."
)

// mostCauses is how many causes are named at most.
const mostCauses = 6

// spellingHabits are about the text of the signature itself.
var spellingHabits = map[string]habit{
	"lower-case-signature": {what: "writes the signature with hex digits in lower case", fix: "Write them in upper case."},
	"signature-decorated":  {what: "puts blanks, quotes, hyphens or 0x into the signature", fix: "Send the 32 hex digits alone."},
	"base64-signature":     {what: "writes the signature in base64", fix: "Write it as 32 hex digits in upper case."},
	"truncated-signature":  {what: "sends only the middle 16 digits of the signature", fix: "Send all 32 digits."},
}

func (s *search) unexplained() Diagnosis {
	return Diagnosis{Causes: []string{"other-secret", "changed-after-signing"}, Text: unknown, Tried: s.tried}
}

// explained makes a diagnosis of findings, of which the first is the likeliest.
func (s *search) explained(found []finding) Diagnosis {
	best := found[0]
	var d Diagnosis
	var what, fix, other []string
	add := func(cause, clause, sentence string) {
		d.Causes = append(d.Causes, cause)
		what = append(what, clause)
		if !slices.Contains(fix, sentence) {
			fix = append(fix, sentence)
		}
	}
	for _, c := range best.choices {
		clause := c.what
		if c.note != "" {
			clause += " (" + c.note + ")"
		}
		add(c.cause, clause, c.fix)
	}
	if best.family.cause != "" {
		add(best.family.cause, describe(best.family.cause), plainFix)
	}
	for _, cause := range s.claim.spellings {
		add(cause, spellingHabits[cause].what, spellingHabits[cause].fix)
	}
	for _, f := range found[1:] {
		for _, c := range f.choices {
			if !slices.Contains(d.Causes, c.cause) && len(d.Causes) < mostCauses {
				d.Causes = append(d.Causes, c.cause)
				other = append(other, c.what)
			}
		}
	}
	d.Text = "The signature is wrong: the client " + strings.Join(what, ", and ") + ". "
	d.Text += s.where(best)
	d.Text += strings.Join(fix, " ")
	if len(other) > 0 {
		d.Text += " The same signature is made by a client that " + strings.Join(other, ", or that ") + "."
	}
	return d
}

// where says where the strings to sign of the rule and of the client differ first.
func (s *search) where(f finding) string {
	if len(f.choices) == 0 {
		return "The string to sign is right. "
	}
	right, other := s.base, s.plan(f.family, f.choices)
	if other.secret != right.secret || other.noFirst {
		return "Part 1 of 7 (secret) differs. "
	}
	names := [innerParts]string{"method", "path", "headers", "query", "form"}
	theirs := other.parts()
	for i, part := range right.parts() {
		if part != theirs[i] {
			return difference(i+2, names[i], part, theirs[i])
		}
	}
	switch {
	case other.noLast:
		return "Part 7 of 7 (secret) differs. "
	case other.text() == right.text():
		return "The string to sign is right. "
	}
	return "Each of the seven parts is right, but not how they are joined. "
}

// difference says where a part is different. It shows no more than one character of each
// side, and of a part with private values none.
func difference(number int, name, right, theirs string) string {
	at := 0
	for at < len(right) && at < len(theirs) && right[at] == theirs[at] {
		at++
	}
	for at > 0 && (at < len(right) && !utf8.RuneStart(right[at]) || at < len(theirs) && !utf8.RuneStart(theirs[at])) {
		at--
	}
	at -= insideEscape(right[:at], right, theirs)
	text := fmt.Sprintf("Part %d of 7 (%s) differs at character %d", number, name, utf8.RuneCountInString(right[:at])+1)
	if !hasPrivate(right) && !hasPrivate(theirs) {
		text += fmt.Sprintf(": the rule has %s there, and the client signed %s", shown(token(right, at)), shown(token(theirs, at)))
	}
	return text + ". "
}

// insideEscape returns how many characters before the end of same an escape begins that
// is not complete there.
func insideEscape(same, right, theirs string) int {
	for back := 1; back <= 2 && back <= len(same); back++ {
		if i := len(same) - back; same[i] == '%' && isEscape(right, i) && isEscape(theirs, i) {
			return back
		}
	}
	return 0
}

func isEscape(s string, i int) bool { return i+3 <= len(s) }

func shown(token string) string {
	switch token {
	case "":
		return "nothing"
	case " ":
		return "a blank"
	}
	return token
}

// hasPrivate reports whether a part has a value that nobody else should see, escaped or
// not.
func hasPrivate(part string) bool {
	lower := strings.ToLower(part)
	return slices.ContainsFunc(privateNames, func(name string) bool { return strings.Contains(lower, strings.ToLower(name)) })
}
