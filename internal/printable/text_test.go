package printable

import (
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestWhatIsNotToBeSeenIsEscaped(t *testing.T) {
	for text, want := range map[string]string{
		`plain "text" \ 中文 é`:  `plain "text" \ 中文 é`,
		"a\x1b[31mb":           `a\x1b[31mb`,
		"a\r\nb\tc":            `a\r\nb\tc`,
		"a\u202eb\u200b\u00ad": `a\u202eb\u200b\u00ad`,
		"a\xffb":               `a\xffb`,
		"\x7f\u0085\u2028":     `\x7f\u0085\u2028`,
		"":                     "",
	} {
		if got := Text(text); got != want {
			t.Errorf("Text(%q) = %s, want %s", text, got, want)
		}
	}
}

func TestLinesStayLines(t *testing.T) {
	for text, want := range map[string]string{
		"a\tb\r\nc\n":         "a\tb\r\nc\n",
		"a\rb\n\x1b[2J\u202e": `a\rb` + "\n" + `\x1b[2J\u202e`,
		"a\xff\n":             `a\xff` + "\n",
		"\ufffd\xef":          "\ufffd" + `\xef`,
	} {
		if got := Lines(text); got != want {
			t.Errorf("Lines(%q) = %q, want %q", text, got, want)
		}
	}
}

func FuzzTextIsGraphic(f *testing.F) {
	f.Add("a\x1b\xff\u202e中")
	f.Fuzz(func(t *testing.T, s string) {
		got := Text(s)
		if !utf8.ValidString(got) {
			t.Errorf("%q is not UTF-8", got)
		}
		for _, r := range got {
			if !unicode.IsGraphic(r) {
				t.Errorf("%q has %U", got, r)
			}
		}
		if Text(got) != got {
			t.Errorf("%q changes again", got)
		}
	})
}
