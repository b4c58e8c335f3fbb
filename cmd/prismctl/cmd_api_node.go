package main

import (
	"context"

	"github.com/shopex/prism-go/admin"
	"github.com/shopex/prism-go/cmd/prismctl/internal/exit"
	"github.com/shopex/prism-go/cmd/prismctl/internal/words"
)

type apiNodeCmd struct {
	connection
	aService
	Node   string   `arg:"" name:"node_id" help:"What calls name in their parameter node_id."`
	Values []string `arg:"" optional:"" name:"name=value" help:"What stands in place of values of the service; @url is the address. NAME=@FILE and NAME=- are read. They replace all that the node had."`
	Remove bool     `help:"Remove the node."`
}

// Help teaches by example.
func (*apiNodeCmd) Help() string {
	return `    prismctl api node sysgoods shop7 @url=http://10.0.0.7/api token=@shop7.txt
    prismctl api node sysgoods shop7 --remove`
}

// Run makes or removes a node.
func (c *apiNodeCmd) Run(ctx context.Context, t *tool) error {
	if c.Remove == (len(c.Values) > 0) {
		return exit.Usagef("give either values, such as @url=http://10.0.0.7/api, or --remove")
	}
	if c.Remove {
		return c.provisioned(ctx, t, "removed node "+words.Shown(c.Node)+" of "+words.Shown(c.Service), func(ctx context.Context, a *admin.Client) error {
			return a.RemoveNode(ctx, c.Service, c.Node)
		})
	}
	pairs, err := t.valuesOf(c.Values)
	if err != nil {
		return err
	}
	values := map[string]string{}
	for _, p := range pairs {
		values[p.name] = p.value
	}
	return c.provisioned(ctx, t, "set node "+words.Shown(c.Node)+" of "+words.Shown(c.Service), func(ctx context.Context, a *admin.Client) error {
		return a.SetNode(ctx, c.Service, c.Node, values)
	})
}
