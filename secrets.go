package prism

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"github.com/shopex/prism-go/internal/escape"
)

// secrets are texts that must not be seen in an error or a log record. A
// server or a proxy may repeat any of them.
type secrets []string

// minSecret is the length from which a text is hidden. A shorter one occurs in
// other words, and these would be hidden with it.
const minSecret = 4

// A mask finds the secrets of a try. It does so only when there is something to
// show, as most tries show nothing.
type mask struct {
	client    *Client
	call      *request
	signature string
}

func (m *mask) secrets() secrets {
	r := m.call
	s := append(m.client.proxySecrets(r), m.client.cfg.Secret, r.token, m.signature, strings.ToLower(m.signature))
	for _, name := range secretNames {
		if r.isSecret(name) {
			s = append(append(s, r.form[name]...), r.query[name]...)
		}
	}
	return slices.DeleteFunc(s, func(text string) bool { return len(text) < minSecret })
}

// secretNames are the parameters whose values are secrets.
var secretNames = []string{"access_token", "code", "code_verifier", "password", "refresh_token", "session_id", "token"}

// isSecret reports whether the parameter of that name is a secret. In a call that
// exchanges no grant for a token, code is that of a product or a shop.
func (r *request) isSecret(name string) bool {
	if name == "code" && !r.query.Has("grant_type") && !r.form.Has("grant_type") {
		return false
	}
	return slices.Contains(secretNames, name)
}

// clean returns text with every secret replaced by ***, also where the secret is
// escaped as in a string to sign.
func (s secrets) clean(text string) string {
	for _, secret := range s {
		text = strings.ReplaceAll(text, secret, "***")
		if escaped := escape.AllBut(secret, "-._~"); escaped != secret {
			text = strings.ReplaceAll(text, escaped, "***")
		}
	}
	return text
}

// cleanJSON is clean for JSON. It returns nil if the result is not JSON.
func (s secrets) cleanJSON(raw []byte) json.RawMessage {
	if cleaned := s.clean(string(raw)); json.Valid([]byte(cleaned)) {
		return json.RawMessage(cleaned)
	}
	return nil
}

// hide returns err, or an error in its place if its text shows a secret.
func (s secrets) hide(err error) error {
	if text := s.clean(err.Error()); text != err.Error() {
		return &cleaned{text, err}
	}
	return err
}

// cleaned replaces an error whose text shows a secret. It has no Unwrap, which
// would return that error and its text.
type cleaned struct {
	text  string
	cause error
}

func (e *cleaned) Error() string        { return e.text }
func (e *cleaned) Is(target error) bool { return errors.Is(e.cause, target) }
