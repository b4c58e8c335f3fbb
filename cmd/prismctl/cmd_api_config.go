package main

import (
	"context"
	"strings"

	"github.com/shopex/prism-go/admin"
	"github.com/shopex/prism-go/cmd/prismctl/internal/words"
)

type apiConfigCmd struct {
	connection
	aService
	Values []string `arg:"" optional:"" name:"name=value" help:"A value; NAME=@FILE is what the file has, and NAME=- what standard input has, so that no other user of this machine sees a secret. Without any the values are listed."`
}

// Help teaches by example.
func (*apiConfigCmd) Help() string {
	return `What an api.json calls secret is shown to nobody once it is set.

    prismctl api config sysgoods
    prismctl api config sysgoods token=@token.txt
    prismctl api config sysgoods site=main token=- < token.txt`
}

// A configLine is a value in JSON.
type configLine struct {
	Name        string `json:"name"`
	Description string `json:"description"`
	Secret      bool   `json:"secret"`
	Set         bool   `json:"set"`
	Value       string `json:"value"` // empty if it is secret
}

// Run sets or lists the values of a service.
func (c *apiConfigCmd) Run(ctx context.Context, t *tool) error {
	if len(c.Values) == 0 {
		return c.list(ctx, t)
	}
	pairs, err := t.valuesOf(c.Values)
	if err != nil {
		return err
	}
	names := make([]string, len(pairs))
	for i, p := range pairs {
		names[i] = words.Shown(p.name)
	}
	done := "set " + strings.Join(names, ", ") + " of " + words.Shown(c.Service)
	return c.provisioned(ctx, t, done, func(ctx context.Context, a *admin.Client) error {
		for _, p := range pairs {
			if err := a.SetConfig(ctx, c.Service, p.name, p.value); err != nil {
				return err
			}
		}
		return nil
	})
}

func (c *apiConfigCmd) list(ctx context.Context, t *tool) error {
	var s *admin.Service
	err := c.provision(ctx, t, func(ctx context.Context, a *admin.Client) (err error) {
		s, err = a.Service(ctx, c.Service)
		return err
	})
	if err != nil {
		return err
	}
	if t.Output == asJSON {
		return printEach(s.Config, func(v admin.ConfigValue) error { return t.printJSON(configLine(v)) })
	}
	rows := [][]string{{"NAME", "VALUE", "DESCRIPTION"}}
	for _, v := range s.Config {
		value := textOr(v.Value, "-")
		switch {
		case v.Secret && v.Set:
			value = "(set, not shown)"
		case v.Secret:
			value = "(not set)"
		}
		rows = append(rows, []string{words.Shown(v.Name), value, textOr(v.Description, "-")})
	}
	return t.printTable(rows)
}
