package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/alecthomas/kong"

	"github.com/shopex/prism-go"
	"github.com/shopex/prism-go/prismtest"
)

func TestWrongUseExits2AndSaysWhatIsWrong(t *testing.T) {
	complete := map[string]string{"PRISM_URL": "http://127.0.0.1:1/api", "PRISM_KEY": "k", "PRISM_SECRET": "s"}
	empty := filepath.Join(t.TempDir(), "empty")
	if err := os.WriteFile(empty, []byte("\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	without := func(name string) map[string]string {
		env := map[string]string{}
		for n, v := range complete {
			if n != name {
				env[n] = v
			}
		}
		return env
	}
	for _, c := range []struct {
		args string
		env  map[string]string
		err  string
	}{
		{"nix", complete, "unexpected argument nix"},
		{"get", complete, "Read: prismctl get --help"},
		{"get a --nix", complete, "unknown flag --nix"},
		{"publish order.new -5", complete, "An argument that begins with - stands behind --"},
		{"publish order.new x --type", complete, "--type: expected string value but there is none"},
		{"get a b", complete, `"b" is no parameter: write name=value`},
		{"get a =b", complete, `"=b" is no parameter`},
		{"get a -H b", complete, `"b" is no header`},
		{"get a -H Authorization:x", complete, "PRISM_TOKEN"},
		{"get a client_id=1", complete, "leave it out"},
		{"get a/../b", complete, "give the plain path"},
		{"get http://x/api/a", complete, "whole URL"},
		{"get a", without("PRISM_URL"), "set PRISM_URL or give --url"},
		{"get a", without("PRISM_KEY"), "set PRISM_KEY or give --key"},
		{"get a", without("PRISM_SECRET"), "set PRISM_SECRET or give --secret-file"},
		{"get a --url ws://x/api", complete, "PRISM_URL (or --url) is a WebSocket URL"},
		{"get a --secret-file /nowhere", complete, "the secret cannot be read"},
		{"get a --secret-file " + empty, complete, "is empty"},
		{"get a --as-user --token t", complete, "--token and --as-user can't be used together"},
		{"login --port 70000", complete, "--port"},
		{"login --port x", complete, "--port"},
		{"login --timeout=-1s", complete, "--timeout must not be negative"},
		{"login alice", complete, "unexpected argument alice"},
		{"login", without("PRISM_URL"), "set PRISM_URL or give --url"},
		{"logout", without("PRISM_KEY"), "set PRISM_KEY or give --key"},
		{"whoami", without("PRISM_SECRET"), "set PRISM_SECRET or give --secret-file"},
		{"get a --timeout x", complete, "--timeout: \"x\" is no duration"},
		{"get a --timeout 5", complete, "--timeout: 5 has no unit: write 5s for seconds"},
		{"get a --url 127.0.0.1:8080/api", complete, "PRISM_URL (or --url) must begin with https:// or http://"},
		{"get a b=@", complete, "there is no file behind @"},
		{"get a b=@/nowhere", complete, "parameter b: open /nowhere"},
		{"get a b=@- c=@-", complete, "only one parameter can be read from standard input"},
		{"get a --timeout -1s", complete, "--timeout"},
		{"get a --timeout=-1s", complete, "--timeout must not be negative"},
		{"get a -v loud", complete, `"loud" is no log level`},
		{"version --output xml", complete, `"xml" is no format`},
		{"publish", complete, "the routing key is empty"},
		{"publish k", complete, "there is no body"},
		{"publish k body --lines", complete, "leave the body out"},
		{"consume -n 0", complete, "-n must be 1 or more"},
		{"consume -n -3", complete, "Read: prismctl consume --help"},
		{"consume -n x", complete, "--count"},
		{"consume --timeout=-1s", complete, "--timeout must not be negative"},
		{"consume --ping=-1s", complete, "--ping must not be negative"},
		{"consume " + strings.Repeat("t", 300), complete, "topic of 300 bytes"},
		{"publish " + strings.Repeat("k", 300) + " b", complete, "routing key of 300 bytes"},
		{"queue", complete, "expected one of"},
		{"queue create", complete, "the topic is empty"},
		{"queue bind orders", complete, "the pattern is empty"},
		{"queue write", complete, "topic-or-message"},
		{"queue write orders a b", complete, "unexpected argument b"},
		{"queue write orders a --topic paid", complete, "either before the message or by --topic"},
		{"queue write orders\xb6 a", complete, "is no UTF-8"},
		{"queue read -n 0", complete, "-n must be 1 or more"},
		{"queue peek -n 0", complete, "-n must be 1 or more"},
		{"queue limit --overflow drop", complete, "use refuse, drop-oldest, drop-newest or default"},
		{"queue limit --max-messages=-1", complete, "must not be negative"},
		{"queue limit --max-bytes x", complete, "--max-bytes"},
		{"app", complete, "expected one of"},
		{"app create", complete, "expected \"<name>\""},
		{"app show", complete, "the ID of the app is empty"},
		{"app publish shop", complete, "there is no pattern"},
		{"app publish shop # --none", complete, "exclude each other"},
		{"app listen shop", complete, "there is no pattern"},
		{"app show ..", complete, "segment"},
		{"key create shop --expires tomorrow", complete, "\"tomorrow\" is no time"},
		{"key create shop --expires=-1h", complete, "is no time"},
		{"key create shop --expires 2020-01-01", complete, "has passed already"},
		{"key create shop --expires 2020-01-01T00:00:00Z", complete, "has passed already"},
		{"key create shop --meta a", complete, "--meta"},
		{"key delete", complete, "the key is empty"},
		{"sign", complete, "the method must be"},
		{"sign GET", complete, "whole path"},
		{"sign get /api/x", complete, "in capitals"},
		{"sign GET api/x", complete, "whole path"},
		{"sign GET /api/%zz", complete, "the path"},
		{"sign GET /api/x?a=%zz", complete, "the query of the path"},
		{"sign GET /api/x a", complete, "name=value"},
		{"sign GET /api/x", without("PRISM_SECRET"), "set PRISM_SECRET"},
		{"sign - /api/x", complete, "leave the rest out"},
		{"serve --listen 127.0.0.1", complete, "write HOST:PORT"},
		{"serve --sign-window=-1s", complete, "0 accepts any age"},
		{"serve --bind order.#", complete, "write PATTERN=TOPIC"},
		{"serve --bind =orders", complete, "write PATTERN=TOPIC"},
		{"serve --user alice", complete, "write NAME:FILE"},
		{"serve --user :file", complete, "write NAME:FILE"},
		{"serve --user alice:", complete, "write NAME:FILE"},
		{"serve --user alice:a --user alice:b", complete, `--user, number 2 ("alice"): number 1 has the same name`},
		{"serve --listen 127.0.0.1:0 --user alice:/nowhere", complete, "--user alice: the password cannot be read"},
		{"serve --listen 127.0.0.1:0 --user alice:" + empty, complete, "is empty"},
		{"serve --redirect /callback", complete, "write a whole URL"},
		{"serve --redirect http://127.0.0.1/#x", complete, "write a whole URL"},
		{"serve --redirect http://a:b@127.0.0.1/", complete, "write a whole URL"},
		{"serve", without("PRISM_KEY"), "only one of PRISM_KEY and PRISM_SECRET is set"},
		{"serve", without("PRISM_SECRET"), "only one of PRISM_KEY and PRISM_SECRET is set"},
		{"serve", map[string]string{"PRISM_KEY": "a b", "PRISM_SECRET": "s"}, "white space"},
	} {
		t.Run(c.args, func(t *testing.T) {
			invocation{args: strings.Fields(c.args), env: c.env}.run().want(t, exitUsage, "", c.err)
		})
	}
}

func TestEmptyAndBrokenArgumentsAreWrongUse(t *testing.T) {
	env := map[string]string{"PRISM_URL": "http://127.0.0.1:1/api", "PRISM_KEY": "k", "PRISM_SECRET": "s"}
	for _, c := range []struct {
		args []string
		err  string
	}{
		{[]string{"publish", "", "body"}, "the routing key is empty"},
		{[]string{"publish", "order.new\n", "body"}, "the routing key has a line break"},
		{[]string{"publish", "order.new", "body", "--type", "text/plain\r\nX: y"}, "--type has a line break"},
		{[]string{"queue", "create", ""}, "the topic is empty"},
		{[]string{"queue", "drop", ""}, "the topic is empty"},
		{[]string{"queue", "bind", "orders", ""}, "the pattern is empty"},
		{[]string{"app", "show", ""}, "the ID of the app is empty"},
		{[]string{"app", "publish", "", "#"}, "the ID of the app is empty"},
		{[]string{"key", "create", ""}, "the ID of the app is empty"},
		{[]string{"key", "show", ""}, "the key is empty"},
	} {
		invocation{args: c.args, env: env}.run().want(t, exitUsage, "", c.err)
	}
}

func TestHelpTeachesByExample(t *testing.T) {
	for _, command := range []string{
		"demo", "serve", "backup", "restore", "login", "logout", "whoami", "get", "post", "put", "delete", "publish", "consume", "bench", "queue", "queue bind", "queue bindings", "queue limit", "queue peek", "queue read", "app", "app create", "app publish", "app listen", "key", "key create", "sign", "hash-password", "api check", "api fmt", "api diff", "api openapi",
	} {
		args := strings.Fields(command)
		r := invocation{args: append(args, "--help")}.run()
		if r.status != exitDone || !strings.Contains(r.out, "\n    prismctl "+args[0]) {
			t.Errorf("%s: exit status %d, and no example in\n%s", command, r.status, r.out)
		}
		if other := (invocation{args: append([]string{"help"}, args...)}).run(); other != r {
			t.Errorf("help %s is not %s --help", command, command)
		}
	}
	for _, args := range [][]string{nil, {"--help"}} {
		invocation{args: args}.run().want(t, exitDone, invocation{args: []string{"help"}}.run().out, "")
	}
}

func TestACommandThatIsBuiltAloneIsTheSameAsAmongAll(t *testing.T) {
	all := modelOf(t)
	for _, among := range all.Children {
		alone := modelOf(t, among.Name)
		if len(alone.Children) != 1 {
			t.Errorf("%s: %d commands are built, want that one alone", among.Name, len(alone.Children))
			continue
		}
		if got, want := shape(alone.Children[0]), shape(among); got != want {
			t.Errorf("alone it is\n%s\nand among all\n%s", got, want)
		}
	}
	if unknown := modelOf(t, "quque"); len(unknown.Children) != len(all.Children) {
		t.Errorf("for a word that is no command %d of %d commands are built", len(unknown.Children), len(all.Children))
	}
}

func modelOf(t *testing.T, args ...string) *kong.Application {
	t.Helper()
	var c commands
	grammar, one := c.named(args)
	parser, err := kong.New(grammar, one, asGiven(), withUnit(), kong.Bind(&tool{}))
	if err != nil {
		t.Fatal(err)
	}
	return parser.Model
}

// shape returns what help shows of a command and of those below it.
func shape(node *kong.Node) string {
	var b strings.Builder
	fmt.Fprintln(&b, node.Path(), node.Help, node.Group, node.Aliases)
	for _, flags := range node.AllFlags(false) {
		for _, flag := range flags {
			fmt.Fprintln(&b, flag, flag.Help)
		}
	}
	for _, child := range node.Children {
		b.WriteString(shape(child))
	}
	return b.String()
}

func TestVersionIsThatOfTheModule(t *testing.T) {
	if r := (invocation{args: []string{"version"}}).run(); r != (invocation{args: []string{"--version"}}).run() || !strings.HasPrefix(r.out, "prismctl "+prism.Version+" ") {
		t.Errorf("printed %q", r.out)
	}
	if r := (invocation{args: []string{"version", "--output", "json"}}).run(); !strings.HasPrefix(r.out, `{"version":"`+prism.Version+`"`) {
		t.Errorf("printed %q", r.out)
	}
}

func TestTheSecretComesFromAFileAndIsNeverShown(t *testing.T) {
	srv := prismtest.NewServer(t)
	file := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(file, []byte(srv.Secret()+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	env := of(srv)
	env["PRISM_SECRET"] = "another"
	env["PRISM_TOKEN"] = "user-token-1"
	for _, args := range [][]string{
		{"get", "platform/notify/status", "-v", "debug", "--secret-file", file},
		{"get", "nothing/here", "-v", "debug", "--secret-file", file},
		{"publish", "order.new", "x", "-v", "debug", "--secret-file", file},
		{"consume", "-n", "1", "-v", "debug", "--secret-file", file},
		{"sign", "GET", "/api/x", "-H", "Authorization: user-token-1", "--secret-file", file},
	} {
		r := invocation{args: args, env: env}.run()
		if want := map[bool]int{true: exitRefused, false: exitDone}[args[1] == "nothing/here"]; r.status != want {
			t.Errorf("%v: exit status %d, %s", args, r.status, r.err)
		}
		for _, hidden := range []string{srv.Secret(), "user-token-1"} {
			if strings.Contains(r.out+r.err, hidden) {
				t.Errorf("%v shows %s in\n%s%s", args, hidden, r.out, r.err)
			}
		}
	}
}

func TestTheLogIsSilentUnlessAskedFor(t *testing.T) {
	srv := prismtest.NewServer(t)
	env := of(srv)
	invocation{args: []string{"queue", "create", "a"}, env: env}.run().want(t, exitDone, "created queue a\n", "")
	env["PRISM_LOG"] = "debug"
	invocation{args: []string{"queue", "create", "a"}, env: env}.run().want(t, exitDone, "created queue a\n", "level=DEBUG")
}
