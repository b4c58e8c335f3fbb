package main

import (
	"context"
	"errors"
	"maps"
	"slices"

	"github.com/shopex/prism-go/cmd/prismctl/internal/exit"
	"github.com/shopex/prism-go/cmd/prismctl/internal/profile"
	"github.com/shopex/prism-go/cmd/prismctl/internal/words"
)

type profileCmd struct {
	Add    profileAddCmd    `cmd:"" help:"Remember a platform, a key, and where its secret is."`
	List   profileListCmd   `cmd:"" help:"List the profiles."`
	Use    profileUseCmd    `cmd:"" help:"Choose the profile of commands that name none."`
	Show   profileShowCmd   `cmd:"" help:"Show what a command would connect to, and what says so."`
	Remove profileRemoveCmd `cmd:"" help:"Forget a profile."`
}

// Help teaches by example.
func (*profileCmd) Help() string {
	return `A profile is the address of a platform, a key, and where the secret of the key is: in a file that nobody else reads, in what a command prints, or in the keyring of the system. A flag counts more than a variable such as PRISM_URL, and that more than the profile. The profiles are in your configuration directory, in prismctl/profiles.toml, without any secret.

    prismctl profile add work --url https://prism.example/api --key buwb2lii --secret-file ~/.prism-secret
    prismctl profile add live --url https://prism.example/api --key uhw7ypkd --secret-command 'pass show prism' --production
    prismctl profile use work
    prismctl queue list --profile live
    prismctl profile show

Where a profile is marked as production, commands that destroy something ask first, and without a terminal they need --yes.`
}

// aProfile is the argument of commands about one profile.
type aProfile struct {
	Name string `arg:"" names:"profile" help:"The name of the profile."`
}

// Validate is called for the argument.
func (a *aProfile) Validate() error { return profile.CheckName(a.Name) }

// A profileLine is a profile in JSON. It has no secret.
type profileLine struct {
	Name          string `json:"name"`
	Used          bool   `json:"used"`
	URL           string `json:"url"`
	Key           string `json:"key"`
	SecretFile    string `json:"secret_file,omitempty"`
	SecretCommand bool   `json:"secret_command,omitempty"`
	Keyring       bool   `json:"keyring,omitempty"`
	Production    bool   `json:"production"`
}

type profileListCmd struct{}

// Run prints one profile a line.
func (profileListCmd) Run(t *tool) error {
	all, err := t.allProfiles()
	if err != nil {
		return err
	}
	rows := screenTable{{"", "NAME", "KEY", "SECRET", "", "URL"}}
	for _, name := range slices.Sorted(maps.Keys(all.All)) {
		p := all.All[name]
		if t.Output == asJSON {
			if err := t.printJSON(profileLine{name, name == all.Use, p.URL, p.Key, p.SecretFile, p.SecretCommand != "", p.Keyring, p.Production}); err != nil {
				return err
			}
			continue
		}
		rows = append(rows, []string{markIf(name == all.Use, "*"), name, words.Shown(p.Key), p.Secret(), markIf(p.Production, "production"), words.Shown(p.URL)})
	}
	if t.Output == asJSON || len(rows) == 1 {
		return nil
	}
	return t.printTable(rows)
}

// allProfiles returns the profiles as they are.
func (t *tool) allProfiles() (*profile.Profiles, error) {
	store, err := profile.In(t.config)
	if err != nil {
		return nil, err
	}
	return store.Load()
}

// markIf is a mark, or nothing.
func markIf(there bool, mark string) string {
	if there {
		return mark
	}
	return ""
}

type profileUseCmd struct {
	aProfile
}

// Run chooses a profile.
func (c *profileUseCmd) Run(ctx context.Context, t *tool) error {
	return t.changeProfiles(ctx, "commands use profile "+c.Name, func(all *profile.Profiles) error {
		if _, err := all.Named(c.Name); err != nil {
			return err
		}
		all.Use = c.Name
		return nil
	})
}

type profileRemoveCmd struct{ aProfile }

// Run forgets a profile, and its secret in the keyring.
func (c *profileRemoveCmd) Run(ctx context.Context, t *tool) error {
	return t.changeProfiles(ctx, "removed profile "+c.Name, func(all *profile.Profiles) error {
		p := all.All[c.Name]
		if p == nil {
			return exit.With(exit.Refused, errors.New("there is no profile "+c.Name))
		}
		delete(all.All, c.Name)
		if all.Use == c.Name {
			all.Use = ""
		}
		if p.Keyring {
			return profile.RemoveSecret(ctx, c.Name)
		}
		return nil
	})
}

// changeProfiles changes the profiles and says what was done.
func (t *tool) changeProfiles(ctx context.Context, done string, change func(*profile.Profiles) error) error {
	if err := t.profiles(ctx, change); err != nil {
		return err
	}
	return t.printDone(done)
}

// profiles changes the profiles.
func (t *tool) profiles(ctx context.Context, change func(*profile.Profiles) error) error {
	store, err := profile.In(t.config)
	if err != nil {
		return err
	}
	return store.Change(ctx, change)
}
