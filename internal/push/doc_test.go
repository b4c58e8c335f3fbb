package push

import (
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"
)

// A receiver can be tested with the message of the documentation.
func TestTheExampleOfTheDocumentationIsVerified(t *testing.T) {
	text, err := os.ReadFile("../../docs/push.md")
	if err != nil {
		t.Fatal(err)
	}
	first := func(pattern string) string {
		found := regexp.MustCompile(pattern).FindSubmatch(text)
		if found == nil {
			t.Fatalf("docs/push.md has nothing like %s", pattern)
		}
		return string(found[1])
	}
	secret := mustSecret(t, first("`(whsec_[^`]*)`, for a test"))
	body := []byte(first(`(?m)^(\{"time":1700000000.*\})$`))
	h := http.Header{}
	for _, name := range []string{HeaderID, HeaderTimestamp, HeaderSignature} {
		h.Set(name, first(`(?m)^`+name+`: (.*)$`))
	}
	if err := Verify(h, body, time.Unix(1_700_000_000, 0), secret); err != nil {
		t.Error(err)
	}
	changed := []byte(strings.Replace(string(body), "order", "Order", 1))
	if Verify(h, changed, time.Unix(1_700_000_000, 0), secret) == nil {
		t.Error("another body is verified, too")
	}
}
