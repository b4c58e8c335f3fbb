package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/shopex/prism-go/cmd/prismctl/internal/exit"
	"github.com/shopex/prism-go/cmd/prismctl/internal/words"
)

// secret reads the secret from where no other user of the machine sees it: a
// file, the environment, or the keyboard.
func (s *secretSource) secret(ctx context.Context, t *tool) (string, error) {
	secret, err := secretOf(s.SecretFile, t, "PRISM_SECRET")
	if secret != "" || err != nil {
		return secret, err
	}
	fd, ok := terminal(t.in)
	if !ok {
		return "", exit.Usagef("there is no secret: set PRISM_SECRET or give --secret-file")
	}
	secret, err = t.askSecret(ctx, fd, "secret")
	if err != nil {
		return "", err
	}
	return visible("the secret", secret)
}

// secretOf reads a secret from its file, or else takes that of the environment.
func secretOf(file string, t *tool, variable string) (string, error) {
	if file != "" {
		return readSecret("secret", file)
	}
	return visible(variable, t.env(variable))
}

// readSecret reads what is called a secret or a password from a file.
func readSecret(what, file string) (string, error) {
	text, err := readPrivate(atHome(file))
	if err != nil {
		return "", exit.Usagef("the %s cannot be read: %w", what, err)
	}
	secret := strings.TrimRight(withoutMark(string(text)), "\r\n")
	if secret == "" {
		return "", exit.Usagef("the %s file %s is empty", what, words.Shown(file))
	}
	if what == "password" { // people may type what they like
		return secret, nil
	}
	return visible("the "+what+" file "+words.Shown(file), secret)
}

// longestPrivate is more than any secret or private key has.
const longestPrivate = 1 << 20

// readPrivate reads a file that is nobody else's business.
func readPrivate(file string) ([]byte, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if err := checkPrivate(f); err != nil {
		return nil, err
	}
	text, err := io.ReadAll(io.LimitReader(f, longestPrivate+1))
	switch {
	case err != nil:
		return nil, err
	case len(text) > longestPrivate:
		return nil, fmt.Errorf("%s has more than %d bytes", words.Shown(file), longestPrivate)
	case bytes.HasPrefix(text, []byte("\xff\xfe")), bytes.HasPrefix(text, []byte("\xfe\xff")):
		return nil, fmt.Errorf("%s is UTF-16: save it as UTF-8", words.Shown(file))
	}
	return text, nil
}

// withoutMark returns text without the mark that editors for Windows put in
// front of UTF-8.
func withoutMark(text string) string { return strings.TrimPrefix(text, "\ufeff") }

// visible refuses a secret with what nobody sees, which came with a copy of it.
// A blank or a line break is left to the client, which says as much.
func visible(where, secret string) (string, error) {
	secret = withoutMark(secret)
	for i, r := range secret {
		switch {
		case r < utf8.RuneSelf:
		case r == utf8.RuneError:
			return "", exit.Usagef("%s is no UTF-8 at byte %d", where, i)
		case !unicode.IsPrint(r):
			return "", exit.Usagef("%s has %s at byte %d, which nobody sees: copy or type it anew", where, named(r), i)
		}
	}
	return secret, nil
}

// unseen holds for blanks, too, which no address has.
func unseen(r rune) bool { return r == ' ' || !unicode.IsPrint(r) }

// named is what an invisible character is called.
func named(r rune) string {
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
