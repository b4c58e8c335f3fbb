//go:build unix

package main

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/shopex/prism-go/prismtest"
)

// withMode writes a file that others may use as mode says.
func withMode(t *testing.T, text string, mode fs.FileMode) (name string) {
	t.Helper()
	name = filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(name, mode); err != nil { // whatever the umask is
		t.Fatal(err)
	}
	return name
}

func TestASecretThatOthersMayReadOrChangeIsRefused(t *testing.T) {
	srv := prismtest.NewServer(t)
	for mode, how := range map[fs.FileMode]string{
		0o600: "", 0o400: "", 0o640: "", 0o440: "",
		0o644: "read", 0o604: "read", 0o660: "changed", 0o620: "changed", 0o602: "changed", 0o666: "changed", 0o777: "changed",
	} {
		file := withMode(t, srv.Secret(), mode)
		r := with(srv, "queue", "create", "a", "--secret-file", file)
		if how == "" {
			r.want(t, exitDone, "created queue a\n", "")
			continue
		}
		r.want(t, exitUsage, "", fmt.Sprintf("%s may be %s by other users of this machine (mode %04o): run \"chmod g-w,o-rwx %[1]s\"", file, how, mode))
	}
}

func TestEverythingSecretThatServeReadsHasToBePrivate(t *testing.T) {
	p := newPair(t)
	if err := os.Chmod(p.key, 0o644); err != nil {
		t.Fatal(err)
	}
	text := withMode(t, "abcdefghijklmnopqrst", 0o644)
	hash := "[[user]]\nlogin = \"alice\"\npassword-hash = \"pbkdf2-sha256$600000$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"\n"
	for _, args := range [][]string{
		{"--tls-cert", p.cert, "--tls-key", p.key},
		{"--admin-key", "root", "--admin-secret-file", text},
		{"--app-key", "shop-key:shop:" + text},
		{"--user", "alice:" + text},
		{"--nats", "nats://127.0.0.1:1", "--nats-creds", text},
		{"--config", withMode(t, hash, 0o644)},
		{"--config", withMode(t, "nats = \"nats://user:password@127.0.0.1:1\"\n", 0o644)},
		{"--config", withMode(t, "listen = \"127.0.0.1:0\"\n", 0o646)},
	} {
		invocation{args: append([]string{"serve", "--listen", "127.0.0.1:0"}, args...)}.run().want(t, exitUsage, "", "by other users of this machine")
	}
	harmless := withMode(t, "listen = \"127.0.0.1:0\"\n", 0o664)
	if r := (invocation{args: []string{"serve", "--print-config", "--config", harmless}}).run(); r.status != exitDone {
		t.Errorf("settings without a secret: %+v", r)
	}
}

func TestAKeptLoginThatOthersMayReadIsNotUsed(t *testing.T) {
	p := newPerson(t)
	if r := p.login(); r.status != exitDone {
		t.Fatalf("%+v", r)
	}
	if err := os.Chmod(p.keep().File, 0o644); err != nil {
		t.Fatal(err)
	}
	invocation{args: []string{"whoami"}, env: p.env, config: p.config}.run().want(t, exitRefused, "", "by other users of this machine")
}

func TestServeWarnsOfADirectoryThatIsOpenToOthers(t *testing.T) {
	for mode, warns := range map[fs.FileMode]bool{0o700: false, 0o750: false, 0o755: true, 0o770: true, 0o777: true} {
		dir := filepath.Join(t.TempDir(), "data")
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(dir, mode); err != nil {
			t.Fatal(err)
		}
		s := serve(t, nil, "--data", dir)
		if r := s.stop(); r.status != exitDone || strings.Contains(r.err, "WARNING: the directory "+dir) != warns {
			t.Errorf("%04o: %+v", mode, r)
		}
	}
}
