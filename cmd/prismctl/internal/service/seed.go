package service

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/shopex/prism-go"
	"github.com/shopex/prism-go/cmd/prismctl/internal/exit"
	"github.com/shopex/prism-go/cmd/prismctl/internal/secrets"
	"github.com/shopex/prism-go/cmd/prismctl/internal/settings"
	"github.com/shopex/prism-go/cmd/prismctl/internal/words"
	"github.com/shopex/prism-go/platform"
)

// firstApp is the app of the key that serve makes, or gets from PRISM_KEY.
const firstApp = "prismctl"

// adminApp is the app of --admin-key.
const adminApp = "admin"

// A shownKey is the key that is announced: with its secret where serve has
// made it or PRISM_SECRET gave it, else with the file of the secret, if known.
type shownKey struct {
	id, secret, file string
	old              bool // an earlier start has made it, and shown the secret
}

// A seeder brings what was given into the records of a platform, and makes what
// is needed and neither given nor there.
type seeder struct {
	store    platform.Store
	registry *platform.Registry
	lists    settings.Lists
	from     settings.Sources // of the lists
	notice   func(format string, args ...any)

	gives map[string]bool // the IDs of the gifts of this start
	ended bool            // a user was taken away
}

// defaultDomain is that of apps which name none.
const defaultDomain = "default"

func domainOf(app platform.App) string { return cmp.Or(app.Domain, defaultDomain) }

// app stores what entry gives of an app; the rest stays as it is, also what an
// administrator changes meanwhile, or has changed since an earlier start gave the
// same.
func (s *seeder) app(ctx context.Context, entry settings.App) error {
	before, err := s.given(ctx, "app", entry.ID)
	if err != nil {
		return err
	}
	_, err = s.registry.UpdateApp(ctx, entry.ID, func(app *platform.App) error {
		moved := before != nil && entry.Domain != "" // by the settings, which had made it
		if !moved && domainOf(*app) != cmp.Or(entry.Domain, defaultDomain) {
			return inOtherDomain(app)
		}
		change(app, &entry, before)
		return nil
	})
	switch {
	case errors.Is(err, platform.ErrUnknownApp) && before != nil:
		s.say("The app %s was deleted since the settings gave it, and stays so; \"prismctl app create NAME --id %s\" makes it again.", words.Shown(entry.ID), entry.ID)
		return s.stays(ctx, before)
	case errors.Is(err, platform.ErrUnknownApp):
		app := platform.App{ID: entry.ID, Created: time.Now()}
		change(&app, &entry, nil)
		err = s.registry.SaveApp(ctx, app)
	}
	if err != nil {
		return err
	}
	return s.give(ctx, gift{Kind: "app", ID: entry.ID, Redirects: entry.Redirects, Publish: entry.Publish, Listen: entry.Listen})
}

func inOtherDomain(app *platform.App) error {
	return exit.Usagef("there is an app %s in the domain %s, which these settings do not say; an admin key of that domain may have made it: choose another ID, or write domain = %q in its [[app]] to take it over as it is, or let an admin key of %s delete it", words.Shown(app.ID), words.Shown(domainOf(*app)), domainOf(*app), words.Shown(domainOf(*app)))
}

// change gives app what the entry has and did not have before.
func change(app *platform.App, e *settings.App, before *gift) {
	if before == nil {
		before = new(gift)
	}
	app.Name, app.Domain = cmp.Or(e.Name, app.Name), cmp.Or(e.Domain, app.Domain)
	if e.Redirects == nil {
		app.Redirects = without(app.Redirects, before.Redirects)
	}
	for _, list := range []struct {
		to          *[]string
		now, before []string
	}{{&app.Redirects, e.Redirects, before.Redirects}, {(*[]string)(&app.Publish), e.Publish, before.Publish}, {(*[]string)(&app.Listen), e.Listen, before.Listen}} {
		if list.now != nil && (list.before == nil || !slices.Equal(list.now, list.before)) {
			*list.to = list.now
		}
	}
}

// homeOf sees to it that there is an app for a key of the settings, and returns its
// domain, or "" if it was deleted. An app of another domain has to be given as such.
func (s *seeder) homeOf(ctx context.Context, key, id string) (domain string, err error) {
	before, err := s.given(ctx, "app", id)
	if err != nil {
		return "", err
	}
	app, err := s.registry.App(ctx, id)
	switch {
	case errors.Is(err, platform.ErrUnknownApp) && before != nil:
		s.say("The key %s is not made, as its app %s was deleted since the settings gave it.", words.Shown(key), words.Shown(id))
		return "", nil
	case errors.Is(err, platform.ErrUnknownApp):
		return defaultDomain, s.registry.SaveApp(ctx, platform.App{ID: id, Created: time.Now()})
	case err == nil && domainOf(app) != defaultDomain && !s.gives[giftID("app", id)]:
		return "", inOtherDomain(&app)
	}
	return domainOf(app), err
}

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
		return platform.Key{ID: id, Created: time.Now()}, false, nil
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

// keys stores the keys that were given, and returns the one to announce: chosen,
// or the first of the lists, or admin. Without any it is serve's own.
func (s *seeder) keys(ctx context.Context, chosen platform.Key, admin shownKey) (shownKey, error) {
	shown, err := admin, s.admin(ctx, admin)
	if err != nil {
		return shown, err
	}
	for _, entry := range s.lists.Apps {
		if err := s.app(ctx, entry); err != nil {
			return shown, err
		}
	}
	for i, entry := range s.lists.Keys {
		secret, err := secrets.Read("secret", entry.SecretFile)
		if err == nil {
			err = s.key(ctx, entry.ID, entry.App, secret, entry.Admin)
		}
		if err != nil {
			return shown, fmt.Errorf("%s %s: %w", s.from["key"], entry.ID, err)
		}
		if i == 0 {
			shown = shownKey{id: entry.ID, file: entry.SecretFile}
		}
	}
	if chosen.ID != "" {
		return s.chosen(ctx, chosen)
	}
	if shown.id != "" {
		return shown, nil
	}
	return s.ownKey(ctx)
}

// admin stores the admin key, if there is one, in an app of its own.
func (s *seeder) admin(ctx context.Context, key shownKey) error {
	if key.id == "" {
		return nil
	}
	return s.key(ctx, key.id, adminApp, key.secret, true)
}

// chosen stores the key of the environment, and returns it to be announced, unless
// it was deleted. One that is there gets the secret only: what a client needs may be in
// the environment by chance, and is not to move a key or make an admin key of it.
func (s *seeder) chosen(ctx context.Context, key platform.Key) (shown shownKey, err error) {
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
	return shownKey{id: key.ID, secret: key.Secret}, err
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
	return s.app(ctx, settings.App{ID: firstApp, Redirects: s.lists.Redirects})
}

// first stores the first key, and an app with addresses for it.
func (s *seeder) first(ctx context.Context, key platform.Key) error {
	home, err := s.firstHome(ctx)
	if err != nil || home == "" {
		return err
	}
	key.App, key.Admin, key.Created = firstApp, true, time.Now()
	return s.registry.SaveKey(ctx, key)
}

// firstHome sees to the app of the first key, and returns its domain as homeOf does.
func (s *seeder) firstHome(ctx context.Context) (domain string, err error) {
	_, err = s.registry.App(ctx, firstApp)
	made := errors.Is(err, platform.ErrUnknownApp)
	domain, err = s.homeOf(ctx, "of the first start", firstApp)
	if err != nil || domain == "" {
		return domain, err
	}
	if made && s.lists.Redirects == nil {
		_, err = s.registry.UpdateApp(ctx, firstApp, func(app *platform.App) error {
			app.Redirects = localRedirects()
			return nil
		})
		return domain, err
	}
	return domain, s.redirects(ctx)
}

// ignore returns err, unless it is one that is expected.
func ignore(err, expected error) error {
	if errors.Is(err, expected) {
		return nil
	}
	return err
}
