package completion

import (
	"slices"
	"strings"
	"testing"
)

func TestALineIsSplitAsAShellDoes(t *testing.T) {
	for line, want := range map[string][]string{
		"":                            {""},
		"prismctl ":                   {"prismctl", ""},
		"prismctl queue  dr":          {"prismctl", "queue", "dr"},
		`prismctl 'order l`:           {"prismctl", "order l"},
		`prismctl "a \" b" c\ d ''`:   {"prismctl", `a " b`, "c d", ""},
		"ls | prismctl a; prismctl b": {"prismctl", "b"},
		"x=$(prismctl que":            {"prismctl", "que"},
	} {
		if got, _ := Split(line); !slices.Equal(got, want) {
			t.Errorf("%q: %q, want %q", line, got, want)
		}
	}
}

// Words without what a shell minds come back as they are.
func FuzzPlainWordsAreSplitAtBlanks(f *testing.F) {
	f.Add("prismctl queue")
	f.Add(`a'b "`)
	f.Fuzz(func(t *testing.T, line string) {
		got, _ := Split(line)
		if len(got) == 0 {
			t.Fatal("there is no last word")
		}
		if strings.ContainsAny(line, "'\"\\;|&(`\n\t") || strings.ToValidUTF8(line, "") != line {
			return
		}
		want := strings.FieldsFunc(line, func(r rune) bool { return r == ' ' })
		if line == "" || strings.HasSuffix(line, " ") {
			want = append(want, "")
		}
		if !slices.Equal(got, want) {
			t.Fatalf("%q: %q, want %q", line, got, want)
		}
	})
}
