package profile

import (
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/BurntSushi/toml"

	"github.com/shopex/prism-go/internal/leak"
)

func TestMain(m *testing.M) { leak.Main(m) }

// Whatever a file holds is refused, or it is written and read again as it was.
func FuzzProfilesAreReadAsTheyAreWritten(f *testing.F) {
	for _, text := range []string{
		"", "use = \"work\"", "[profile.work]\nurl='http://x/api'\nkey='k'\nkeyring=true",
		"[profile.work]\nurl='u'\nkey='k'\nsecret-command=\"pass 'x'\"\nproduction=true", "[profile.\"a b\"]", "profile = 3", "\xff\xfe",
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		s := Store{filepath.Join(t.TempDir(), "profiles.toml")}
		if err := os.WriteFile(s.File, text, 0o600); err != nil {
			t.Fatal(err)
		}
		read, err := s.Load()
		if err != nil {
			return
		}
		if err := s.Change(t.Context(), func(*Profiles) error { return nil }); err != nil {
			t.Fatal(err)
		}
		again, err := s.Load()
		if err != nil || !reflect.DeepEqual(read, again) {
			var b bytes.Buffer
			_ = toml.NewEncoder(&b).Encode(read)
			t.Fatalf("%q was read, and then %v, %v", b.String(), again, err)
		}
	})
}
