package main

import (
	"context"
	"errors"

	"github.com/alecthomas/kong"

	"github.com/shopex/prism-go/cmd/prismctl/internal/exit"
)

// destructive is what commands have that no other command undoes. Where the profile is
// marked as production they ask first.
type destructive struct {
	Yes bool `help:"Do not ask, though the profile is marked as production."`
}

// destroys is for commands of which some uses destroy nothing.
func (*destructive) destroys() bool { return true }

func (d *destructive) agreed() bool { return d.Yes }

// agree asks before a command destroys something in production.
func (t *tool) agree(ctx context.Context, parsed *kong.Context) error {
	node := parsed.Selected()
	if node == nil {
		return nil
	}
	c, ok := node.Target.Addr().Interface().(interface {
		destroys() bool
		agreed() bool
		destination(*tool) (*destination, error)
	})
	if !ok || !c.destroys() || c.agreed() {
		return nil
	}
	to, err := c.destination(t)
	if err != nil {
		return err
	}
	p := to.production()
	if p == nil {
		return nil
	}
	t.notice("profile %s (%s) is marked as production, and %s is destructive: %s", p.Name, p.URL, node.FullPath(), node.Help)
	err = t.confirm(ctx, "Go on? [y/N] ")
	if errors.Is(err, errNobodyAsked) {
		return exit.Usagef("%w: give --yes", err)
	}
	return err
}
