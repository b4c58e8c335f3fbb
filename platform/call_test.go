package platform

import (
	"net/url"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestSemicolonIsACharacterLikeAnyOther(t *testing.T) {
	got, err := parseParams("a=1;b=2&&c;=3&=4&d", 10)
	want := url.Values{"a": {"1;b=2"}, "c;": {"3"}, "": {"4"}, "d": {""}}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("parsed %v, %v; want %v", got, err, want)
	}
}

// What is parsed survives being encoded and parsed again, agrees with net/url
// where that parses at all, and never has more parameters than allowed.
func FuzzParseParams(f *testing.F) {
	for _, seed := range []string{"", "a=1&b=2", "a=%E8%AE%A2&a=+", "=&=&", "%zz", "a;b=c", "sign=A&sign=B", "\xff=\x00", strings.Repeat("\xbb", 64) + "=%"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		const limit = 20
		params, err := parseParams(raw, limit)
		if err != nil {
			if text := err.Error(); len(text) > 300 {
				t.Errorf("an error of %d bytes", len(text))
			}
			return
		}
		count := 0
		for _, values := range params {
			count += len(values)
		}
		if count > limit {
			t.Errorf("%d parameters", count)
		}
		if again, err := parseParams(params.Encode(), limit); err != nil || !reflect.DeepEqual(again, params) {
			t.Errorf("%q parsed to %v and then to %v, %v", raw, params, again, err)
		}
		if std, err := url.ParseQuery(raw); err == nil && !reflect.DeepEqual(std, params) {
			t.Errorf("%q parsed to %v, net/url has %v", raw, params, std)
		}
	})
}

func FuzzShorten(f *testing.F) {
	f.Add("订单订单", 7)
	f.Fuzz(func(t *testing.T, s string, n int) {
		if n < 3 || n > 1000 {
			return
		}
		got := shorten(s, n)
		if len(got) > max(n, 3) || utf8.ValidString(s) && !utf8.ValidString(got) || len(s) <= n && got != s {
			t.Errorf("shorten(%q, %d) = %q", s, n, got)
		}
		if !strings.HasPrefix(s, strings.TrimSuffix(got, "...")) {
			t.Errorf("shorten(%q, %d) = %q, which is no beginning of it", s, n, got)
		}
	})
}
