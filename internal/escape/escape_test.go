package escape

import (
	"net/url"
	"strings"
	"testing"
)

func FuzzEscapeRoundTrip(f *testing.F) {
	f.Add("")
	f.Add("AZaz09-._~ +*'()!%/&=")
	f.Add("中文\x00\xff😀")
	f.Fuzz(func(t *testing.T, s string) {
		escaped := string(Append([]byte("before"), s))
		escaped, ok := strings.CutPrefix(escaped, "before")
		if !ok {
			t.Fatalf("%q lost what was there before", escaped)
		}
		if decoded, err := url.PathUnescape(escaped); err != nil || decoded != s {
			t.Errorf("%q escaped is %q, decoded %q, %v", s, escaped, decoded, err)
		}
		if strings.Trim(escaped, "%ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~") != "" {
			t.Errorf("%q escaped is %q", s, escaped)
		}
		if other := AllBut(s, "-._~"); other != escaped {
			t.Errorf("%q escaped is %q, by the set of plain characters %q", s, escaped, other)
		}
	})
}
