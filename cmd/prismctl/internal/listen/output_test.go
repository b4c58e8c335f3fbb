package listen

import (
	"strings"
	"testing"
)

func TestOutputIsPassedOnInWholeLines(t *testing.T) {
	var got []string
	o := &output{to: func(line string) { got = append(got, line) }}
	for _, piece := range []string{"one\ntw", "o\r\n", "", "\n", "col\tumn \x1b[31mred\n", strings.Repeat("x", longestLine+5) + "\nlast"} {
		if n, err := o.Write([]byte(piece)); n != len(piece) || err != nil {
			t.Errorf("Write(%.10q) = %d, %v", piece, n, err)
		}
	}
	o.end()
	o.end()
	want := []string{"one\n", "two\n", "\n", "col\tumn \\x1b[31mred\n", strings.Repeat("x", longestLine) + "\n", "xxxxx\n", "last\n"}
	if strings.Join(got, "|") != strings.Join(want, "|") || o.last != "last" {
		t.Errorf("passed on %.200q, last %q", got, o.last)
	}
}

func TestTheLastLineOfAnOutputIsBounded(t *testing.T) {
	o := &output{to: func(string) {}}
	_, _ = o.Write([]byte("x" + strings.Repeat("错", longestLast) + "\n\n"))
	if len(o.last) > longestLast || !strings.HasPrefix(o.last, "x错") || strings.Contains(o.last, "\uFFFD") {
		t.Errorf("last %q", o.last)
	}
}
