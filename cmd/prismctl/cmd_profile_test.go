package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/zalando/go-keyring"

	"github.com/shopex/prism-go/prismtest"
)

// A desk is a user with a directory for what programs keep, and with an environment.
type desk struct {
	t      *testing.T
	config string
	env    map[string]string
}

func newDesk(t *testing.T) *desk {
	return &desk{t, t.TempDir(), map[string]string{"PATH": os.Getenv("PATH")}}
}

func (d *desk) do(args ...string) result {
	return invocation{args: args, env: d.env, config: d.config}.run()
}

// add adds a profile of a platform.
func (d *desk) add(srv *prismtest.Server, name string, more ...string) {
	d.t.Helper()
	r := d.do(append([]string{"profile", "add", name, "--url", srv.URL(), "--key", srv.Key()}, more...)...)
	if r.status != exitDone {
		d.t.Fatalf("%+v", r)
	}
}

// file writes a file.
func (d *desk) file(text string, mode os.FileMode) (name string) {
	d.t.Helper()
	name = filepath.Join(d.t.TempDir(), "file")
	if err := os.WriteFile(name, []byte(text), mode); err != nil {
		d.t.Fatal(err)
	}
	return name
}

func TestAProfileSaysWhatToConnectTo(t *testing.T) {
	srv := prismtest.NewServer(t)
	d := newDesk(t)
	file := d.file(srv.Secret()+"\n", 0o600)
	d.add(srv, "work", "--secret-file", file)
	d.do("queue", "create", "orders").want(t, exitDone, "created queue orders\n", "")
	r := d.do("profile", "show")
	want := "profile work profile use url " + srv.URL() + " profile work key " + srv.Key() + " profile work secret file " + file + " profile work"
	if got := strings.Join(strings.Fields(r.out), " "); got != want || r.status != exitDone || r.err != "" {
		t.Errorf("%+v, want %s", r, want)
	}
}

func TestAFlagCountsMoreThanTheEnvironmentAndThatMoreThanTheProfile(t *testing.T) {
	srv := prismtest.NewServer(t)
	d := newDesk(t)
	d.add(srv, "work", "--secret-command", "echo not-the-secret")
	shown := func(args ...string) map[string]any {
		t.Helper()
		r := d.do(append([]string{"profile", "show", "--output", "json"}, args...)...)
		if r.status != exitDone {
			t.Fatalf("%+v", r)
		}
		return parsed(t, r.out)[0]
	}
	from := func(shown map[string]any) string {
		var all []string
		for _, name := range []string{"url", "key", "secret"} {
			all = append(all, fmt.Sprint(shown[name].(map[string]any)["from"]))
		}
		return strings.Join(all, ", ")
	}
	for _, step := range []struct {
		name, value string
		flags       string
		want        string
	}{
		{"", "", "", "profile work, profile work, profile work"},
		{"PRISM_URL", srv.URL(), "", "PRISM_URL, profile work, profile work"},
		{"PRISM_SECRET", srv.Secret(), "", "PRISM_URL, profile work, PRISM_SECRET"},
		{"PRISM_KEY", srv.Key(), "", "PRISM_URL, PRISM_KEY, PRISM_SECRET"},
		{"", "", "--profile work", "PRISM_URL, PRISM_KEY, PRISM_SECRET"},
		{"", "", "--key other --url http://x/api --secret-file /s", "--url, --key, --secret-file"},
	} {
		if step.name != "" {
			d.env[step.name] = step.value
		}
		if got := from(shown(strings.Fields(step.flags)...)); got != step.want {
			t.Errorf("with %s, %s: %s, want %s", step.name, step.flags, got, step.want)
		}
	}
	d.do("queue", "bindings").want(t, exitDone, "#\n", "")
	d.do("queue", "bindings", "--profile", "work").want(t, exitDone, "#\n", "the environment counts more than profile work: unset PRISM_SECRET to use the profile")
}

func TestAProfileIsNamedBeforeAndBehindACommand(t *testing.T) {
	work, live := prismtest.NewServer(t), prismtest.NewServer(t)
	d := newDesk(t)
	d.add(work, "work", "--secret-command", "echo "+work.Secret())
	d.add(live, "live", "--secret-command", "echo "+live.Secret())
	d.do("queue", "create", "orders", "--profile", "live").want(t, exitDone, "created queue orders\n", "")
	d.do("--profile", "live", "queue", "drop", "orders").want(t, exitDone, "dropped queue orders\n", "")
	d.do("queue", "drop", "orders").want(t, exitRefused, "", "unknown_topic")
	d.env["PRISM_PROFILE"] = "live"
	d.do("queue", "create", "orders").want(t, exitDone, "created queue orders\n", "")
	d.do("queue", "drop", "orders", "--profile", "work").want(t, exitRefused, "", "unknown_topic")
	delete(d.env, "PRISM_PROFILE")
	d.do("profile", "use", "live").want(t, exitDone, "commands use profile live\n", "")
	d.do("queue", "drop", "orders").want(t, exitDone, "dropped queue orders\n", "")
	d.do("serve", "--profile", "live").want(t, exitUsage, "", "prismctl serve uses no profile")
}

func TestTheSecretOfAProfileIsForItsKeyOnly(t *testing.T) {
	srv := prismtest.NewServer(t)
	d := newDesk(t)
	d.add(srv, "work", "--secret-command", "echo "+srv.Secret())
	d.env["PRISM_KEY"] = "another"
	d.do("queue", "list").want(t, exitUsage, "", "profile work has the secret of key "+srv.Key()+", and PRISM_KEY is another")
	d.env["PRISM_SECRET"] = "its-secret"
	d.do("queue", "list").want(t, exitRefused, "", "unknown_key")
}

func TestTheKeyringHasTheSecretUntilTheProfileIsRemoved(t *testing.T) {
	keyring.MockInit()
	srv := prismtest.NewServer(t)
	d := newDesk(t)
	r := invocation{args: []string{"profile", "add", "desk", "--keyring", "--url", srv.URL(), "--key", srv.Key()}, env: d.env, config: d.config, in: strings.NewReader(srv.Secret() + "\n")}.run()
	r.want(t, exitDone, "added profile desk, which commands use\n", "")
	d.do("queue", "create", "orders").want(t, exitDone, "created queue orders\n", "")
	d.do("profile", "remove", "desk").want(t, exitDone, "removed profile desk\n", "")
	if _, err := keyring.Get("prismctl", "desk"); err != keyring.ErrNotFound {
		t.Errorf("the keyring still has the secret: %v", err)
	}
	d.do("profile", "list").want(t, exitDone, "", "")

	r = invocation{args: []string{"profile", "add", "desk", "--keyring", "--url", srv.URL(), "--key", srv.Key()}, env: d.env, config: d.config, in: strings.NewReader(srv.Secret())}.run()
	r.want(t, exitDone, "added profile desk, which commands use\n", "")
	d.add(srv, "desk", "--replace", "--secret-command", "echo "+srv.Secret())
	if _, err := keyring.Get("prismctl", "desk"); err != keyring.ErrNotFound {
		t.Errorf("the keyring has the secret of a profile that is elsewhere: %v", err)
	}
	keyring.MockInitWithError(fmt.Errorf("the keyring is locked"))
	r = invocation{args: []string{"profile", "add", "desk", "--replace", "--keyring", "--url", srv.URL(), "--key", srv.Key()}, env: d.env, config: d.config, in: strings.NewReader(srv.Secret())}.run()
	r.want(t, exitUsage, "", "the keyring of this system took no secret (the keyring is locked)")
	d.do("queue", "bindings", "orders").want(t, exitDone, "", "") // the profile is as it was
}

func TestASecretThatAProfileCannotGetIsExplained(t *testing.T) {
	srv := prismtest.NewServer(t)
	for command, want := range map[string]string{
		"echo no key >&2; exit 3": "the secret command of profile work failed (exit status 3: no key): run it by hand",
		"true":                    "the secret command of profile work printed nothing",
		"echo":                    "the secret command of profile work printed nothing",
		"echo s; echo user: me":   "the secret command of profile work printed more than one line",
		"yes":                     "the secret command of profile work printed more than 65536 bytes",
		"nix-of-that":             "the secret command of profile work failed (exit status 127: ",
		"printf '\\033[2Js'":      "white space or an invisible character",
	} {
		d := newDesk(t)
		d.add(srv, "work", "--secret-command", command)
		d.do("queue", "list").want(t, exitUsage, "", want)
	}
	d := newDesk(t)
	d.add(srv, "work", "--secret-command", "sleep 60")
	d.do("queue", "list", "--timeout", "50ms").want(t, exitTimeout, "", "the secret command of profile work gave no secret within ")
	file := d.file(srv.Secret(), 0o600)
	d.add(srv, "file", "--use", "--secret-file", file)
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	d.do("queue", "list").want(t, exitUsage, "", "the secret cannot be read")
}

func TestAProfileThatIsNoGoodIsRefused(t *testing.T) {
	d := newDesk(t)
	open, good := d.file("s3cret", 0o644), d.file("s3cret", 0o600)
	if err := os.Chmod(open, 0o644); err != nil { // whatever the umask is
		t.Fatal(err)
	}
	const where = " --url http://127.0.0.1/api --key k "
	for args, want := range map[string]string{
		"a/b" + where + "--keyring":                                      `"a/b" is no name of a profile`,
		"--keyring" + where:                                              `"" is no name of a profile`,
		"work --key k --keyring":                                         "the address is empty: give --url",
		"work --url http://x/api --keyring":                              "the key is empty",
		"work --url 127.0.0.1:80/api --key k " + "--secret-command pass": "PRISM_URL (or --url)",
		"work" + where:                                                   "say where the secret is: --secret-file, --secret-command or --keyring",
		"work" + where + "--keyring --secret-file x":                     "can't be used together",
		"work" + where + "--secret-file /nowhere":                        "the secret cannot be read",
		"work" + where + "--secret-file " + open:                         "may be read by other users of this machine",
		"work" + where + "--keyring":                                     "there is no secret on standard input",
	} {
		d.do(append([]string{"profile", "add"}, strings.Fields(args)...)...).want(t, exitUsage, "", want)
	}
	d.do(append([]string{"profile", "add", "work", "--secret-file", good}, strings.Fields(where)...)...).want(t, exitDone, "added profile work, which commands use\n", "")
	d.do(append([]string{"profile", "add", "work", "--secret-file", good}, strings.Fields(where)...)...).want(t, exitRefused, "", "there is a profile work: --replace replaces it")
	d.do("profile", "use", "nix").want(t, exitUsage, "", "there is no profile nix")
	d.do("profile", "remove", "nix").want(t, exitRefused, "", "there is no profile nix")
	d.do("queue", "list", "--profile", "nix").want(t, exitUsage, "", "there is no profile nix")
	invocation{args: []string{"queue", "list", "--profile", "nix"}}.run().want(t, exitUsage, "", "there is no directory to keep profiles in")
}

func TestAProfileFileThatIsNoGoodIsExplained(t *testing.T) {
	const profile = "[profile.work]\nurl = \"http://127.0.0.1:1/api\"\nkey = \"k\"\n"
	for text, want := range map[string]string{
		"use = ":                        "line 1 is no TOML",
		"use = \"work\"\nsecret s3cret": "line 2 is no TOML",
		"use = 3":                       "a value of a wrong type",
		"user = \"work\"":               "no profile has a setting user",
		profile + "secret = \"s3cret\"": "no profile has a setting profile.work.secret",
		profile:                         "profile work: it needs exactly one of secret-file, secret-command and keyring",
		profile + "keyring=true\nsecret-file='x'": "profile work: it needs exactly one of",
		"[profile.'a b']":                         `"a b" is no name of a profile`,
		"use = \"work\"":                          "there is no profile work",
		"\xff\xfeu":                               "is UTF-16",
	} {
		d := newDesk(t)
		if err := os.Mkdir(filepath.Join(d.config, "prismctl"), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(d.config, "prismctl", "profiles.toml"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		r := d.do("queue", "list")
		r.want(t, exitUsage, "", want)
		if strings.Contains(r.err, "s3cret") {
			t.Errorf("it shows what may be a secret: %s", r.err)
		}
		d.env = map[string]string{"PRISM_URL": "http://127.0.0.1:1/api", "PRISM_KEY": "k", "PRISM_SECRET": "s"}
		d.do("queue", "list").want(t, exitUnreachable, "", "cannot reach") // it needs none
	}
}

func TestNoProfileShowsItsSecret(t *testing.T) {
	srv := prismtest.NewServer(t)
	d := newDesk(t)
	d.env["THE_SECRET"] = srv.Secret()
	d.add(srv, "work", "--secret-command", `echo "$THE_SECRET"`, "--production")
	for _, args := range [][]string{
		{"profile", "list"}, {"profile", "list", "--output", "json"}, {"profile", "show"}, {"profile", "show", "--output", "json"},
		{"queue", "list", "-v", "debug"}, {"get", "nothing/here", "-v", "debug"}, {"queue", "drop", "orders"},
	} {
		if r := d.do(args...); strings.Contains(r.out+r.err, srv.Secret()) {
			t.Errorf("%v shows the secret: %+v", args, r)
		}
	}
	if text, err := os.ReadFile(filepath.Join(d.config, "prismctl", "profiles.toml")); err != nil || strings.Contains(string(text), srv.Secret()) {
		t.Errorf("%s, %v", text, err)
	}
}

func TestProfilesThatAreAddedTogetherAreAllThere(t *testing.T) {
	d := newDesk(t)
	var adding sync.WaitGroup
	for i := range 8 {
		adding.Go(func() {
			if r := d.do("profile", "add", fmt.Sprint("p", i), "--url", "http://127.0.0.1/api", "--key", "k", "--secret-command", "pass"); r.status != exitDone {
				t.Errorf("%+v", r)
			}
		})
	}
	adding.Wait()
	if r := d.do("profile", "list", "--output", "json"); strings.Count(r.out, "\n") != 8 {
		t.Errorf("%+v", r)
	}
}

func TestInProductionADestructiveCommandAsks(t *testing.T) {
	srv := prismtest.NewServer(t)
	d := newDesk(t)
	d.add(srv, "live", "--production", "--secret-command", "echo "+srv.Secret())
	d.do("queue", "create", "orders").want(t, exitDone, "created queue orders\n", "")
	for _, command := range []string{
		"queue drop orders", "queue purge orders", "queue read orders", "queue unbind orders #", "queue discard orders --all", "queue limit orders --max-messages 1",
		"app delete shop", "app disable shop", "app redirect remove shop http://x/", "key delete k", "key rotate k", "user delete ann", "user disable ann", "user password ann",
		"user sessions ann --end", "api delete goods", "api unbind goods shop", "delete a/b", "bench",
	} {
		r := d.do(strings.Fields(command)...)
		if r.status != exitUsage || !strings.Contains(r.err, "profile live ("+srv.URL()+") is marked as production") || !strings.Contains(r.err, "give --yes") {
			t.Errorf("%s: %+v", command, r)
		}
	}
	for _, harmless := range []string{"queue limit orders", "queue discard orders --all --dry-run", "queue status orders", "publish order.new x"} {
		if r := d.do(strings.Fields(harmless)...); r.status != exitDone {
			t.Errorf("%s: %+v", harmless, r)
		}
	}
	d.do("queue", "drop", "orders", "--yes").want(t, exitDone, "dropped queue orders\n", "")
	other := prismtest.NewServer(t)
	d.env = of(other)
	d.do("queue", "create", "orders").want(t, exitDone, "created queue orders\n", "")
	d.do("queue", "drop", "orders", "--profile", "live").want(t, exitDone, "dropped queue orders\n", "the environment counts more") // it is not there
}
