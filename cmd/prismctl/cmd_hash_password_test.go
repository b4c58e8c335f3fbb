package main

import (
	"strings"
	"testing"

	"github.com/shopex/prism-go/platform"
)

func TestAHashedPasswordIsThatOfAUser(t *testing.T) {
	for _, typed := range []string{"correct horse\n", "correct horse\r\n", "correct horse"} {
		r := invocation{args: []string{"hash-password"}, in: strings.NewReader(typed)}.run()
		if ok, err := platform.CheckPassword(strings.TrimSpace(r.out), "correct horse"); !ok || err != nil || r.status != exitDone || r.err != "" {
			t.Errorf("%q: %+v, %v", typed, r, err)
		}
	}
	for typed, want := range map[string]string{"": "there is no password", "\n": "there is no password", strings.Repeat("x", 5000): "longer than 4096 bytes"} {
		invocation{args: []string{"hash-password"}, in: strings.NewReader(typed)}.run().want(t, exitUsage, "", want)
	}
}

func TestAUserSignsInWithAPasswordThatWasHashed(t *testing.T) {
	r := invocation{args: []string{"hash-password"}, in: strings.NewReader("correct horse\n")}.run()
	s := serve(t, nil, "--config", inFile(t, "c.toml", "[[user]]\nlogin = 'alice'\npassword-hash = '"+strings.TrimSpace(r.out)+"'\n"))
	s.signIn(t, "alice", "correct horse").want(t, exitDone, "Signed in as alice\n", "The browser opens, to sign in")
	s.stop().want(t, exitDone, "", "")
}
