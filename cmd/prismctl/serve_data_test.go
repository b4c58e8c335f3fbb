package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestADirectoryKeepsKeysUsersAndMessages(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	s := serve(t, nil, "--data", data)
	s.do("publish order.new hello").want(t, exitDone, "", "1 message confirmed")
	s.do("queue create orders").want(t, exitDone, "created queue orders\n", "")
	s.stop().want(t, exitDone, "", "")
	if s.User != "demo" || s.Password == "" {
		t.Errorf("the first line is %s", s.first)
	}

	again := serve(t, nil, "--data", data)
	if again.Key != s.Key || again.Secret != "" || again.User != "demo" || again.Password != "" {
		t.Errorf("the first line is %s, it was %s", again.first, s.first)
	}
	again.Secret = s.Secret
	if got := parsed(t, again.do("queue read").out); len(got) != 1 || got[0]["body"] != "hello" {
		t.Errorf("read %v", got)
	}
	again.do("queue bindings orders").want(t, exitDone, "", "")
	r := again.signIn(t, "demo", s.Password)
	r.want(t, exitDone, "Signed in as demo\n", "The browser opens, to sign in")
	again.stop().want(t, exitDone, "", "")
}

func TestTheSecretOfTheFirstKeyIsShownOnce(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	first := serve(t, nil, "--data", data)
	first.stop().want(t, exitDone, "", "")
	ctx, cancel := context.WithCancel(t.Context())
	out, in := io.Pipe()
	done := begin(invocation{ctx: ctx, args: []string{"serve", "--listen", "127.0.0.1:0", "--data", data}, out: in})
	text := make([]byte, 4096)
	n, _ := out.Read(text)
	want := "export PRISM_KEY=" + first.Key + "\n    export PRISM_SECRET=...\n\nwith the secret that the first start has shown; \"prismctl key rotate\" gives the key a new one,\n"
	if got := string(text[:n]); !strings.Contains(got, want) {
		t.Errorf("%q is not in\n%s", want, got)
	}
	cancel()
	(<-done).want(t, exitDone, "", "")
	invocation{args: []string{"serve", "--show-secret"}}.run().want(t, exitUsage, "", "prismctl key rotate KEY")
}

// The password of the user and the secret of the key are shown once, so they must
// not be made by a start that cannot show them.
func TestAStartThatFailsMakesNoUserAndNoKey(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	p := newPair(t)
	for name, wrong := range map[string][]string{
		"the address is taken":           {"--listen", taken.Addr().String()},
		"the admin address is taken":     {"--admin-listen", taken.Addr().String()},
		"the certificate is none":        {"--tls-cert", p.key, "--tls-key", p.key},
		"the access log is a directory":  {"--access-log", t.TempDir()},
		"the password of a user is gone": {"--user", "alice:/nowhere"},
	} {
		t.Run(name, func(t *testing.T) {
			args := []string{"--data", filepath.Join(t.TempDir(), "data"), "--listen", "127.0.0.1:0"}
			if r := (invocation{args: slices.Concat([]string{"serve"}, args, wrong)}).run(); r.status == exitDone || r.out != "" {
				t.Errorf("it started: %+v", r)
			}
			s := serve(t, nil, args...)
			if s.User != "demo" || s.Password == "" || s.Secret == "" {
				t.Errorf("the first line is %s", s.first)
			}
			s.stop().want(t, exitDone, "", "")
		})
	}
}

func TestADirectoryWithKeysGetsNoOther(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	env := map[string]string{"PRISM_KEY": "buwb2lii", "PRISM_SECRET": "ucr72ygfutspqeuu6s36"}
	s := serve(t, env, "--data", data)
	s.stop().want(t, exitDone, "", "")
	again := serve(t, nil, "--data", data)
	if again.Key != "" || again.Secret != "" {
		t.Errorf("the first line is %s", again.first)
	}
	again.Key, again.Secret = s.Key, s.Secret
	again.do("queue status").want(t, exitDone, again.do("queue status").out, "")
	again.stop().want(t, exitDone, "", "The key buwb2lii is an admin key that no setting gives")
}

func TestWhatIsGivenChangesWhatIsThere(t *testing.T) {
	dir := t.TempDir()
	data, secret, password := filepath.Join(dir, "data"), filepath.Join(dir, "secret"), filepath.Join(dir, "password")
	give := func(name, text string) {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	apps := inFile(t, "c.toml", "[[app]]\nid = 'shop'\npublish = ['order.#']\nlisten = ['order.#']\n")
	args := []string{"--data", data, "--config", apps, "--bind", "order.#=", "--app-key", "shop1:shop:" + secret, "--user", "alice:" + password}
	for _, word := range []string{"first", "second"} {
		give(secret, word+"-secret-of-shop1")
		give(password, word+" password\n")
		s := serve(t, nil, args...)
		if s.Key != "shop1" || s.Secret != "" || s.User != "alice" || strings.Contains(s.first, word) {
			t.Errorf("the first line is %s", s.first)
		}
		s.Secret = word + "-secret-of-shop1"
		s.do("publish order.new "+word).want(t, exitDone, "", "1 message confirmed")
		s.stop().want(t, exitDone, "", "")
	}
	s := serve(t, nil, args...)
	s.Secret = "second-secret-of-shop1"
	if got := parsed(t, s.do("queue read -n 9").out); len(got) != 2 {
		t.Errorf("read %v", got)
	}
	s.stop().want(t, exitDone, "", "")
}

func TestTheKeyOfTheEnvironmentKeepsItsAppAndItsRights(t *testing.T) {
	data, secret := filepath.Join(t.TempDir(), "data"), inFile(t, "secret", "ucr72ygfutspqeuu6s36")
	args := []string{"--data", data, "--admin-key", "operator", "--admin-secret-file", secret}
	serve(t, nil, append(args, "--app-key", "shop1:shop:"+secret)...).stop().want(t, exitDone, "", "")
	env := map[string]string{"PRISM_KEY": "shop1", "PRISM_SECRET": "another-secret-of-shop1"}
	for range 2 {
		s := serve(t, env, args...)
		if s.Key != "shop1" || s.Secret != "another-secret-of-shop1" {
			t.Errorf("the first line is %s", s.first)
		}
		s.do("queue status").want(t, exitDone, s.do("queue status").out, "")
		if r := s.do("app list"); r.status != exitRefused || !strings.Contains(r.err, "forbidden_admin") {
			t.Errorf("it is an admin key now: %+v", r)
		}
		s.Key, s.Secret = "operator", "ucr72ygfutspqeuu6s36"
		if r := s.do("key list shop"); !strings.Contains(r.out, "shop1") {
			t.Errorf("the keys of the app are %+v", r)
		}
		s.stop().want(t, exitDone, "", "")
	}
}

func TestADirectoryInUseIsRefused(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	s := serve(t, nil, "--data", data)
	r := invocation{args: []string{"serve", "--listen", "127.0.0.1:0", "--data", data}}.run()
	r.want(t, exitRefused, "", "another program works on "+data+": stop it, or choose another directory by --data")
	s.stop().want(t, exitDone, "", "")
}

func TestALaterSyncIsWarnedOf(t *testing.T) {
	s := serve(t, nil, "--data", filepath.Join(t.TempDir(), "data"), "--sync", "5s")
	s.stop().want(t, exitDone, "", "a power failure may take the messages that were confirmed in the last 5s")
}

func TestABackupIsMadeWhileThePlatformRunsAndGoesOnElsewhere(t *testing.T) {
	dir := t.TempDir()
	data, file, other := filepath.Join(dir, "data"), filepath.Join(dir, "prism.backup"), filepath.Join(dir, "other")
	s := serve(t, nil, "--data", data)
	s.do("publish order.new before").want(t, exitDone, "", "1 message confirmed")
	invocation{args: []string{"backup", "--data", data, file}}.run().want(t, exitDone, "backed up "+data+" to "+file+"\n", "")
	s.do("publish order.new after").want(t, exitDone, "", "1 message confirmed")
	s.stop().want(t, exitDone, "", "")
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}

	r := invocation{args: []string{"restore", "--data", data, file}}.run()
	r.want(t, exitRefused, "", "prismctl: nothing was restored: there is something in "+data+": a backup is restored to an empty place only\n")
	invocation{args: []string{"restore", "--data", other, file}}.run().want(t, exitDone, "restored "+other+"\n", "")
	again := serve(t, nil, "--data", other)
	if again.Key != s.Key || again.Secret != "" {
		t.Errorf("the first line is %s, it was %s", again.first, s.first)
	}
	again.Secret = s.Secret
	if got := parsed(t, again.do("queue read -n 9").out); len(got) != 1 || got[0]["body"] != "before" {
		t.Errorf("read %v", got)
	}
	again.do("publish order.new new").want(t, exitDone, "", "1 message confirmed")
	again.stop().want(t, exitDone, "", "")
}

func TestABackupOfADirectoryThatNobodyUsesIsTheSame(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	s := serve(t, nil, "--data", data)
	s.do("publish order.new hello").want(t, exitDone, "", "1 message confirmed")
	s.stop().want(t, exitDone, "", "")
	made := invocation{args: []string{"backup", "-"}, env: map[string]string{"PRISM_DATA": data}}.run()
	if made.status != exitDone || made.err != "" {
		t.Fatalf("%d %s", made.status, made.err)
	}
	other := filepath.Join(t.TempDir(), "other")
	invocation{args: []string{"restore", "--data", other, "-"}, in: strings.NewReader(made.out)}.run().want(t, exitDone, "restored "+other+"\n", "")
	again := serve(t, nil, "--data", other)
	again.Secret = s.Secret
	if got := parsed(t, again.do("queue read").out); len(got) != 1 || got[0]["body"] != "hello" {
		t.Errorf("read %v", got)
	}
	again.stop().want(t, exitDone, "", "")
}

func TestHalfABackupIsNotRestored(t *testing.T) {
	dir := t.TempDir()
	data, file, other := filepath.Join(dir, "data"), filepath.Join(dir, "prism.backup"), filepath.Join(dir, "other")
	s := serve(t, nil, "--data", data)
	invocation{args: []string{"backup", "--data", data, file}}.run().want(t, exitDone, "backed up "+data+" to "+file+"\n", "")
	s.stop().want(t, exitDone, "", "")
	whole, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	in := bytes.NewReader(whole[:len(whole)-1])
	r := invocation{args: []string{"restore", "--data", other, "-"}, in: in}.run()
	r.want(t, exitRefused, "", "prismctl: nothing was restored: the backup is damaged or not whole: it ends early\n")
	invocation{args: []string{"restore", "--data", other, file}}.run().want(t, exitDone, "restored "+other+"\n", "")
}

func TestABackupThatCannotBeMadeLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "prism.backup")
	r := invocation{args: []string{"backup", "--data", filepath.Join(dir, "nowhere"), file}}.run()
	r.want(t, exitRefused, "", "no platform has worked on ")
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("%v, %v", left, err)
	}
	for _, command := range []string{"backup", "restore"} {
		r := invocation{args: []string{command, file}}.run()
		r.want(t, exitUsage, "", "it is not said where the messages are: give --data or --nats, or --config")
	}
	r = invocation{args: []string{"backup", "--data", inFile(t, "file", ""), file}}.run()
	r.want(t, exitRefused, "", "there is no backup: ")
	if !strings.Contains(r.err, " cannot be read: ") {
		t.Errorf("it says %s", r.err)
	}
}

func TestBackupAndRestoreTakeTheFileOfThePlatform(t *testing.T) {
	dir := t.TempDir()
	data, file, other := filepath.Join(dir, "data"), filepath.Join(dir, "prism.backup"), filepath.Join(dir, "other")
	text := "listen = '127.0.0.1:0'\nlog-level = 'error'\ndata = '%s'\n[limits]\nwindow = 3\n[[user]]\nlogin = 'a'\npassword-hash = 'x'\n"
	config := inFile(t, "c.toml", fmt.Sprintf(text, data))
	s := serve(t, nil, "--data", data)
	invocation{args: []string{"backup", "--config", config, file}}.run().want(t, exitDone, "backed up "+data+" to "+file+"\n", "")
	s.stop().want(t, exitDone, "", "")
	env := map[string]string{"PRISM_CONFIG": inFile(t, "c.toml", fmt.Sprintf(text, other))}
	invocation{args: []string{"restore", file}, env: env}.run().want(t, exitDone, "restored "+other+"\n", "")
	r := invocation{args: []string{"backup", "--config", inFile(t, "c.toml", "dat = 'x'"), file}}.run()
	r.want(t, exitUsage, "", ":1: there is no setting dat; did you mean data?")
}

func TestTheFirstKeyIsAnAdminKeyAndSoIsTheAdminKey(t *testing.T) {
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte("ucr72ygfutspqeuu6s36"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{nil, {"--admin-key", "operator", "--admin-secret-file", secret}} {
		s := serve(t, nil, args...)
		if args != nil {
			if s.Key != "operator" || s.Secret != "" {
				t.Errorf("the first line is %s", s.first)
			}
			s.Secret = "ucr72ygfutspqeuu6s36"
		}
		r := s.do("post platform/app/list")
		var apps []map[string]any
		if r.status != exitDone || json.Unmarshal([]byte(r.out), &apps) != nil && !strings.Contains(r.out, "Guid") {
			t.Errorf("%v: %+v", args, r)
		}
		s.stop().want(t, exitDone, "", "")
	}
	r := invocation{args: []string{"serve", "--listen", "127.0.0.1:0", "--admin-key", "operator"}}.run()
	r.want(t, exitUsage, "", "--admin-key: there is no secret: set PRISM_ADMIN_SECRET")
}
