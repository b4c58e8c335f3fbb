package jetstream

import (
	"strings"
	"testing"
)

func TestNoPartOfAPasswordIsShown(t *testing.T) {
	for urls, want := range map[string]string{
		"":                                    "",
		"nats://127.0.0.1:4222":               "nats://127.0.0.1:4222",
		"10.0.0.1,10.0.0.2:4222":              "10.0.0.1,10.0.0.2:4222",
		"nats://u:SECRET@h":                   "nats://***@h",
		"nats://u:SECRET@a,nats://u:SECRET@b": "nats://***@a,nats://***@b",
		"nats://a,nats://u:SECRET@b":          "nats://a,nats://***@b",
		"nats://u:SECRET,x@h":                 "nats://***@h",
		"nats://u:1,SECRET@h":                 "nats://***@h",
		"nats://u:SECRET,nats://x@h":          "nats://***@h",
		"nats://u:SEC@RET@h":                  "nats://***@h",
		"nats://u:SECRET/x@h":                 "nats://***@h",
		"nats://u:SECRET%zz@h":                "nats://***@h",
		"nats://u:1?SECRET@h":                 "nats://***@h",
		"nats://SECRET@h":                     "nats://***@h",
		"u:SECRET@h":                          "***@h",
		"SECRET,x@h":                          "***@h",
		"nats://u:SECRET":                     "***",
		"nats://h?token=SECRET":               "nats://h",
		"nats://u:SECRET@h?token=SECRET":      "nats://***@h",
	} {
		if got := WithoutPassword(urls); got != want {
			t.Errorf("of %s is shown %s, want %s", urls, got, want)
		}
	}
}

func FuzzWithoutPassword(f *testing.F) {
	f.Add("user", "pass,word", "127.0.0.1:4222")
	f.Fuzz(func(t *testing.T, user, password, host string) {
		if strings.ContainsAny(host, "@?,") || len(password) < 6 || strings.Contains("nats://***@"+host, password) ||
			strings.Contains(password, "://") { // which begins another address
			return
		}
		if shown := WithoutPassword("nats://" + user + ":" + password + "@" + host); strings.Contains(shown, password) {
			t.Errorf("shown: %s", shown)
		}
	})
}
