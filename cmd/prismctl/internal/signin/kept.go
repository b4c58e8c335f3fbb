package signin

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/shopex/prism-go"
	"github.com/shopex/prism-go/cmd/prismctl/internal/files"
	"github.com/shopex/prism-go/oauth"
)

// A Keep is where the login of a user is kept between commands: a file for
// each key of each platform, which only its owner can read.
type Keep struct {
	File        string
	Server, Key string // that the login is for
}

// kept is what the file of a Keep holds.
type kept struct {
	Server string       `json:"server"`
	Key    string       `json:"key"`
	Token  *oauth.Token `json:"token"`
}

// KeepFor returns the keep for what client calls, and with which key, below the
// directory of the user's configuration.
func KeepFor(client *prism.Client, config func() (dir string, err error)) (*Keep, error) {
	dir, err := config()
	if err != nil {
		return nil, fmt.Errorf("there is no directory to keep a login in: %w", err)
	}
	k := &Keep{Server: client.Server().String(), Key: client.Key()}
	name := sha256.Sum256([]byte(k.Server + "\n" + k.Key))
	k.File = filepath.Join(dir, "prismctl", fmt.Sprintf("login-%x.json", name[:8]))
	return k, nil
}

// Load returns the token that is kept, or nil if there is none.
func (k *Keep) Load() (*oauth.Token, error) {
	text, err := files.ReadPrivate(k.File)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("the kept login cannot be read: %w", err)
	}
	var found kept
	// What a decoder says about a token may show it.
	if json.Unmarshal(text, &found) != nil {
		return nil, fmt.Errorf("%s does not hold a login: sign in again by \"prismctl login\", which replaces it", k.File)
	}
	if found.Server != k.Server || found.Key != k.Key {
		return nil, nil // it is not for this platform to see
	}
	return found.Token, nil
}

// Save keeps token in the place of what was kept. A reader finds
// the one or the other meanwhile, whole.
func (k *Keep) Save(token *oauth.Token) error {
	text, err := json.Marshal(kept{k.Server, k.Key, token})
	if err == nil {
		err = files.Replace(k.File, append(text, '\n'))
	}
	if err != nil {
		return fmt.Errorf("the login cannot be kept: %w", err)
	}
	return nil
}

// Forget removes what is kept, and reports whether there was anything.
func (k *Keep) Forget() (bool, error) {
	err := os.Remove(k.File)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("the kept login cannot be removed: %w", err)
	}
	return true, nil
}

// Alone calls change while no other process changes what is kept. It waits for
// its turn until ctx ends.
func (k *Keep) Alone(ctx context.Context, change func() error) error {
	return files.Alone(ctx, "the kept login", k.File, change)
}
