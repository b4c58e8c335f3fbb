package main

import (
	"os"
	"path"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/shopex/prism-go/cmd/prismctl/internal/settings"
	"github.com/shopex/prism-go/platform"
)

// inFile writes a file for a test.
func inFile(t *testing.T, name, text string) string {
	t.Helper()
	name = filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// configOf runs serve --print-config and returns what it prints.
func configOf(t *testing.T, env map[string]string, args ...string) string {
	t.Helper()
	r := invocation{args: append([]string{"serve", "--print-config"}, args...), env: env}.run()
	if r.status != exitDone || r.err != "" {
		t.Fatalf("%v: %+v", args, r)
	}
	return r.out
}

// Who narrows the window means both sides of it; the 25 hours are only the default.
func TestASignWindowGivenAloneBoundsBothSides(t *testing.T) {
	for args, want := range map[string]string{
		"":                                       `sign-window-past = "25h0m0s" # default`,
		"--sign-window 5m":                       `sign-window-past = "5m0s" # --sign-window`,
		"--sign-window 5m --sign-window-past 1h": `sign-window-past = "1h0m0s" # --sign-window-past`,
		"--sign-window-past 1h":                  `sign-window = "10m0s" # default`,
	} {
		r := invocation{args: append([]string{"serve", "--print-config"}, strings.Fields(args)...)}.run()
		if r.status != 0 || !strings.Contains(r.out, want) {
			t.Errorf("serve %s: no %s in\n%s%s", args, want, r.out, r.err)
		}
	}
}

func TestAFlagCountsBeforeAVariableAndThatBeforeTheFile(t *testing.T) {
	for _, c := range []struct {
		name, flag, variable, inFile string // of values; empty when not given
		want                         string
	}{
		{"listen", "", "", "", `listen = "127.0.0.1:8080" # default`},
		{"listen", "", "", `"h:1"`, `listen = "h:1" # FILE:1: listen`},
		{"listen", "", "h:2", `"h:1"`, `listen = "h:2" # PRISM_LISTEN`},
		{"listen", "h:3", "h:2", `"h:1"`, `listen = "h:3" # --listen`},
		{"listen", "h:3", "", "", `listen = "h:3" # --listen`},
		{"sign-window", "", "", `"1h"`, `sign-window = "1h0m0s" # FILE:1: sign-window`},
		{"sign-window", "", "2h", `"1h"`, `sign-window = "2h0m0s" # PRISM_SIGN_WINDOW`},
		{"sign-window", "10m", "2h", `"1h"`, `sign-window = "10m0s" # --sign-window`},
		{"limits.window", "", "", "7", `window = 7 # FILE:1: limits.window; `},
		{"limits.window", "", "8", "7", `window = 8 # PRISM_LIMITS_WINDOW; `},
		{"limits.window", "9", "8", "7", `window = 9 # --limits-window; `},
		{"retention.max-age", "", "", `"168h"`, `max-age = "168h0m0s" # FILE:1: retention.max-age; `},
		{"tls-cert", "", "", "", `tls-cert = "" # default`},
		{"trusted-proxies", "", "", `["127.0.0.1", "10.0.0.0/8"]`, `trusted-proxies = ["127.0.0.1", "10.0.0.0/8"] # FILE:1: trusted-proxies`},
		{"trusted-proxies", "", "::1,10.0.0.0/8", `["127.0.0.1"]`, `trusted-proxies = ["::1", "10.0.0.0/8"] # PRISM_TRUSTED_PROXIES`},
		{"trusted-proxies", "::1", "10.0.0.0/8", "", `trusted-proxies = ["::1"] # --trusted-proxies`},
		{"public-url", "", "", `"https://prism.example"`, `public-url = "https://prism.example" # FILE:1: public-url`},
		{"log-level", "", "", `"info"`, `log-level = "info" # FILE:1: log-level`},
		{"log-level", "", "debug", `"info"`, `log-level = "debug" # PRISM_LOG_LEVEL`},
		{"log-level", "", "", "", `log-level = "info" # default`},
	} {
		var args []string
		env := map[string]string{}
		file := ""
		if c.flag != "" {
			args = append(args, "--"+strings.ReplaceAll(c.name, ".", "-"), c.flag)
		}
		if c.variable != "" {
			env["PRISM_"+strings.ToUpper(strings.NewReplacer("-", "_", ".", "_").Replace(c.name))] = c.variable
		}
		if c.inFile != "" {
			file = inFile(t, "c.toml", c.name+" = "+c.inFile+"\n")
			args = append(args, "--config", file)
		}
		want := strings.ReplaceAll(c.want, "FILE", file)
		if got := configOf(t, env, args...); !strings.Contains("\n"+got, "\n"+want) {
			t.Errorf("%+v: %q is not in\n%s", c, want, got)
		}
	}
}

func TestTheVariableOfAllCommandsIsTheLogLevelOfServeToo(t *testing.T) {
	file := inFile(t, "c.toml", `log-level = "info"`)
	got := configOf(t, map[string]string{"PRISM_LOG": "error", "PRISM_CONFIG": file})
	if want := `log-level = "error" # PRISM_LOG` + "\n"; !strings.Contains(got, want) {
		t.Errorf("%q is not in\n%s", want, got)
	}
}

func TestAFlagStandsInPlaceOfTheListOfTheFile(t *testing.T) {
	file := inFile(t, "c.toml", "redirects = ['https://a.example/']\n[[binding]]\npattern = 'a'\n[[app]]\nid = 'one'\n[[user]]\nlogin = 'u'\npassword-file = 'p'\n")
	got := configOf(t, nil, "--config", file, "--bind", "b=c", "--redirect", "https://b.example/")
	for _, want := range []string{`pattern = "b"`, `id = "one"`, `login = "u"`, `redirects = ["https://b.example/"] # --redirect`, "# --bind\n", "# " + file + ": app\n"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is not in\n%s", want, got)
		}
	}
	if strings.Contains(got, `pattern = "a"`) {
		t.Errorf("the binding of the file is still there:\n%s", got)
	}
}

func TestWhatIsWrongInAConfigurationIsSaidWithItsPlace(t *testing.T) {
	for text, want := range map[string]string{
		"x = 1\nlisten = [":        ":2: ",
		"listen = ['a']":           ":1: listen: it must be one text in quotes",
		"data = true":              ":1: data: it must be one text in quotes",
		"[limits]\nwindow = '12'":  ":2: limits.window: it must be a whole number without quotes",
		"[limits]\nwindow = 1.5":   ":2: limits.window: it must be a whole number without quotes",
		"drain = 10":               `:1: drain: it must be a time in quotes, such as "10s"`,
		"log-level = 'loud'":       `:1: log-level: "loud" is no log level: use error, warn, info or debug`,
		"listen = 'h:65536'":       ":1: listen: address 65536: invalid port; write HOST:PORT",
		"[limits]\nwindow = 0":     ":2: limits.window is 0; it must be 1 or more, and 256 without it",
		"\n\nlisen = 'a:1'":        ":3: there is no setting lisen; did you mean listen?",
		"[limits]\nmax-bodi = 1":   ":2: there is no setting limits.max-bodi; did you mean limits.max-body?",
		"limits = 3":               ":1: there is no setting limits",
		"[nothing-like-it]\na = 1": ":1: there is no setting nothing-like-it\n",
		"[[user]]\nlogin = 'a'\n[[user]]\npasword-file = 'x'": ":4: there is no setting user.pasword-file; did you mean user.password-file?",
		"[[user]]\nlogin = 3":                                          "line 2",
		"replicas = 'many'":                                            ":1: replicas: it must be a whole number without quotes",
		"replicas = 9\nnats = 'n'":                                     ":1: replicas: 9 replicas",
		"data = 'a'\nnats = 'n'":                                       ":1: data and ",
		"sync = '1s'":                                                  ":1: sync: the time of syncing is that of a directory",
		"sync = 'never'\ndata = 'd'":                                   `:1: sync: "never" is no time to sync`,
		"nats-creds = 'f'":                                             ":1: nats-creds: credentials are for JetStream",
		"drain = '0s'":                                                 ":1: drain must be more than 0",
		"keep-history = 67108865":                                      ":1: keep-history must be 67108864 (64 MiB) at most",
		"drain-delay = '-1s'":                                          ":1: drain-delay must not be negative",
		"sign-window = '-1s'":                                          ":1: sign-window must not be negative",
		"sign-window-past = '-1s'":                                     ":1: sign-window-past must not be negative",
		"error-codes = 'x'":                                            `:1: error-codes: "x" is no kind of error codes`,
		"refuse-replays = true\nsign-window = '0s'":                    ":1: refuse-replays needs windows of signatures with an end",
		"listen = '8080'":                                              ":1: listen: address 8080: missing port",
		"admin-listen = '8080'":                                        ":1: admin-listen: address 8080: missing port",
		"tls-cert = 'f'":                                               "tls-cert and tls-key go together",
		"log-format = 'xml'":                                           `:1: log-format: "xml" is no format`,
		"[limits]\nwindow = -1":                                        ":2: limits.window is -1; it must be 1 to",
		"[limits]\nwindow = 3\nsmall-window = 4":                       ":3: limits.small-window is 4; it must be 1 to 3",
		"[limits]\nmax-messages = 0":                                   ":2: limits.max-messages is 0; it must be 1 or more, or -1",
		"[retention]\nmax-age = '-1h'":                                 ":2: retention.max-age must not be negative",
		"trusted-proxies = ['proxy.example']":                          `:1: trusted-proxies: "proxy.example" is no address and no prefix`,
		"trusted-proxies = 1":                                          ":1: trusted-proxies: it must be a list of texts",
		"public-url = 'prism.example'":                                 ":1: public-url: it must be a scheme and a host",
		"public-url = 'https://prism.example/api'":                     ":1: public-url: it must be a scheme and a host",
		"[limits]\nconnections = -1":                                   "limits.connections",
		"[[app]]\nname = 'x'":                                          "app, number 1: the ID of an app must be 1 to 64 letters",
		"[[app]]\nid = 'x'\n[[app]]\nid = 'x'":                         `app, number 2 ("x"): number 1 has the same id`,
		"[[app]]\nid = 'x/y'":                                          `app, number 1 ("x/y"): the ID of an app must be`,
		"[[app]]\nid = 'x'\npublish = ['a#']":                          `may publish: the pattern "a#" has a wildcard within a word`,
		"[[key]]\nid = 'x'\napp = '/'\nsecret-file = 'f'":              `key, number 1 ("x"): the ID of an app must be`,
		"[[app]]\nid = 'x'\nredirects = ['/']":                         "write a whole URL",
		"[[key]]\nid = 'x'":                                            `key, number 1 ("x"): the key needs an app and a secret-file`,
		"[[key]]\nid = 'x'\nsecret = 'abc'":                            "there is no setting key.secret",
		"[[binding]]\ntopic = 'x'":                                     "a binding needs a pattern",
		"limits.topic = 3\n[[binding]]\npattern = '#'\ntopic = 'four'": "binding, number 1: a pattern has at most 256 bytes and a topic 3",
		"[[user]]\nlogin = 'x'":                                        "needs either a password-file or a password-hash",
		"[[user]]\nlogin='x'\npassword-file='a'\n[[user]]\nlogin='x'\npassword-file='a'": `user, number 2 ("x"): number 1 has the same name`,
	} {
		ownLevel := map[string]string{"PRISM_LOG": ""} // the file's, which is in question, too
		r := invocation{args: []string{"serve", "--config", inFile(t, "c.toml", text)}, env: ownLevel}.run()
		if r.status != exitUsage || !strings.Contains(r.err, want) || !strings.Contains(r.err, "Read: prismctl serve --help") {
			t.Errorf("%q: exit status %d, %q, want %q", text, r.status, r.err, want)
		}
	}
	r := invocation{args: []string{"serve"}, env: map[string]string{"PRISM_DRAIN": "soon"}}.run()
	r.want(t, exitUsage, "", "PRISM_DRAIN: ")
	r = invocation{args: []string{"serve", "--config", "/nowhere"}}.run()
	r.want(t, exitUsage, "", "the configuration cannot be read")
}

func TestAVariableThatIsASlipIsWarnedOf(t *testing.T) {
	for name, meant := range map[string]string{
		"PRISM_LISTN": "PRISM_LISTEN", "PRISM_SIGNWINDOW": "PRISM_SIGN_WINDOW", "PRISM_LIMITS_MAX_BODI": "PRISM_LIMITS_MAX_BODY",
		"PRISM_LOGLEVEL": "PRISM_LOG_LEVEL", "PRISM_TLS_CRT": "PRISM_TLS_CERT",
		"PRISM_TOKEN": "", "PRISM_URL": "", "PRISM_SERVICE_HOST": "", "PRISM_PORT": "", "PRISM_PORT_8080_TCP_ADDR": "", "OTHER_LISTN": "",
	} {
		want := ""
		if meant != "" {
			want = "prismctl: WARNING: " + name + " is no setting and does nothing; did you mean " + meant + "?\n"
		}
		s := serve(t, map[string]string{name: "1"})
		if r := s.stop(); r.status != exitDone || r.err != want {
			t.Errorf("%s: %d %q, want %q", name, r.status, r.err, want)
		}
	}
}

func TestTheExampleIsAConfiguration(t *testing.T) {
	example := filepath.Join("..", "..", "deploy", "prismctl.toml")
	got := configOf(t, nil, "--config", example)
	for _, want := range []string{`data = "/var/lib/prism" # `, `admin-listen = "127.0.0.1:9090" # `, "max-age = \"0s\" # "} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is not in\n%s", want, got)
		}
	}
	text, err := os.ReadFile(example)
	if err != nil {
		t.Fatal(err)
	}
	// What is commented out is right too, but for one of the two places.
	whole := regexp.MustCompile(`(?m)^# (\[\[|[a-z-]+ = )`).ReplaceAllString(string(text), "$1")
	whole = regexp.MustCompile(`(?m)^data = .*$`).ReplaceAllString(whole, "")
	got = configOf(t, nil, "--config", inFile(t, "whole.toml", whole))
	for _, want := range []string{"replicas = 3 # ", `backend = ["shop=http://127.0.0.1:9000"] # `, "refuse-replays = true # ", `id = "shop1"`, `login = "alice"`, `pattern = "order.#"`, `admin-key = "operator" # `} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is not in\n%s", want, got)
		}
	}
}

// settingsWithDefaults returns all settings of serve with what counts where nothing is said.
func settingsWithDefaults(t *testing.T) map[string]string {
	t.Helper()
	all, table := make(map[string]string), ""
	for line := range strings.Lines(configOf(t, nil)) {
		if m := regexp.MustCompile(`^\[([a-z]+)\]$`).FindStringSubmatch(strings.TrimSpace(line)); m != nil {
			table = m[1] + "."
		}
		if m := regexp.MustCompile(`^([a-z-]+) = (.*?) # default`).FindStringSubmatch(line); m != nil {
			all[table+m[1]] = strings.Trim(strings.Trim(m[2], `"`), "[]")
		}
	}
	if len(all) < 70 {
		t.Fatalf("only %d settings are found", len(all))
	}
	return all
}

func TestTheManualHasEachSettingWithItsDefault(t *testing.T) {
	_, chapter, _ := strings.Cut(project(t, "docs/operations.md"), "\n## Settings\n")
	chapter, _, _ = strings.Cut(chapter, "\n## ")
	told := make(map[string]string)
	for _, row := range regexp.MustCompile("(?m)^\\| `([a-z.-]+)` \\|(?: `(.*?)`)? \\|").FindAllStringSubmatch(chapter, -1) {
		told[row[1]] = row[2]
	}
	all := settingsWithDefaults(t)
	for name, value := range all {
		got, ok := told[name]
		if d, err := time.ParseDuration(value); err == nil {
			if same, err := time.ParseDuration(got); err == nil && same == d {
				continue
			}
		}
		if !ok || got != value {
			t.Errorf("docs/operations.md has no row | `%s` | `%s` | ... | but one with the default %q", name, value, got)
		}
	}
	for name := range told {
		if _, ok := all[name]; !ok && name != "redirects" {
			t.Errorf("docs/operations.md has a row of %s, which is no setting", name)
		}
	}
	for _, list := range []any{settings.Lists{}, settings.App{}, settings.Key{}, settings.Binding{}, settings.User{}} {
		of := reflect.TypeOf(list)
		for i := range of.NumField() {
			if name, _, _ := strings.Cut(of.Field(i).Tag.Get("toml"), ","); !strings.Contains(chapter, "`"+name+"`") && !strings.Contains(chapter, "`[["+name+"]]`") {
				t.Errorf("docs/operations.md does not have %s of %s", name, of)
			}
		}
	}
}

// The limits have a manual; who sets up a server finds everything else in the example.
func TestTheExampleHasEachSettingButLimits(t *testing.T) {
	example := project(t, "deploy/prismctl.toml")
	for name := range settingsWithDefaults(t) {
		if _, limit, ok := strings.Cut(name, "limits."); ok && limit != "" {
			continue
		}
		_, name = path.Split(strings.ReplaceAll(name, ".", "/"))
		if !regexp.MustCompile(`(?m)^(# +)?` + name + ` = `).MatchString(example) {
			t.Errorf("deploy/prismctl.toml does not have %s", name)
		}
	}
}

// unsourced are the lines of a printed configuration without the sources.
func unsourced(text string) string {
	return regexp.MustCompile(`(?m) *# .*$`).ReplaceAllString(text, "")
}

func TestWhatIsPrintedIsAConfigurationOfTheSame(t *testing.T) {
	env := map[string]string{"PRISM_DATA": "/data dir/\"x\"", "PRISM_LIMITS_MAX_BYTES": "-1", "PRISM_LOG": "info"}
	first := configOf(t, env, "--sync", "5ms", "--bind", "a.#=x", "--bind", "#=", "--app", "shop=The shop", "--app-key", "k:shop:/f:1",
		"--user", "alice:/p", "--redirect", "https://x.example/?a=b", "--retention-max-age", "3h", "--admin-key", "op", "--admin-secret-file", "/s")
	second := configOf(t, nil, "--config", inFile(t, "c.toml", first))
	if unsourced(first) != unsourced(second) {
		t.Errorf("printed\n%s\nbut then\n%s", first, second)
	}
}

func TestAPrintedConfigurationHasNoSecret(t *testing.T) {
	const secret = "ucr72ygfutspqeuu6s36"
	env := map[string]string{
		"PRISM_KEY": "k", "PRISM_SECRET": secret, "PRISM_ADMIN_KEY": "op", "PRISM_ADMIN_SECRET": secret,
		"PRISM_NATS": "nats://user:" + secret + "@h1:4222,nats://" + secret + "@h2",
	}
	file := inFile(t, "c.toml", "[[user]]\nlogin = 'a'\npassword-hash = '"+secret+"'\n")
	got := configOf(t, env, "--config", file)
	if strings.Contains(got, secret) {
		t.Errorf("a secret is in\n%s", got)
	}
	for _, want := range []string{`nats = "nats://***@h1:4222,nats://***@h2" # PRISM_NATS`, `password-hash = "***"`, "# the key k is from PRISM_KEY\n", "# the secret of admin-key is from PRISM_ADMIN_SECRET\n"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is not in\n%s", want, got)
		}
	}
}

func TestAPasswordHashIsNeitherCheapNorADayOfWork(t *testing.T) {
	good, err := platform.HashPassword("x", platform.MinIterations)
	if err != nil {
		t.Fatal(err)
	}
	for n, ok := range map[string]bool{"1": false, "99999": false, "100000": true, "10000000": true, "10000001": false, "100000000": false} {
		hash := strings.Replace(good, "$100000$", "$"+n+"$", 1)
		file := filepath.Join(t.TempDir(), "prismctl.toml")
		if err := os.WriteFile(file, []byte("[[user]]\nlogin = \"alice\"\npassword-hash = \""+hash+"\"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		r := invocation{args: []string{"serve", "--config", file, "--print-config"}}.run()
		if ok != (r.status == exitDone) || !ok && (!strings.Contains(r.err, "iterations") || strings.Contains(r.err, hash)) {
			t.Errorf("%s iterations: %+v", n, r)
		}
	}
}
