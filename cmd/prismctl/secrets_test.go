package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/shopex/prism-go/prismtest"
)

func TestWhatEditorsPutAroundASecretIsNoPartOfIt(t *testing.T) {
	srv := prismtest.NewServer(t)
	env := of(srv)
	for _, text := range []string{"\ufeff" + srv.Secret(), srv.Secret() + "\r\n", "\ufeff" + srv.Secret() + "\n"} {
		file := filepath.Join(t.TempDir(), "secret")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		with(srv, "queue", "create", "a", "--secret-file", file).want(t, exitDone, "created queue a\n", "")
	}
	env["PRISM_SECRET"] = "\ufeff" + srv.Secret()
	invocation{args: []string{"queue", "create", "a"}, env: env}.run().want(t, exitDone, "created queue a\n", "")
}

func TestWhatNobodySeesInASecretIsRefusedByName(t *testing.T) {
	srv := prismtest.NewServer(t)
	for hidden, name := range map[string]string{
		"\u200b": "U+200B (zero width space)", "\u00ad": "U+00AD (soft hyphen)", "\u202e": "U+202E (right-to-left override)",
		"\ufeff": "U+FEFF (byte order mark)", "\u00a0": "U+00A0 (no-break space)", "\u3000": "U+3000 (ideographic space)",
		"\u2066": "U+2066", "\xb6": "no UTF-8",
	} {
		secret := srv.Secret()[:4] + hidden + srv.Secret()[4:]
		file := filepath.Join(t.TempDir(), "secret")
		if err := os.WriteFile(file, []byte(secret), 0o600); err != nil {
			t.Fatal(err)
		}
		at := " at byte 4"
		refused := func(variable string, args ...string) {
			t.Helper()
			env := of(srv)
			if variable != "" {
				env[variable] = secret
			}
			r := invocation{args: args, env: env}.run()
			r.want(t, exitUsage, "", name)
			if !strings.Contains(r.err, at) || strings.Contains(r.err, srv.Secret()[4:]) {
				t.Errorf("%v says %s", args, r.err)
			}
		}
		refused("", "queue", "list", "--secret-file", file)
		refused("PRISM_SECRET", "queue", "list")
		refused("PRISM_SECRET", "sign", "GET", "/api/x")
		refused("PRISM_SECRET", "serve", "--listen", "127.0.0.1:0")
		refused("PRISM_ADMIN_SECRET", "serve", "--listen", "127.0.0.1:0", "--admin-key", "root")
		refused("", "serve", "--listen", "127.0.0.1:0", "--app-key", "k:shop:"+file)
	}
}

func TestASecretInUTF16IsRefused(t *testing.T) {
	srv := prismtest.NewServer(t)
	file := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(file, []byte("\xff\xfes\x00e\x00c\x00\r\x00\n\x00"), 0o600); err != nil {
		t.Fatal(err)
	}
	with(srv, "queue", "list", "--secret-file", file).want(t, exitUsage, "", "is UTF-16: save it as UTF-8")
}

func TestABlankInTheURLIsRefused(t *testing.T) {
	srv := prismtest.NewServer(t)
	for url, name := range map[string]string{
		" " + srv.URL(): "a blank at byte 0", srv.URL() + "\n": "a line break", srv.URL() + " ": "a blank", "\ufeff" + srv.URL(): "U+FEFF (byte order mark)",
		srv.URL() + "\u200b": "U+200B (zero width space)",
	} {
		env := of(srv)
		env["PRISM_URL"] = url
		invocation{args: []string{"queue", "list"}, env: env}.run().want(t, exitUsage, "", "PRISM_URL (or --url) has "+name)
		invocation{args: []string{"queue", "list", "--url", url}, env: of(srv)}.run().want(t, exitUsage, "", "PRISM_URL (or --url) has "+name)
	}
}
