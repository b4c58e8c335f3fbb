package settings

import (
	"reflect"
	"testing"

	"github.com/BurntSushi/toml"
)

func FuzzAConfigurationThatIsReadCanBeWrittenAndRead(f *testing.F) {
	f.Add("listen = 'a:1'\n[limits]\nwindow = 3\n[[app]]\nid = 'x'\npublish = []\n[[key]]\nid = 'k'\nadmin = true")
	f.Add("limits.window = 3\nredirects = ['a']\n[[binding]]\npattern = '#'\n[[user]]\nlogin = 'a'\npassword-hash = 'h'")
	f.Add("lisen = 1")
	names := []string{"listen", "limits.window", "retention.max-age"}
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 1000 {
			return
		}
		read, err := parseConfig("c.toml", text, names)
		if err != nil {
			return
		}
		again, err := toml.Marshal(read.lists)
		if err != nil {
			t.Fatalf("%q cannot be written: %v", text, err)
		}
		if other, err := parseConfig("c.toml", string(again), names); err != nil || !reflect.DeepEqual(other.lists, read.lists) {
			t.Fatalf("%q was written as %q, %v", text, again, err)
		}
	})
}
