package main

import (
	"context"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/alecthomas/kong"

	"github.com/shopex/prism-go"
	"github.com/shopex/prism-go/admin"
	"github.com/shopex/prism-go/cmd/prismctl/internal/completion"
	"github.com/shopex/prism-go/cmd/prismctl/internal/exit"
	"github.com/shopex/prism-go/notify"
)

// completeWord is the first word of the command line by which the script of a shell asks
// how another command line goes on.
const completeWord = "__complete"

// completeTime is how long a user waits for a completion.
var completeTime = time.Second

// complete answers the script of a shell. It says nothing else, whatever fails.
func (t *tool) complete(ctx context.Context, app *kong.Application, args []string) int {
	if len(args) == 0 {
		return exit.Usage
	}
	shell, line, inQuotes := args[0], args[1:], false
	switch {
	case shell == "bash" && len(line) == 1:
		line, inQuotes = completion.Split(line[0])
		line = line[min(1, len(line)-1):] // without prismctl
	case shell == "powershell" && len(line) > 0 && line[len(line)-1] == ":none": // it loses empty words
		line[len(line)-1] = ""
	}
	if len(line) == 0 {
		line = []string{""}
	}
	answer := completion.Complete(app, line)
	answer.InQuotes = inQuotes
	last := line[len(line)-1]
	for _, name := range t.names(ctx, answer) {
		if word := answer.Prefix + name; strings.HasPrefix(word, last) {
			answer.Candidates = append(answer.Candidates, completion.Candidate{Word: word})
		}
	}
	return exit.Of(answer.Write(t.out, shell, last))
}

// names are those of profiles, or of what a platform has. They are asked for in silence, and
// nobody is asked for a secret.
func (t *tool) names(ctx context.Context, a completion.Answer) []string {
	if a.Names == "" {
		return nil
	}
	quiet := *t
	quiet.in, quiet.err = strings.NewReader(""), io.Discard
	quiet.Profile = a.Flags["profile"]
	if a.Names == "profile" {
		return quiet.profileNames()
	}
	c := connection{Timeout: completeTime}
	c.URL, c.Key, c.SecretFile = a.Flags["url"], a.Flags["key"], a.Flags["secret-file"]
	to, err := c.destination(&quiet)
	if err != nil || to.profile != nil && to.profile.SecretFile == "" && !c.given(t) {
		return nil
	}
	var names []string
	_ = c.with(ctx, &quiet, func(ctx context.Context, client *prism.Client) (err error) {
		names, err = namesOf(ctx, client, a.Names, a.Flags["of"])
		return err
	})
	return names
}

func (t *tool) profileNames() []string {
	all, err := t.allProfiles()
	if err != nil {
		return nil
	}
	return slices.Sorted(maps.Keys(all.All))
}

// namesOf asks a platform for the names of what it has, of a kind that the tag names says.
func namesOf(ctx context.Context, client *prism.Client, kind, of string) (names []string, err error) {
	provisioned := admin.New(client)
	switch kind {
	case "queue":
		return notify.NewQueueClient(client).Of(of).Topics(ctx)
	case "app", "key":
		apps, err := provisioned.Apps(ctx)
		for _, app := range apps {
			if kind == "app" {
				names = append(names, app.ID)
				continue
			}
			if app.Keys == 0 {
				continue
			}
			keys, err := provisioned.Keys(ctx, app.ID)
			if err != nil {
				return names, err
			}
			for _, key := range keys {
				names = append(names, key.ID)
			}
		}
		return names, err
	case "user":
		users, err := provisioned.Users(ctx)
		for _, user := range users {
			names = append(names, user.Login)
		}
		return names, err
	case "service":
		services, err := provisioned.Services(ctx)
		for _, service := range services {
			names = append(names, service.Prefix)
		}
		return names, err
	}
	return nil, nil
}
