package seed

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"github.com/shopex/prism-go/cmd/prismctl/internal/exit"
	"github.com/shopex/prism-go/cmd/prismctl/internal/settings"
	"github.com/shopex/prism-go/cmd/prismctl/internal/words"
	"github.com/shopex/prism-go/platform"
)

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
		app := s.newApp(entry.ID)
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
		return defaultDomain, s.registry.SaveApp(ctx, s.newApp(id))
	case err == nil && domainOf(app) != defaultDomain && !s.gives[giftID("app", id)]:
		return "", inOtherDomain(&app)
	}
	return domainOf(app), err
}
