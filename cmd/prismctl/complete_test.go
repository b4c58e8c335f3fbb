package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/shopex/prism-go/prismtest"
)

// completed are the words that may come last, as zsh gets them.
func (d *desk) completed(words ...string) []string {
	d.t.Helper()
	r := d.do(append([]string{"__complete", "zsh"}, words...)...)
	if r.status != exitDone || r.err != "" {
		d.t.Fatalf("%q: %+v", words, r)
	}
	var all []string
	for line := range strings.Lines(r.out) {
		word, _, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
		all = append(all, word)
	}
	return all
}

func TestCommandsFlagsAndChoicesComplete(t *testing.T) {
	d := newDesk(t)
	for _, c := range []struct{ line, want string }{
		{"que", "queue"},
		{"queue|dr", "drop"},
		{"queue|drop|--prof", "--profile"},
		{"queue|drop|--out", "--output"},
		{"queue|drop|--output|", "text json"},
		{"queue|drop|--output=", "--output=text --output=json"},
		{"--output|json|vers", "version"},
		{"queue|limit|--overflow|drop", "drop-oldest drop-newest"},
		{"queue|drop|--output|json|--outp", ""}, // it was given
		{"get|a|--|--out", ""},
		{"completion|", "bash fish powershell zsh"},
		{"api|check|", ":files"},
		{"get|--secret-file|", ":files"},
		{"backup|-", "--output"},
		{"nix|que", ""},
		{"-v|", "error warn info debug"},
	} {
		got := d.completed(strings.Split(c.line, "|")...)
		if want := strings.Fields(c.want); len(want) > 0 && !slices.Contains(got, want[0]) || len(want) != 1 && !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", c.line, got, want)
		}
	}
	if got := d.completed(""); !slices.Contains(got, "serve") || !slices.Contains(got, "profile") {
		t.Errorf("an empty line: %q", got)
	}
}

func TestNamesOfAPlatformComplete(t *testing.T) {
	srv := prismtest.NewServer(t)
	d := newDesk(t)
	d.add(srv, "work", "--secret-file", d.file(srv.Secret(), 0o600))
	d.add(srv, "other", "--secret-command", "echo "+srv.Secret())
	for _, topic := range []string{"orders", "order log", "订单"} {
		d.do("queue", "create", topic).want(t, exitDone, "created queue "+topic+"\n", "")
	}
	app := madeKey(t, srv, "test")
	for _, c := range []struct{ line, want string }{
		{"queue|drop|ord", "order log|orders"},
		{"consume|订", "订单"},
		{"queue|list|--of|" + app.Key[:3], app.Key},
		{"queue|list|--profile|", "other|work"},
		{"--profile|work|queue|drop|orders", "orders"},
		{"queue|drop|--profile|other|ord", ""}, // its command may ask for something
		{"queue|drop|--profile|nix|ord", ""},
		{"queue|drop|--url|http://127.0.0.1:1/api|ord", ""},
		{"key|show|" + app.Key[:3], app.Key},
	} {
		want := strings.FieldsFunc(c.want, func(r rune) bool { return r == '|' })
		if got := d.completed(strings.Split(c.line, "|")...); !slices.Equal(slices.Sorted(slices.Values(got)), want) {
			t.Errorf("%s: %q, want %q", c.line, got, want)
		}
	}
	d.do("__complete", "bash", "echo x; prismctl queue drop order\\ l").want(t, exitDone, "'order log'\n", "")
	d.do("__complete", "bash", "prismctl queue drop 'ord").want(t, exitDone, "orders\n", "") // the other would end the quotes
	d.do("__complete", "bash", "prismctl queue list --profile=w").want(t, exitDone, "work\n", "")
	d.do("__complete", "bash", "prismctl").want(t, exitDone, "", "")
}

func TestNoShellIsMadeUp(t *testing.T) {
	d := newDesk(t)
	d.do("completion", "tcsh").want(t, exitUsage, "", `no shell "tcsh" is known: use bash, fish, powershell, zsh`)
	for _, shell := range []string{"bash", "fish", "powershell", "zsh"} {
		if r := d.do("completion", shell); r.status != exitDone || !strings.Contains(r.out, "__complete "+shell) {
			t.Errorf("%+v", r)
		}
	}
}

// programIn makes the test binary a program of the name prismctl, and returns its directory.
func programIn(t *testing.T) string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	script := "#!/bin/sh\n" + asProgram + "=1 exec '" + self + "' \"$@\"\n"
	if err := os.WriteFile(filepath.Join(dir, "prismctl"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}
