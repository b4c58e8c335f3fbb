package main

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/shopex/prism-go/platform"
	"github.com/shopex/prism-go/prismtest"
)

// What is wrong is said in one sentence, or in a line for each fault, with the exit status
// that the help has, wherever it comes in.
func TestWhatIsWrongIsSaidAtEveryDoorOfAPIAndUser(t *testing.T) {
	srv := prismtest.NewServer(t)
	srv.AddUser(platform.User{ID: "7", Login: "ann"}, "secret")
	dir := t.TempDir()
	put(t, dir, map[string]string{
		"good.json": aPrefix("shop"), "other.json": aPrefix("other"), "own.json": `{"prefix":"platform","url":"http://127.0.0.1:1/"}`,
		"fault.json": "{\n  \"prefix\": \"p\",\n  \"mode\": \"sideways\"\n}", "syntax.json": "{\n \"prefix\": \"p\",\n}",
		"gbk.json": "{\"prefix\": \"\xc9\xcc\"}", "large.json": strings.Repeat(" ", 5<<20), "empty/readme.md": "", "list/api.txt": "#apilist\n/etc/passwd\n",
		"several/a.json": aPrefix("a"), "several/b.json": aPrefix("b"), "same/a.json": aPrefix("a"), "same/b.json": aPrefix("a"), "value": "s3cret", "empty.txt": "\n",
	})
	with(srv, "api", "import", filepath.Join(dir, "good.json")).want(t, exitDone, "shop has 0 APIs and is off line\n", "")
	with(srv, "api", "import", filepath.Join(dir, "other.json")).want(t, exitDone, "other has 0 APIs and is off line\n", "")
	type door struct {
		args   string // DIR is the directory
		status int
		err    string
	}
	doors := []door{
		{"api import DIR/empty", exitUsage, "neither api.txt nor a file whose name ends in .json"},
		{"api import DIR/same", exitUsage, "b.json: the prefix a is that of"},
		{"api import DIR/list", exitUsage, "passwd: "},
		{"api import DIR/own.json", exitRefused, "own.json:1:11: prefix"},
		{"api import http://127.0.0.1:1/api.json", exitRefused, "fetch_failed"},
		{"api import http://ann:s3cret@127.0.0.1/", exitUsage, "must not have a user or password"},
		{"api import http://ann:s3cret@[127.0.0.1/", exitUsage, "it is no URL"},
		{"api import DIR/good.json --app nobody", exitRefused, "unknown_app"},
		{"api refresh shop DIR/other.json --force", exitRefused, "prefix_taken"},
		{"api refresh shop DIR/several", exitUsage, "has several files: name one"},
		{"api refresh shop http://127.0.0.1:1/", exitUsage, "is no file of this machine"},
		{"api refresh shop", exitRefused, "imported as text"},
		{"api gen nothing", exitRefused, "unknown_service"},
		{"api gen DIR/good.json --package func", exitUsage, "is no name of a Go package"},
		{"api gen http://127.0.0.1:1/", exitUsage, "is no file of this machine"},
		{"api restore shop", exitRefused, "no api.json of before"},
		{"api config shop token", exitUsage, "argument 1 of the values is none"},
		{"api config shop token=@DIR/none", exitUsage, "the value cannot be read"},
		{"api config shop token=@DIR/empty.txt", exitUsage, "is empty"},
		{"api node shop 7", exitUsage, "give either values"},
		{"api node shop 7 @url=DIR/good.json", exitRefused, "invalid_parameter"},
		{"api bind shop nobody", exitRefused, "unknown_app"},
		{"api bind shop test --limit many", exitUsage, "is no limit"},
		{"api unbind shop test", exitRefused, "is not bound to shop"},
		{"api bound nobody", exitRefused, "unknown_app"},
		{"user sessions nobody", exitUsage, "there is no user nobody"},
		{"user sessions nobody --end", exitRefused, "unknown_user"},
		{"user password ann --password-file DIR/none", exitUsage, "the password cannot be read"},
		{"user password ann --password-file DIR/empty.txt", exitUsage, "is empty"},
	}
	for _, command := range []string{"import", "check", "fmt", "openapi", "gen", "refresh shop", "diff DIR/good.json"} {
		missing, refused := exitUsage, "DIR/"
		if command == "check" {
			missing, refused = exitRefused, "" // its output is the faults
		}
		doors = append(doors,
			door{"api " + command + " DIR/none.json", missing, "no such file"},
			door{"api " + command + " DIR/fault.json", exitRefused, refused + "fault.json:3:11: "},
			door{"api " + command + " DIR/syntax.json", exitRefused, refused + "syntax.json:2:15: "},
			door{"api " + command + " DIR/gbk.json", exitRefused, refused + "gbk.json:1:13: this is no UTF-8"},
		)
	}
	for _, command := range []string{"import", "fmt"} {
		doors = append(doors, door{"api " + command + " DIR/large.json", exitRefused, "DIR/large.json:1:1: the file has more bytes than it may have, which is 4194304"})
	}
	for _, command := range []string{"api online", "api offline", "api delete", "api restore", "api refresh", "api gen", "api config", "user disable", "user enable", "user delete"} {
		name := map[bool]string{true: "unknown_user", false: "unknown_service"}[strings.HasPrefix(command, "user")]
		doors = append(doors, door{command + " nothing", exitRefused, name})
	}
	for _, command := range []string{"api import DIR/good.json", "api gen nothing", "user disable ann"} {
		doors = append(doors, door{command + " --url http://127.0.0.1:1/api", exitUnreachable, "Is it running? Check PRISM_URL"})
	}
	for _, d := range doors {
		args := strings.Fields(strings.ReplaceAll(d.args, "DIR", dir))
		r := invocation{args: args, env: of(srv), in: strings.NewReader("another password\n")}.run()
		said := r.err
		if args[1] == "check" {
			said = r.out
		}
		if want := strings.ReplaceAll(d.err, "DIR", dir); r.status != d.status || !strings.Contains(said, want) {
			t.Errorf("%s: %+v, want %d and %q", d.args, r, d.status, want)
		}
		if strings.Count(r.err, "\n") > 3 || strings.Contains(r.err, "goroutine ") || strings.Contains(r.err, "s3cret") || strings.Contains(r.err, srv.Secret()) {
			t.Errorf("%s says too much: %s", d.args, r.err)
		}
	}
}
