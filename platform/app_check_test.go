package platform

import (
	"strings"
	"testing"
)

func TestAnAppIsCheckedLikeThoseOfTheAPI(t *testing.T) {
	for want, app := range map[string]App{
		"":                           {ID: "shop-1_A", Name: "The shop", Publish: []string{"order.#", "*"}, Listen: []string{}},
		"must be 1 to 64":            {},
		"letters, digits, - and _":   {ID: "a/b"},
		"64 letters":                 {ID: strings.Repeat("x", 65)},
		"at most 256 bytes":          {ID: "a", Name: strings.Repeat("x", 257)},
		"without control":            {ID: "a", Name: "\x00"},
		"publish: the pattern \"a#":  {ID: "a", Publish: []string{"a#.b"}},
		"listen: a pattern is empty": {ID: "a", Listen: []string{""}},
		"101 patterns":               {ID: "a", Listen: make([]string, 101)},
	} {
		err := app.Check()
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%.40q: %v, want %q", app.ID, err, want)
		}
	}
}
