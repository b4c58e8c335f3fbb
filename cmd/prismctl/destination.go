package main

import (
	"context"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/shopex/prism-go/cmd/prismctl/internal/exit"
	"github.com/shopex/prism-go/cmd/prismctl/internal/profile"
	"github.com/shopex/prism-go/cmd/prismctl/internal/words"
)

// A choice is a value, and where it is from.
type choice struct{ value, from string }

// chosen is the first choice that has a value.
func chosen(all ...choice) choice {
	for _, c := range all {
		if c.value != "" {
			return c
		}
	}
	return choice{}
}

// A destination is whom a command calls, and who calls: by flags, else by the environment, else
// by a profile.
type destination struct {
	url, key choice
	profile  *profile.Profile // nil: none counts
}

// production is the profile, if it is marked as production and says whom to call.
func (to *destination) production() *profile.Profile {
	if p := to.profile; p != nil && p.Production && p.URL == to.url.value {
		return p
	}
	return nil
}

// destination finds out what the flags, the environment and the profile say. What they have all
// said without a profile needs none, so it is not looked for then.
func (c *server) destination(t *tool) (*destination, error) {
	url := choice{c.URL, "--url"}
	key := choice{c.Key, "--key"}
	envURL, envKey := choice{t.env("PRISM_URL"), "PRISM_URL"}, choice{t.env("PRISM_KEY"), "PRISM_KEY"}
	found := &destination{url: chosen(url, envURL), key: chosen(key, envKey)}
	complete := found.url.value != "" && found.key.value != "" && (c.SecretFile != "" || t.env("PRISM_SECRET") != "")
	if complete && t.namedProfile().value == "" {
		return found, nil
	}
	p, err := t.findProfile()
	if err != nil || p == nil {
		return found, err
	}
	from := "profile " + p.Name
	found.url, found.key = chosen(found.url, choice{p.URL, from}), chosen(found.key, choice{p.Key, from})
	found.profile = p
	return found, nil
}

// checkProfile refuses --profile for a command that connects to nothing.
func (t *tool) checkProfile(parsed *kong.Context) error {
	node := parsed.Selected()
	if t.Profile == "" || node == nil {
		return nil
	}
	switch node.Target.Addr().Interface().(type) {
	case interface {
		destination(*tool) (*destination, error)
	}, *signMakeCmd, *signExplainCmd, *signVerifyCmd:
		return nil
	}
	return exit.Usagef("%s uses no profile: leave --profile out", node.FullPath())
}

// namedProfile is the profile that a flag or the environment names.
func (t *tool) namedProfile() choice {
	return chosen(choice{t.Profile, "--profile"}, choice{t.env("PRISM_PROFILE"), "PRISM_PROFILE"})
}

// findProfile returns the profile that is named or used, or nil if there is none.
func (t *tool) findProfile() (*profile.Profile, error) {
	named := t.namedProfile()
	store, err := profile.In(t.config)
	if err != nil && named.value == "" {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	all, err := store.Load()
	if err != nil {
		return nil, err
	}
	return all.Named(named.value)
}

// secretFor returns the secret of the key. That of the profile is for the key of the
// profile only.
func (c *server) secretFor(ctx context.Context, t *tool, to *destination) (string, error) {
	c.noticeOverride(t, to)
	p := to.profile
	if p != nil && p.Key == to.key.value {
		return c.secret(ctx, t, p)
	}
	secret, err := c.secret(ctx, t, nil)
	if err != nil && p != nil && exit.Of(err) == exit.Usage && c.SecretFile == "" {
		return "", exit.Usagef("profile %s has the secret of key %s, and %s is %s: set PRISM_SECRET or give --secret-file", p.Name, words.Shown(p.Key), to.key.from, words.Shown(to.key.value))
	}
	return secret, err
}

// secretOf returns the secret of a command that needs no key. A profile is looked for if
// nothing else has one.
func (s *secretSource) secretOf(ctx context.Context, t *tool) (string, error) {
	if s.given(t) && t.namedProfile().value == "" {
		return s.secret(ctx, t, nil)
	}
	p, err := t.findProfile()
	if err != nil {
		return "", err
	}
	return s.secret(ctx, t, p)
}

// noticeOverride says which variables count more than the profile that was asked for: they
// may be of another day.
func (c *server) noticeOverride(t *tool, to *destination) {
	if t.Profile == "" || to.profile == nil {
		return
	}
	var set []string
	if to.url.from == "PRISM_URL" && to.url.value != to.profile.URL {
		set = append(set, "PRISM_URL")
	}
	if to.key.from == "PRISM_KEY" && to.key.value != to.profile.Key {
		set = append(set, "PRISM_KEY")
	}
	if c.SecretFile == "" && t.env("PRISM_SECRET") != "" {
		set = append(set, "PRISM_SECRET")
	}
	if len(set) > 0 {
		t.notice("the environment counts more than profile %s: unset %s to use the profile", to.profile.Name, strings.Join(set, " and "))
	}
}
