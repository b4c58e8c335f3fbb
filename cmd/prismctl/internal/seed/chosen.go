package seed

import (
	"context"

	"github.com/shopex/prism-go/cmd/prismctl/internal/words"
	"github.com/shopex/prism-go/platform"
)

// chosen stores the key of the environment, and returns it to be announced, unless
// it was deleted. One that is there gets the secret only: what a client needs may be in
// the environment by chance, and is not to move a key or make an admin key of it.
func (s *seeder) chosen(ctx context.Context, key platform.Key) (shown Key, err error) {
	there, known, err := s.known(ctx, key.ID)
	if err != nil {
		return shown, err
	}
	before, err := s.given(ctx, "key", key.ID)
	if err != nil {
		return shown, err
	}
	same := before != nil && before.Proof == secretProof(key.Secret)
	if same && !known {
		return shown, s.stayedDeleted(ctx, before)
	}
	if !same {
		err = s.longEnough(&there, key.Secret)
	}
	switch {
	case err != nil:
	case !known:
		err = s.first(ctx, key)
	default:
		if err = s.redirects(ctx); err == nil {
			err = s.resecret(ctx, &there, key.Secret, same)
		}
		if err == nil && there.App == FirstApp {
			err = s.begin(ctx, there)
		}
	}
	if err == nil && !s.gives[giftID("key", key.ID)] {
		err = s.give(ctx, gift{Kind: "key", ID: key.ID, Proof: secretProof(key.Secret), Environment: true})
	}
	return Key{ID: key.ID, Secret: key.Secret}, err
}

// resecret gives a key that is there the secret of the environment, unless that
// is the same as at an earlier start: then the key may have a newer one.
func (s *seeder) resecret(ctx context.Context, key *platform.Key, secret string, same bool) error {
	switch {
	case key.Secret == secret:
		return s.longEnough(key, secret)
	case same:
		s.say("The key %s has a newer secret than PRISM_SECRET, which counts no more.", words.Shown(key.ID))
		return nil
	}
	if err := s.mayTakeOver(ctx, key, defaultDomain); err != nil {
		return err
	}
	key.Secret = secret
	return s.registry.SaveKey(ctx, *key)
}
