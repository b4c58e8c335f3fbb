package main

import (
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
