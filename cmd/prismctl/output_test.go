package main

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/shopex/prism-go/prismtest"
)

func TestOutputThatCannotBeWrittenExits1(t *testing.T) {
	srv := prismtest.NewServer(t)
	srv.Write("", "x")
	for _, args := range []string{
		"--help", "help consume", "version", "version --output json", "sign GET /api/x", "serve --print-config",
		"serve --listen 127.0.0.1:0", "get platform/notify/status", "get nothing/here", "post platform/notify/write data=x",
		"queue create a", "queue list", "queue status", "queue read", "consume -n 1", "publish a x --output json",
	} {
		r := invocation{args: strings.Fields(args), env: of(srv), out: &clogged{}}.run()
		if r.status != exitRefused || !strings.Contains(r.err, "cannot write to standard output: broken pipe") {
			t.Errorf("%s: %+v", args, r)
		}
		if strings.Contains(r.err, "cannot reach") {
			t.Errorf("%s blames the platform: %s", args, r.err)
		}
	}
}

func TestATerminalGetsNothingThatItWouldObey(t *testing.T) {
	srv := prismtest.NewServer(t)
	srv.Handle("evil", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "{\"result\":\"\x1b]0;owned\a\u009b2J\u202e\",\n\t\"error\":null}\r\n")
	})
	const shown = `{"result":"\x1b]0;owned\a\u009b2J\u202e",` + "\n\t" + `"error":null}` + "\r\n"
	invocation{args: []string{"get", "evil"}, env: of(srv), screen: true}.run().want(t, exitDone, shown, "")
	raw := with(srv, "get", "evil")
	if !strings.Contains(raw.out, "\x1b]0;owned\a") {
		t.Errorf("a pipe got %q", raw.out)
	}
	srv.Publish("a\u202eb", "\u009b2J")
	r := invocation{args: []string{"consume", "-n", "1"}, env: of(srv), screen: true}.run()
	if object := parsed(t, r.out)[0]; object["body"] != "\u009b2J" || object["key"] != "a\u202eb" || strings.ContainsAny(r.out, "\u009b\u202e") {
		t.Errorf("%q", r.out)
	}
}

func TestABackupIsNothingForATerminal(t *testing.T) {
	invocation{args: []string{"backup", "--data", t.TempDir(), "-"}, screen: true}.run().want(t, exitUsage, "", "nothing for a terminal")
}

func TestWordsOfAPeerAreQuotedInErrors(t *testing.T) {
	srv := prismtest.NewServer(t)
	srv.Handle("evil", prismtest.Fail(400, "x\x1b[2J", "gone\r\nprismctl: all is well\u202e"))
	r := with(srv, "get", "evil", "-v", "debug")
	if r.status != exitRefused || strings.ContainsAny(r.err, "\x1b\r\u202e") || strings.Contains(r.err, "\nprismctl: all") {
		t.Errorf("%q", r.err)
	}
	srv.Handle("platform/notify", prismtest.Fail(403, "x\x1b[2J", "gone\r\nprismctl: all is well\u202e"))
	for _, args := range [][]string{{"consume"}, {"publish", "a", "x"}, {"get", "a\x1b[2J"}, {"queue", "list", "--secret-file", "/a\x1b[2J"}, {"\x1b[2J"}, {"get", "a", "--\x1b[2J"}} {
		r := with(srv, args...)
		if r.status == exitDone || strings.ContainsAny(r.err, "\x1b\r\u202e") || strings.Contains(r.err, "\nprismctl: all") {
			t.Errorf("%q: %d %q", args, r.status, r.err)
		}
	}
}
