package main

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/shopex/prism-go/prismtest"
)

// aliceAt signs alice in at one of several platforms, by prismctl login.
func aliceAt(t *testing.T, s served, password string) *person {
	t.Helper()
	return personAt(t, s, "alice", password)
}

// personAt signs a user in, by prismctl login.
func personAt(t *testing.T, s served, name, password string) *person {
	t.Helper()
	walker := prismtest.NewServer(t) // for its browser only
	p := &person{t: t, env: s.env(), config: t.TempDir(), opened: make(chan string, 1)}
	done := begin(p.invocation("login"))
	page := walker.SignIn(walker.Browser(), p.address(done), name, password)
	if r := <-done; r.status != exitDone || page.StatusCode != http.StatusOK {
		t.Fatalf("HTTP %d, %+v", page.StatusCode, r)
	}
	return p
}

// Two platforms over one NATS server are one, also in what they take away: what
// an operator does at one counts at the other with the next call, and for open
// connections within a second.
func TestWhatIsTakenAwayEndsOnEveryPlatformOfACluster(t *testing.T) {
	url, file := jetStream(t), inFile(t, "password", "open sesame")
	one := serve(t, nil, "--nats", url, "--user", "alice:"+file)
	two := serve(t, nil, "--nats", url, "--user", "alice:"+file)
	two.Secret = one.Secret

	p := aliceAt(t, one, "open sesame")
	p.do("whoami").want(t, exitDone, "alice\n", "")
	two.do("user sessions alice --end").want(t, exitDone, "ended the sessions of user alice\n", "")
	if r := p.do("whoami"); r.status != exitRefused {
		t.Errorf("whoami after the sessions have ended: %+v", r)
	}
	p = aliceAt(t, one, "open sesame")
	two.do("user disable alice").want(t, exitDone, "disabled user alice\n", "")
	if r := p.do("whoami"); r.status != exitRefused {
		t.Errorf("whoami after alice was disabled: %+v", r)
	}

	key := parsed(t, two.do("key create prismctl --bind # --output json").out)[0]
	held := one
	held.Key, held.Secret = key["key"].(string), key["secret"].(string)
	held.do("publish order.new hello").want(t, exitDone, "", "1 message confirmed")
	out, in := io.Pipe()
	consuming := begin(invocation{args: []string{"consume"}, env: held.env(), out: in})
	if _, err := out.Read(make([]byte, 4096)); err != nil { // then it is connected
		t.Fatal(err)
	}
	if r := two.do("key rotate " + held.Key + " --grace 0s"); r.status != exitDone {
		t.Fatalf("%+v", r)
	}
	if r := <-consuming; r.status != exitRefused || !strings.Contains(r.err, "secret") && !strings.Contains(r.err, "signature") {
		t.Errorf("the consumer ended with %+v", r)
	}
	one.stop().want(t, exitDone, "", "")
	two.stop().want(t, exitDone, "", "")
}
