package seed

import (
	"context"
	"errors"
	"time"

	"github.com/shopex/prism-go"
	"github.com/shopex/prism-go/cmd/prismctl/internal/exit"
	"github.com/shopex/prism-go/cmd/prismctl/internal/words"
	"github.com/shopex/prism-go/platform"
)

// shortestSecret is how long a new secret must be: a signature is MD5, which a
// thief of recorded calls can try millions of secrets a second with.
const shortestSecret = 16

// key stores a key in its app, which is made if it is not there.
func (s *seeder) key(ctx context.Context, id, app, secret string, admin bool) error {
	if err := usable(id, secret); err != nil {
		return err
	}
	domain, err := s.homeOf(ctx, id, app)
	if err != nil || domain == "" {
		return err
	}
	key, there, err := s.known(ctx, id)
	if err != nil {
		return err
	}
	before, err := s.given(ctx, "key", id)
	if err != nil {
		return err
	}
	same := before != nil && before.Proof == secretProof(secret)
	switch {
	case same && !there:
		return s.stayedDeleted(ctx, before)
	case same && key.Secret != secret:
		s.say("The key %s has a newer secret than that of the settings, which counts no more; put the newer one there.", words.Shown(id))
		secret = key.Secret
	case there && before == nil:
		err = s.mayTakeOver(ctx, &key, domain)
	}
	if err == nil {
		err = s.longEnough(&key, secret)
	}
	if err != nil {
		return err
	}
	if before == nil && key.Expires.Before(time.Now()) {
		key.Expires = time.Time{} // it was taken out of the settings, and is back
	}
	proof := secretProof(secret)
	if same {
		proof = before.Proof
	}
	key.Secret, key.App, key.Admin = secret, app, admin
	if err := s.registry.SaveKey(ctx, key); err != nil {
		return err
	}
	return s.give(ctx, gift{Kind: "key", ID: id, Proof: proof})
}

// known returns a key, or a new one with this ID.
func (s *seeder) known(ctx context.Context, id string) (key platform.Key, there bool, err error) {
	key, err = s.registry.Key(ctx, id)
	if errors.Is(err, platform.ErrUnknownKey) {
		key = platform.Key{ID: id, Created: time.Now()}
		if id == s.firstKey {
			key.Bindings = s.firstBindings()
		}
		return key, false, nil
	}
	return key, err == nil, err
}

func (s *seeder) stayedDeleted(ctx context.Context, before *gift) error {
	s.say("The key %s was deleted since the settings gave it, and stays so; with another secret it is made again.", words.Shown(before.ID))
	return s.stays(ctx, before)
}

// mayTakeOver refuses to move a key that an admin of another domain has made.
func (s *seeder) mayTakeOver(ctx context.Context, key *platform.Key, domain string) error {
	app, err := s.registry.App(ctx, key.App)
	if err == nil && domainOf(app) != domain {
		err = exit.Usagef("there is a key %s of the app %s in the domain %s: choose another key", words.Shown(key.ID), words.Shown(app.ID), words.Shown(domainOf(app)))
	}
	return err
}

// longEnough refuses a new secret that is short. One that is stored goes on;
// warnOfShort tells of it.
func (s *seeder) longEnough(stored *platform.Key, secret string) error {
	if len(secret) >= shortestSecret || stored.Secret == secret {
		return nil
	}
	return exit.Usagef("the secret of the key %s has %d characters, and could be guessed from recorded calls: choose one of %d or more, such as 20 random letters and digits", words.Shown(stored.ID), len(secret), shortestSecret)
}

// usable reports whether a client takes such a key; if not, it is of no use.
func usable(id, secret string) error {
	_, err := prism.New(prism.Config{Server: "http://127.0.0.1/api", Key: id, Secret: secret})
	if err != nil {
		return exit.With(exit.Usage, err)
	}
	return nil
}
