package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/shopex/prism-go/admin"
	"github.com/shopex/prism-go/cmd/prismctl/internal/words"
)

type keyCmd struct {
	List   keyListCmd   `cmd:"" help:"List the keys of an app."`
	Create keyCreateCmd `cmd:"" help:"Make a key of an app, and show its secret."`
	Show   keyShowCmd   `cmd:"" help:"Show a key."`
	Rotate keyRotateCmd `cmd:"" help:"Give a key a new secret, and show it."`
	Expire keyExpireCmd `cmd:"" help:"Say until when a key is good; now, if nothing is said."`
	Push   keyPushCmd   `cmd:"" help:"Post the messages of a key to an address, or show how that goes."`
	Delete keyDeleteCmd `cmd:"" help:"Delete a key with its connections and queues."`
}

// Help teaches by example.
func (*keyCmd) Help() string {
	return `A key, with its secret, is one installation of an app. These commands need an admin key, such as the one that "prismctl serve" makes at its first start.

    prismctl key create shop --notes 'the shop in Shanghai'
    prismctl key list shop
    prismctl key rotate buwb2lii --grace 24h
    prismctl key delete buwb2lii`
}

// aKey is the argument of commands about one key.
type aKey struct {
	ID string `arg:"" names:"key" name:"client-id" help:"The key, also called client_id."`
}

// Validate is called for the argument.
func (a *aKey) Validate() error {
	if a.ID == "" {
		return errors.New("the key is empty: \"prismctl key list APP\" names those of an app")
	}
	return nil
}

type keyListCmd struct {
	connection
	anApp
}

// Run prints one key a line, without secrets.
func (c *keyListCmd) Run(ctx context.Context, t *tool) error {
	var keys []*admin.Key
	err := c.provision(ctx, t, func(ctx context.Context, a *admin.Client) (err error) {
		keys, err = a.Keys(ctx, c.ID)
		return err
	})
	if err != nil {
		return err
	}
	if t.Output == asJSON {
		return printEach(keys, t.printKey)
	}
	rows := [][]string{{"KEY", "CREATED", "EXPIRES", "NOTES"}}
	for _, k := range keys {
		rows = append(rows, []string{words.Shown(k.ID), timeOr(k.Created, "-"), timeOr(k.Expires, "never"), textOr(k.Notes, "-")})
	}
	return t.printTable(rows)
}

type keyShowCmd struct {
	connection
	aKey
	Secret bool `hidden:""` // what earlier versions had
}

// Validate is called for the arguments. That of what is embedded is called too.
func (c *keyShowCmd) Validate() error {
	if c.Secret {
		return fmt.Errorf("a secret is shown once, when it is made; if it is lost, give the key a new one: prismctl key rotate %s", words.Quoted(c.ID))
	}
	return c.aKey.Validate()
}

// Run shows a key.
func (c *keyShowCmd) Run(ctx context.Context, t *tool) error {
	return c.keyOf(ctx, t, func(ctx context.Context, a *admin.Client) (*admin.Key, error) { return a.Key(ctx, c.ID) })
}

// keyOf shows the key that is the result of a call.
func (c *connection) keyOf(ctx context.Context, t *tool, call func(context.Context, *admin.Client) (*admin.Key, error)) error {
	var key *admin.Key
	err := c.provision(ctx, t, func(ctx context.Context, a *admin.Client) (err error) {
		key, err = call(ctx, a)
		return err
	})
	if err != nil {
		return err
	}
	return t.printKey(key)
}

type keyDeleteCmd struct {
	connection
	aKey
	destructive
}

// Run deletes a key.
func (c *keyDeleteCmd) Run(ctx context.Context, t *tool) error {
	return c.provisioned(ctx, t, "deleted key "+words.Shown(c.ID), func(ctx context.Context, a *admin.Client) error {
		return a.DeleteKey(ctx, c.ID)
	})
}
