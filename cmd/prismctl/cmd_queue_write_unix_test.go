//go:build unix

package main

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/shopex/prism-go/cmd/prismctl/internal/words"
	"github.com/shopex/prism-go/prismtest"
)

func TestAQueueIsNamedBeforeTheMessage(t *testing.T) {
	for _, c := range []struct{ args, in, topic, body string }{
		{"orders hello", "", "orders", "hello"},
		{"orders -", "from input", "orders", "from input"},
		{"--topic orders -", "from input", "orders", "from input"},
		{"--topic orders hello", "", "orders", "hello"},
		{"-", "from input", "", "from input"},
		{"hello", "", "", "hello"},
		{"orders -- -5", "", "orders", "-5"},
	} {
		t.Run(c.args, func(t *testing.T) {
			srv := prismtest.NewServer(t)
			args := append([]string{"queue", "write"}, strings.Fields(c.args)...)
			r := invocation{args: args, env: of(srv), in: strings.NewReader(c.in)}.run()
			r.want(t, exitDone, "written to "+words.Queue(c.topic)+"\n", "")
			if r := with(srv, "queue", "read", c.topic, "--output", "text"); !strings.HasSuffix(r.out, "  "+c.body+"\n") {
				t.Errorf("it brought %q%s", r.out, r.err)
			}
		})
	}
	srv := prismtest.NewServer(t)
	with(srv, "queue", "write", "", "hello").want(t, exitDone, "written to the default queue\n", "")
}

// given returns text as a file and as a pipe whose writer has ended.
func given(t *testing.T, text string) map[string]*os.File {
	t.Helper()
	name := filepath.Join(t.TempDir(), "text")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	file, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { file.Close() })
	r, w := piped(t)
	io.WriteString(w, text)
	w.Close()
	return map[string]*os.File{"a file": file, "a pipe": r}
}

func TestALoneArgumentBesideTextIsNotTakenForTheMessage(t *testing.T) {
	srv := prismtest.NewServer(t)
	for name, in := range given(t, "text for orders\n") {
		r := invocation{args: []string{"queue", "write", "orders"}, env: of(srv), in: in}.run()
		r.want(t, exitUsage, "", "prismctl queue write orders -\n")
		if got := srv.Depth(""); got != 0 {
			t.Errorf("%s: %d messages in the default queue", name, got)
		}
		r = invocation{args: []string{"queue", "write", "orders", "-"}, env: of(srv), in: in}.run()
		r.want(t, exitDone, "written to queue orders\n", "")
	}
	for name, in := range given(t, "") {
		r := invocation{args: []string{"queue", "write", "hello"}, env: of(srv), in: in}.run()
		if r.status != exitDone {
			t.Errorf("%s without text: %+v", name, r)
		}
	}
	nothing, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer nothing.Close()
	silent, _ := piped(t)
	for _, in := range []*os.File{nothing, silent} {
		invocation{args: []string{"queue", "write", "hello"}, env: of(srv), in: in}.run().want(t, exitDone, "written to the default queue\n", "")
	}
}
