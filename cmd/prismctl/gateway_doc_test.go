package main

import (
	"context"
	"io"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/shopex/prism-go/platform"
	"github.com/shopex/prism-go/prismtest"
)

// commandsOf returns the command lines in the chapter of a document, without prismctl and
// comments.
func commandsOf(t *testing.T, document, chapter string) (all [][]string) {
	t.Helper()
	_, rest, _ := strings.Cut(project(t, document), "\n## "+chapter+"\n")
	rest, _, _ = strings.Cut(rest, "\n## ")
	for _, m := range regexp.MustCompile(`(?m)^prismctl ([^#\n]+)`).FindAllStringSubmatch(rest, -1) {
		all = append(all, strings.Fields(m[1]))
	}
	return all
}

// An endingWriter ends a command at its first output.
type endingWriter struct {
	io.Writer
	end context.CancelFunc
}

func (w endingWriter) Write(p []byte) (int, error) {
	defer w.end()
	return w.Writer.Write(p)
}

func TestTheCommandsOfTheGatewaysManualWork(t *testing.T) {
	commands := commandsOf(t, "docs/gateway.md", "On the command line")
	srv := prismtest.NewServer(t)
	srv.AddApp(platform.App{ID: "shop"})
	t.Chdir(t.TempDir())
	backend := aBackend(t)
	put(t, ".", map[string]string{
		"token.txt": "s3cret", "api.json": `{"url":"` + backend + `","prefix":"goods","mode":"path","config_values":[{"name":"token","issecret":true}],"apis":{"goods.query":{"path":"query","method":["GET"]}}}`,
	})
	with(srv, "api", "import", "api.json", "--app", "test", "--online") // the key of the test calls, too
	callIt(t, srv, "goods/query", exitDone)
	with(srv, "api", "unbind", "goods", "test")
	with(srv, "api", "delete", "goods")
	seen := map[string]bool{}
	for _, args := range commands {
		seen[strings.Join(args[:min(2, len(args))], " ")] = true
		i := invocation{args: args, env: of(srv)}
		status := exitDone
		switch args[1] {
		case "show", "replay":
			i.args = append([]string{"calls", args[1], parsed(t, with(srv, "calls", "tail", "--output", "json").out)[0]["id"].(string)}, args[3:]...)
		case "tail":
			if strings.Contains(strings.Join(args, " "), "--follow") {
				var end context.CancelFunc
				i.ctx, end = context.WithCancel(t.Context())
				i.out, status = endingWriter{io.Discard, end}, exitInterrupted
			}
		}
		if r := i.run(); r.status != status || strings.Contains(r.out+r.err, "s3cret") {
			t.Errorf("%q: %+v", args, r)
		}
	}
	for _, command := range strings.Split("api check,api import,api config,api online,api bind,api bound,api refresh,api list,api unbind,api offline,api delete,api gen,calls tail,calls show,calls replay,calls stats", ",") {
		if !seen[command] {
			t.Errorf("%s is not shown", command)
		}
	}
	if r := with(srv, "api", "list", "--output", "json"); r.out != "" {
		t.Errorf("left: %s", r.out)
	}
	if _, err := os.Stat("internal/goods/goods.go"); err != nil {
		t.Error(err)
	}
}
