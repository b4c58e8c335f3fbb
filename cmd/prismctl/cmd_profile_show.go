package main

import (
	"cmp"

	"github.com/shopex/prism-go/cmd/prismctl/internal/words"
)

type profileShowCmd struct {
	server
	Name string `arg:"" optional:"" names:"profile" help:"The profile, as --profile names it. Without it, the one that is used."`
}

// Help teaches by example.
func (*profileShowCmd) Help() string {
	return `Shows the address and the key that other commands would use, and where they would get the secret, but not the secret. Behind each is what says so: a flag, a variable, or the profile.

    prismctl profile show
    prismctl profile show live --output json`
}

// A chosenLine is a choice in JSON; null where there is none.
type chosenLine struct {
	Value string `json:"value"`
	From  string `json:"from"`
}

func choiceLine(c choice) *chosenLine {
	if c.value == "" {
		return nil
	}
	return &chosenLine{c.value, c.from}
}

// Run shows what counts.
func (c *profileShowCmd) Run(t *tool) error {
	t.Profile = cmp.Or(c.Name, t.Profile)
	to, err := c.destination(t)
	if err != nil {
		return err
	}
	secret := c.secretChoice(t, to)
	var name choice
	if to.profile != nil {
		name = choice{to.profile.Name, cmp.Or(t.namedProfile().from, "profile use")}
		if c.Name != "" {
			name.from = "the argument"
		}
	}
	production := to.production() != nil
	if t.Output == asJSON {
		return t.printJSON(struct {
			Profile    *chosenLine `json:"profile"`
			URL        *chosenLine `json:"url"`
			Key        *chosenLine `json:"key"`
			Secret     *chosenLine `json:"secret"` // where it is
			Production bool        `json:"production"`
		}{choiceLine(name), choiceLine(to.url), choiceLine(to.key), choiceLine(secret), production})
	}
	rows := [][]string{}
	for _, row := range []struct {
		what string
		choice
	}{{"profile", name}, {"url", to.url}, {"key", to.key}, {"secret", secret}} {
		rows = append(rows, []string{row.what, textOr(row.value, "-"), row.from})
	}
	if production {
		rows = append(rows, []string{"production", "yes", name.value})
	}
	return t.printTable(rows)
}

// secretChoice is where the secret is, and what says so.
func (c *server) secretChoice(t *tool, to *destination) choice {
	switch {
	case c.SecretFile != "":
		return choice{"file " + words.Shown(c.SecretFile), "--secret-file"}
	case t.env("PRISM_SECRET") != "":
		return choice{"set", "PRISM_SECRET"}
	case to.profile != nil && to.profile.Key == to.key.value:
		return choice{to.profile.Secret(), "profile " + to.profile.Name}
	}
	return choice{}
}
