package sign

import (
	"os"
	"strings"
	"testing"
)

// Scripts rely on the names of causes, so each is in the document and has words.
func TestEachCauseIsDocumented(t *testing.T) {
	text, err := os.ReadFile("../docs/signing.md")
	if err != nil {
		t.Fatal(err)
	}
	names := []string{"unexplained", "other-secret", "changed-after-signing", "signature-malformed"}
	for _, h := range habits() {
		names = append(names, h.cause)
		if h.what == "" || !strings.HasSuffix(h.fix, ".") || h.slot == 0 || h.rank < common || h.rank > rare {
			t.Errorf("%+v", h)
		}
	}
	for name := range spellingHabits {
		names = append(names, name)
	}
	for _, size := range []int{16, 20, 32, 48, 64} {
		for _, f := range families(size) {
			names = append(names, f.cause)
		}
	}
	for _, name := range names {
		if name != "" && !strings.Contains(string(text), "`"+name+"`") {
			t.Errorf("%s is not in docs/signing.md", name)
		}
	}
}
