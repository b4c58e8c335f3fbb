// Package secrets reads secrets from where no other user of the machine sees
// them, and refuses what nobody sees in them.
package secrets

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/shopex/prism-go/cmd/prismctl/internal/exit"
	"github.com/shopex/prism-go/cmd/prismctl/internal/files"
	"github.com/shopex/prism-go/cmd/prismctl/internal/words"
)

// Of reads a secret from its file, or else takes that of the environment.
func Of(file string, env func(string) string, variable string) (string, error) {
	if file != "" {
		return Read("secret", file)
	}
	return Visible(variable, env(variable))
}

// Read reads what is called a secret or a password from a file.
func Read(what, file string) (string, error) {
	text, err := files.ReadPrivate(files.AtHome(file))
	if err != nil {
		return "", exit.Usagef("the %s cannot be read: %w", what, err)
	}
	secret := strings.TrimRight(files.WithoutMark(string(text)), "\r\n")
	if secret == "" {
		return "", exit.Usagef("the %s file %s is empty", what, words.Shown(file))
	}
	if what == "password" { // people may type what they like
		return secret, nil
	}
	return Visible("the "+what+" file "+words.Shown(file), secret)
}

// Visible refuses a secret with what nobody sees, which came with a copy of it.
// A blank or a line break is left to the client, which says as much.
func Visible(where, secret string) (string, error) {
	secret = files.WithoutMark(secret)
	for i, r := range secret {
		switch {
		case r < utf8.RuneSelf:
		case r == utf8.RuneError:
			return "", exit.Usagef("%s is no UTF-8 at byte %d", where, i)
		case !unicode.IsPrint(r):
			return "", exit.Usagef("%s has %s at byte %d, which nobody sees: copy or type it anew", where, Named(r), i)
		}
	}
	return secret, nil
}

// Unseen holds for blanks, too, which no address has.
func Unseen(r rune) bool { return r == ' ' || !unicode.IsPrint(r) }

// Named is what an invisible character is called.
func Named(r rune) string {
	names := map[rune]string{
		'\u00a0': "no-break space", '\u00ad': "soft hyphen", '\u200b': "zero width space", '\u200c': "zero width non-joiner",
		'\u200d': "zero width joiner", '\u200e': "left-to-right mark", '\u200f': "right-to-left mark", '\u202a': "left-to-right embedding",
		'\u202c': "pop directional formatting", '\u202d': "left-to-right override", '\u202e': "right-to-left override",
		'\u2060': "word joiner", '\u3000': "ideographic space", '\ufeff': "byte order mark",
	}
	switch r {
	case ' ':
		return "a blank"
	case '\r', '\n':
		return "a line break"
	}
	if name := names[r]; name != "" {
		return fmt.Sprintf("%U (%s)", r, name)
	}
	return fmt.Sprintf("%U", r)
}
