// Package profile keeps what prismctl is told once of a platform: its address, the key,
// and where the secret is. The secret itself is in no profile.
package profile

import (
	"cmp"
	"errors"
	"fmt"
	"strings"

	"github.com/shopex/prism-go/cmd/prismctl/internal/exit"
	"github.com/shopex/prism-go/cmd/prismctl/internal/words"
)

// A Profile is a platform, a key, and where the secret of the key is: in exactly one of
// SecretFile, what SecretCommand prints, and the keyring of the system.
type Profile struct {
	URL           string `toml:"url"`
	Key           string `toml:"key"`
	SecretFile    string `toml:"secret-file,omitempty"`
	SecretCommand string `toml:"secret-command,omitempty"`
	Keyring       bool   `toml:"keyring,omitempty"`

	// Production is to ask before a command destroys something.
	Production bool `toml:"production,omitempty"`

	Name string `toml:"-"`
}

// Secret says where the secret is, for people. Of a command it is the first word, as the
// rest may hold what nobody should see.
func (p *Profile) Secret() string {
	switch {
	case p.SecretFile != "":
		return "file " + words.Shown(p.SecretFile)
	case p.SecretCommand != "":
		return "command " + words.Shown(strings.Fields(p.SecretCommand)[0])
	}
	return "keyring"
}

// check returns an error that says what is wrong with a profile.
func (p *Profile) check() error {
	sources := 0
	for _, there := range []bool{p.SecretFile != "", strings.TrimSpace(p.SecretCommand) != "", p.Keyring} {
		if there {
			sources++
		}
	}
	switch {
	case p.URL == "":
		return errors.New("it has no url")
	case p.Key == "":
		return errors.New("it has no key")
	case sources != 1:
		return errors.New("it needs exactly one of secret-file, secret-command and keyring")
	}
	return nil
}

// longestName is enough for a name that people type.
const longestName = 64

// CheckName refuses what is no good as the name of a profile.
func CheckName(name string) error {
	odd := func(r rune) bool {
		return !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || strings.ContainsRune("-_.", r))
	}
	if name == "" || len(name) > longestName || name[0] == '-' || strings.IndexFunc(name, odd) >= 0 {
		return fmt.Errorf("%q is no name of a profile: use letters, digits, - _ and ., at most %d of them", name, longestName)
	}
	return nil
}

// Profiles is all of them.
type Profiles struct {
	Use string              `toml:"use,omitempty"` // the one that counts if none is named
	All map[string]*Profile `toml:"profile"`
}

// Named returns a profile by its name; the empty name is the one that is used. It returns
// nil if none is used.
func (ps *Profiles) Named(name string) (*Profile, error) {
	name = cmp.Or(name, ps.Use)
	if name == "" {
		return nil, nil
	}
	p := ps.All[name]
	if p == nil {
		return nil, exit.Usagef("there is no profile %s: \"prismctl profile list\" names them, \"prismctl profile add\" makes one", words.Shown(name))
	}
	return p, nil
}
