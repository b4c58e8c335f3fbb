package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/shopex/prism-go"
	"github.com/shopex/prism-go/cmd/prismctl/internal/exit"
	"github.com/shopex/prism-go/cmd/prismctl/internal/profile"
	"github.com/shopex/prism-go/cmd/prismctl/internal/secrets"
)

type profileAddCmd struct {
	aProfile
	URL           string `name:"url" placeholder:"URL" help:"The base URL of the API, such as http://127.0.0.1:8080/api."`
	Key           string `placeholder:"KEY" help:"The key, also called client_id."`
	SecretFile    string `is:"file" xor:"secret" placeholder:"FILE" help:"The secret is in this file, which nobody else may read."`
	SecretCommand string `xor:"secret" placeholder:"COMMAND" help:"The secret is the line that this command of the shell prints."`
	Keyring       bool   `xor:"secret" help:"Ask for the secret on a terminal, or read it from standard input, and put it into the keyring of this system."`
	Production    bool   `help:"Ask before a command destroys something there."`
	Use           bool   `help:"Use it from now on, as the first profile is without this."`
	Replace       bool   `help:"Replace a profile of this name."`
}

// Help teaches by example.
func (*profileAddCmd) Help() string {
	return `    prismctl profile add work --url http://127.0.0.1:8080/api --key buwb2lii --secret-file ~/.prism-secret
    prismctl profile add live --url https://prism.example/api --key uhw7ypkd --secret-command 'pass show prism' --production
    prismctl profile add desk --url https://prism.example/api --key k3p8qmve --keyring < secret

A command runs each time the secret is needed, for at most a minute, without standard input. In a --keyring the secret is read by whoever can unlock it, such as you when you log in to the system.`
}

// Validate is called for the flags. That of what is embedded is called too.
func (c *profileAddCmd) Validate() error {
	switch {
	case c.SecretFile == "" && strings.TrimSpace(c.SecretCommand) == "" && !c.Keyring:
		return errors.New("say where the secret is: --secret-file, --secret-command or --keyring")
	case c.URL == "":
		return errors.New("the address is empty: give --url")
	case c.Key == "":
		return errors.New("the key is empty: give --key")
	}
	return c.aProfile.Validate()
}

// Run remembers a profile.
func (c *profileAddCmd) Run(ctx context.Context, t *tool) error {
	p := &profile.Profile{URL: c.URL, Key: c.Key, SecretCommand: c.SecretCommand, Keyring: c.Keyring, Production: c.Production}
	if _, err := prism.New(prism.Config{Server: c.URL, Key: c.Key, Secret: "-"}); err != nil {
		return exit.With(exit.Usage, err)
	}
	secret, err := c.secret(ctx, t, p)
	if err != nil {
		return err
	}
	used, inKeyring := false, false
	err = t.profiles(ctx, func(all *profile.Profiles) error {
		old := all.All[c.Name]
		if old != nil && !c.Replace {
			return exit.With(exit.Refused, fmt.Errorf("there is a profile %s: --replace replaces it", c.Name))
		}
		if c.Use || len(all.All) == 0 {
			all.Use = c.Name
		}
		used, inKeyring = all.Use == c.Name, old != nil && old.Keyring && !c.Keyring
		all.All[c.Name] = p
		if c.Keyring {
			return profile.SaveSecret(ctx, c.Name, secret)
		}
		return nil
	})
	if err == nil && inKeyring {
		err = profile.RemoveSecret(ctx, c.Name)
	}
	if err != nil {
		return err
	}
	return t.printDone("added profile " + c.Name + map[bool]string{true: ", which commands use", false: ""}[used])
}

// secret looks whether the file can be read, whose place is found from any directory then,
// or gets what goes into the keyring.
func (c *profileAddCmd) secret(ctx context.Context, t *tool, p *profile.Profile) (secret string, err error) {
	switch {
	case c.SecretFile != "":
		if p.SecretFile, err = filepath.Abs(c.SecretFile); err == nil {
			secret, err = secrets.Read("secret", p.SecretFile)
		}
	case c.Keyring:
		if secret, err = t.typed(ctx, "secret"); err == nil {
			secret, err = secrets.Visible("the secret", secret)
		}
	default:
		return "", nil
	}
	if err != nil {
		return "", err
	}
	_, err = prism.New(prism.Config{Server: c.URL, Key: c.Key, Secret: secret})
	return secret, err
}
