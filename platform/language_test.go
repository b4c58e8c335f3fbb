package platform

import (
	"reflect"
	"strings"
	"testing"
)

func TestPagesSpeakTheLanguageThatTheBrowserPrefers(t *testing.T) {
	for _, row := range []struct {
		accept string
		want   language
	}{
		{"", english},
		{"zh-CN", chinese},
		{"zh", chinese},
		{"ZH-hant-TW", chinese},
		{"zh-CN,zh;q=0.9,en;q=0.8", chinese},
		{"en-US,en;q=0.9,zh-CN;q=0.8", english},
		{"en;q=0.5, zh;q=0.6", chinese},
		{"en;q=0.6, zh;q=0.6", english},
		{"zh;q=0.6, en;q=0.6", chinese},
		{"fr, de;q=0.9, zh;q=0.1", chinese},
		{"fr, de", english},
		{"*", english},
		{"*;q=0.1, zh;q=0.2", chinese},
		{"zh;q=0", english},
		{"zh;q=0.000, fr", english},
		{"zh ; q = 1.0", chinese},
		{"en;Q=0.1,zh;Q=0.2", chinese},
		{"zh;q=2, en;q=0.1", english},
		{"zh;q=-1", english},
		{"zh;q=NaN", english},
		{"zh;q=Inf", english},
		{"zh;q=", english},
		{"zh;x=1", english},
		{"zhx, xzh, z, -zh", english},
		{",,;;=,zh", chinese},
	} {
		if got := preferred(row.accept); got != row.want {
			t.Errorf("%q: got %s, want %s", row.accept, got, row.want)
		}
	}
}

// Languages that the pages do not have change nothing, nor do spaces and capitals. A
// browser gets Chinese only if its header names it.
func FuzzPreferred(f *testing.F) {
	for _, accept := range []string{"", "zh-CN,zh;q=0.9,en;q=0.8", "en;q=0.5, zh;q=0.6", "*;q=0.1,zh;q=0", "zh;q=NaN,,;"} {
		f.Add(accept)
	}
	f.Fuzz(func(t *testing.T, accept string) {
		got := preferred(accept)
		if got == chinese && !strings.Contains(strings.ToLower(accept), "zh") {
			t.Errorf("%q: got %s", accept, got)
		}
		for _, same := range []string{"fr," + accept, accept + ",fr;q=1", " " + accept + " ", strings.ToUpper(accept)} {
			if other := preferred(same); other != got {
				t.Errorf("%q: got %s, but %q: got %s", accept, got, same, other)
			}
		}
	})
}

func TestEveryTextIsThereInEachLanguage(t *testing.T) {
	en, zh := reflect.ValueOf(englishWords()), reflect.ValueOf(chineseWords())
	for i := range en.NumField() {
		name, a, b := en.Type().Field(i).Name, en.Field(i).String(), zh.Field(i).String()
		if a == "" || b == "" || a == b || strings.Count(a, "%d") != strings.Count(b, "%d") {
			t.Errorf("%s is %q and %q", name, a, b)
		}
	}
}
