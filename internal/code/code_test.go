package code

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func TestThePackageCommentOfThePlatformNamesEveryCode(t *testing.T) {
	source := read(t, "code.go")
	comment := read(t, "../../platform/doc.go")
	codes := regexp.MustCompile(`(?m)^\t[A-Z]\w+ += "([a-z_]+)"`).FindAllStringSubmatch(source, -1)
	if len(codes) < 60 {
		t.Fatalf("only %d codes found", len(codes))
	}
	for _, code := range codes {
		if !regexp.MustCompile(`\b` + code[1] + `\b`).MatchString(comment) {
			t.Errorf("%s is not there", code[1])
		}
	}
}

func read(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// The table in docs/protocol.md is what callers of the original platform read.
func TestTheProtocolListsEachNumberWithItsStatusAndOurCodes(t *testing.T) {
	lines := strings.Split(read(t, "../../docs/protocol.md"), "\n")
	for word, o := range originals {
		row := fmt.Sprintf("| `%s` | %d |", o.Number, o.Status)
		at := slices.IndexFunc(lines, func(line string) bool { return strings.HasPrefix(line, row) })
		if at < 0 || !strings.Contains(lines[at], "`"+word+"`") {
			t.Errorf("no row %s names %s", row, word)
		}
	}
}
