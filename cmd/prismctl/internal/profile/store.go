package profile

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"github.com/BurntSushi/toml"

	"github.com/shopex/prism-go/cmd/prismctl/internal/exit"
	"github.com/shopex/prism-go/cmd/prismctl/internal/files"
	"github.com/shopex/prism-go/cmd/prismctl/internal/words"
)

// A Store is the file with the profiles of a user.
type Store struct{ File string }

// In returns the store below the directory of the user's configuration.
func In(config func() (dir string, err error)) (Store, error) {
	dir, err := config()
	if err != nil {
		return Store{}, exit.Usagef("there is no directory to keep profiles in: %w", err)
	}
	return Store{filepath.Join(dir, "prismctl", "profiles.toml")}, nil
}

// Load reads the profiles. Where there is no file there are none.
func (s Store) Load() (*Profiles, error) {
	found := &Profiles{All: map[string]*Profile{}}
	text, err := files.ReadPrivate(s.File)
	if errors.Is(err, fs.ErrNotExist) {
		return found, nil
	}
	if err != nil {
		return nil, exit.Usagef("the profiles cannot be read: %w", err)
	}
	known, err := toml.Decode(string(text), found)
	if err != nil {
		return nil, exit.Usagef("%s: %s", words.Shown(s.File), placed(err))
	}
	if unknown := known.Undecoded(); len(unknown) > 0 {
		return nil, exit.Usagef("%s: no profile has a setting %s", words.Shown(s.File), words.Shown(unknown[0].String()))
	}
	for name, p := range found.All {
		p.Name = name
		if err := errors.Join(CheckName(name), p.check()); err != nil {
			return nil, exit.Usagef("%s: profile %s: %w", words.Shown(s.File), words.Shown(name), err)
		}
	}
	return found, nil
}

// placed is what is wrong, and where. The text of the file is not shown: it may be a secret
// that does not belong there.
func placed(err error) string {
	var parse toml.ParseError
	if errors.As(err, &parse) {
		return fmt.Sprintf("line %d is no TOML: write it anew, or remove the file and add the profiles again", parse.Position.Line)
	}
	return "it has a value of a wrong type: url, key, secret-file and secret-command are texts, keyring and production true or false"
}

// Change lets change alter the profiles, one process at a time. A reader finds those of
// before or those of after, whole.
func (s Store) Change(ctx context.Context, change func(*Profiles) error) error {
	return files.Alone(ctx, "the profiles", s.File, func() error {
		ps, err := s.Load()
		if err != nil {
			return err
		}
		if err := change(ps); err != nil {
			return err
		}
		var text bytes.Buffer
		if err := toml.NewEncoder(&text).Encode(ps); err != nil {
			return fmt.Errorf("the profiles cannot be written: %w", err)
		}
		if err := files.Replace(s.File, text.Bytes()); err != nil {
			return fmt.Errorf("the profiles cannot be written: %w", err)
		}
		return nil
	})
}
