package progress

import (
	"strings"
	"testing"
)

func TestProgressIsOneLineAndGoesAway(t *testing.T) {
	var screen strings.Builder
	columns := 40
	l := &Line{w: &screen, columns: func() int { return columns }}
	l.Draw("a longer line")
	l.Draw("short")
	_, _ = l.Write([]byte("notice\n"))
	l.Draw(strings.Repeat("é", 100))
	l.Clear()
	l.Clear()
	want := "\ra longer line" + "\rshort        " + "\r     \rnotice\n" + "\r" + strings.Repeat("é", 39) + "\r" + strings.Repeat(" ", 39) + "\r"
	if got := screen.String(); got != want {
		t.Errorf("wrote %q, want %q", got, want)
	}
	columns = 0
	l.Draw("no room")
}
