package listen

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/shopex/prism-go/internal/escape"
)

// ParseHeaders reads headers as 'Name: value', for [Forward]. An error does not show the
// value, as it may be secret.
func ParseHeaders(texts []string) (http.Header, error) {
	h := http.Header{}
	for i, text := range texts {
		name, value, ok := strings.Cut(text, ":")
		name, value = strings.TrimSpace(name), strings.TrimSpace(value)
		switch {
		case !ok || name == "" || strings.ContainsFunc(name, noToken):
			return nil, fmt.Errorf("--header, number %d: write 'Name: value'", i+1)
		case slices.Contains(taken, http.CanonicalHeaderKey(name)):
			return nil, fmt.Errorf("--header, number %d: %s is set already, for each message: leave it out", i+1, name)
		case strings.ContainsFunc(value, isControl):
			return nil, fmt.Errorf("--header, number %d: the value of %s has a line break or another control character", i+1, name)
		}
		h.Add(name, value)
	}
	return h, nil
}

// taken are the headers that follow from the message.
var taken = []string{"Content-Length", "Transfer-Encoding", "Trailer", "Connection", "Upgrade", "Webhook-Id", "Webhook-Timestamp", "Webhook-Signature"}

// noToken reports whether r is in no name of a header, by RFC 9110.
func noToken(r rune) bool {
	return r > '~' || !escape.Alphanumeric(byte(r)) && !strings.ContainsRune("!#$%&'*+-.^_`|~", r)
}

func isControl(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }
