package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/shopex/prism-go/prismtest"
)

// signIn logs a user in by prismctl login at a served platform.
func (s served) signIn(t *testing.T, name, password string) result {
	t.Helper()
	walker := prismtest.NewServer(t) // for its browser only
	p := &person{t: t, env: s.env(), config: t.TempDir(), opened: make(chan string, 1)}
	done := begin(p.invocation("login"))
	select {
	case address := <-p.opened:
		walker.SignIn(walker.Browser(), address, name, password)
		return <-done
	case r := <-done:
		return r
	}
}

func TestTheNewUserOfServeSignsIn(t *testing.T) {
	s := serve(t, nil)
	r := s.signIn(t, s.User, s.Password)
	r.want(t, exitDone, "Signed in as demo\n", "The browser opens, to sign in")
	if r := s.stop(); r.status != exitDone || strings.Contains(r.err, s.Password) {
		t.Errorf("%+v", r)
	}
}

func TestServeTakesTheChosenUsers(t *testing.T) {
	dir := t.TempDir()
	var args []string
	for _, name := range []string{"alice", "bob"} {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, []byte("password of "+name+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		args = append(args, "--user", name+":"+file)
	}
	s := serve(t, nil, args...)
	if s.User != "alice" || s.Password != "" || strings.Contains(s.first, "password") {
		t.Errorf("the first line is %s", s.first)
	}
	for _, name := range []string{"alice", "bob"} {
		r := s.signIn(t, name, "password of "+name)
		r.want(t, exitDone, "Signed in as "+name+"\n", "The browser opens, to sign in")
	}
	s.stop().want(t, exitDone, "", "")
}

func TestServeSendsBrowsersOnlyToRegisteredAddresses(t *testing.T) {
	s := serve(t, nil, "--redirect", "https://shop.example/auth/callback")
	if r := s.signIn(t, s.User, s.Password); r.status != exitRefused || !strings.Contains(r.err, "prismctl serve --redirect") {
		t.Errorf("%+v", r)
	}
	s.stop().want(t, exitDone, "", "")
}

func TestAnOperatorWithKeysOfHisOwnGetsNoUser(t *testing.T) {
	secret := inFile(t, "secret", "ucr72ygfutspqeuu6s36")
	for _, args := range [][]string{{"--admin-key", "operator", "--admin-secret-file", secret}, {"--app-key", "shop1:shop:" + secret}} {
		s := serve(t, nil, args...)
		if s.User != "" || s.Password != "" || strings.Contains(s.first, "user") {
			t.Errorf("%v: the first line is %s", args, s.first)
		}
		s.stop().want(t, exitDone, "", "")
	}
}
