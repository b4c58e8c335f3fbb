package seed

import (
	"context"
	"errors"
	"time"

	"github.com/shopex/prism-go/cmd/prismctl/internal/settings"
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

// redirects stores those that were given, if any, in the app of serve's own key.
func (s *seeder) redirects(ctx context.Context) error {
	if s.lists.Redirects == nil {
		return nil
	}
	return s.app(ctx, settings.App{ID: FirstApp, Redirects: s.lists.Redirects})
}

// first stores the first key, and an app with addresses for it.
func (s *seeder) first(ctx context.Context, key platform.Key) error {
	home, err := s.firstHome(ctx)
	if err != nil || home == "" {
		return err
	}
	key.App, key.Admin, key.Created = FirstApp, true, time.Now()
	return s.registry.SaveKey(ctx, key)
}

// firstHome sees to the app of the first key, and returns its domain as homeOf does.
func (s *seeder) firstHome(ctx context.Context) (domain string, err error) {
	_, err = s.registry.App(ctx, FirstApp)
	made := errors.Is(err, platform.ErrUnknownApp)
	domain, err = s.homeOf(ctx, "of the first start", FirstApp)
	if err != nil || domain == "" {
		return domain, err
	}
	if made && s.lists.Redirects == nil {
		_, err = s.registry.UpdateApp(ctx, FirstApp, func(app *platform.App) error {
			app.Redirects = localRedirects()
			return nil
		})
		return domain, err
	}
	return domain, s.redirects(ctx)
}
