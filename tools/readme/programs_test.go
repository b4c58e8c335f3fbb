package readme

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/shopex/prism-go/notify"
	"github.com/shopex/prism-go/platform"
	"github.com/shopex/prism-go/prismtest"
)

// goMod is the reader's module, after the steps of the chapter on installing.
const goMod = `module example.com/shop

go 1.26

require github.com/shopex/prism-go v0.0.0

replace github.com/shopex/prism-go => %q
`

// pieceFile is a file for code that is a piece of a function.
const pieceFile = `package pieces

import (
	"context"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"net/http/httptest"
	"os"
	"time"

	prism "github.com/shopex/prism-go"
	"github.com/shopex/prism-go/notify"
	"github.com/shopex/prism-go/platform"
	"github.com/shopex/prism-go/prismtest"
	"github.com/shopex/prism-go/provider"
)

func piece%d(ctx context.Context, p *provider.Provider, config prism.Config, client *prism.Client, consumer *notify.Consumer, publisher *notify.Publisher, body []byte, srv *prismtest.Server, shop *httptest.Server) error {
	var getOrder, closeOrder func(context.Context, struct{}) (string, error)
	_, _, _, _, _, _, _, _, _ = errors.Is, fmt.Print, log.Print, slog.New, os.Stderr, time.Now, platform.New, getOrder, closeOrder
%s
	return nil
}
`

const providing = "docs/provider.md"

// tracing is a page about contrib/otel, which is a module of its own.
const tracing = "docs/tracing.md"

const tracingMod = `
require github.com/shopex/prism-go/contrib/otel v0.0.0

replace github.com/shopex/prism-go/contrib/otel => %q
`

const tracingPiece = `package pieces

import (
	"net/http"

	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"

	prism "github.com/shopex/prism-go"
	otelprism "github.com/shopex/prism-go/contrib/otel"
	"github.com/shopex/prism-go/notify"
)

func piece%d(server, key, secret string, config prism.Config) error {
	var err error
	var _ http.RoundTripper = otelhttp.NewTransport(nil)
	_, _ = otelprism.New, notify.NewConsumer
%s
	_ = []any{%s}
	return err
}
`

var declared = regexp.MustCompile(`(?m)^(\w+), err :=`)

// around returns the file around a piece of a page.
func around(page string, i int, code string) string {
	if page != tracing {
		return fmt.Sprintf(pieceFile, i, code)
	}
	var names []string // a reader goes on with them
	for _, found := range declared.FindAllStringSubmatch(code, -1) {
		names = append(names, found[1])
	}
	return fmt.Sprintf(tracingPiece, i, code, strings.Join(names, ", "))
}

// sums returns the go.sum of modules.
func sums(t *testing.T, modules ...string) (text string) {
	t.Helper()
	for _, module := range modules {
		of, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(module), "go.sum"))
		if err != nil {
			t.Fatal(err)
		}
		text += string(of)
	}
	return text
}

// module writes all Go code of a page into a module of its own.
func module(t *testing.T, page string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	above, err := filepath.Abs(root)
	if err != nil {
		t.Fatal(err)
	}
	mod, modules := fmt.Sprintf(goMod, above), []string{"."}
	if page == tracing {
		mod += fmt.Sprintf(tracingMod, filepath.Join(above, "contrib", "otel"))
		modules = append(modules, "contrib/otel")
	}
	write(t, dir, "go.mod", mod)
	write(t, dir, "go.sum", sums(t, modules...))
	for i, b := range read(t, page).blocks {
		if b.language != "go" {
			continue
		}
		name, code := b.file(page, i)
		write(t, dir, name, code)
	}
	return dir
}

// file returns the file that the first line of a program names, or one around
// a piece.
func (b block) file(page string, i int) (name, code string) {
	first, _, _ := strings.Cut(b.code, "\n")
	if name, ok := strings.CutPrefix(first, "// "); ok && strings.HasSuffix(name, ".go") {
		return name, b.code
	}
	return fmt.Sprintf("pieces/piece%d.go", i), around(page, i, b.code)
}

func write(t *testing.T, dir, name, content string) {
	t.Helper()
	path := filepath.Join(dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

// command is a go command in the reader's module.
func command(t *testing.T, dir string, args ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=-mod=mod")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

func TestAllCodeCompilesInAModuleOfItsOwn(t *testing.T) {
	for _, page := range []string{english, chinese, "docs/delivery.md", "docs/delivery.zh-CN.md", providing, tracing} {
		t.Run(page, func(t *testing.T) { command(t, module(t, page), "vet", "./...") })
	}
}

func TestTheTestOfTheReadmePasses(t *testing.T) {
	command(t, module(t, english), "test", "./shop")
}

func TestTheTestOfTheProviderPasses(t *testing.T) {
	command(t, module(t, providing), "test", "./orders")
}

func TestTheProgramsDoWhatTheReadmeSays(t *testing.T) {
	dir := module(t, english)
	bin := t.TempDir() + string(filepath.Separator)
	command(t, dir, "build", "-o", bin, "./call", "./publish", "./consume")
	buildTool(t, bin)
	srv := prismtest.NewServer(t)
	keys := provision(t, srv, bin)
	if len(keys) != 2 {
		t.Fatalf("the README makes %d keys, want one for the shop and one for the ERP", len(keys))
	}
	shop, erp := keys[0], keys[1]

	if got, want := output(t, program(srv, bin+"call")), "1 messages, 0 consumers\n"; got != want {
		t.Errorf("call printed %q, want %q", got, want)
	}
	if got, want := output(t, programOf(srv, shop, bin+"publish")), "published 11 messages\n"; got != want {
		t.Errorf("publish printed %q, want %q", got, want)
	}
	if got, want := consume(t, srv, programOf(srv, erp, bin+"consume"), 11), "order.new: hello world\norder.paid: {\"id\": 0}\n"; !strings.HasPrefix(got, want) {
		t.Errorf("consume printed %q, want %q first", got, want)
	}
	for _, key := range keys {
		if s, err := notify.NewQueueClient(srv.ClientFor(key)).Status(t.Context(), ""); err != nil || s.Messages != 0 {
			t.Errorf("the default queue of a key of %s is %+v, %v, want an empty one", key.App, s, err)
		}
	}
}

// word is one of a command line, which may be in quotes.
var word = regexp.MustCompile(`'([^']*)'|(\S+)`)

// provision makes apps and keys by the command lines of the README, and returns the keys.
func provision(t *testing.T, srv *prismtest.Server, bin string) (keys []platform.Key) {
	t.Helper()
	for _, lines := range linesAfterBuild(t) {
		if !strings.HasPrefix(lines, "bin/prismctl app create ") {
			continue
		}
		for line := range strings.Lines(lines) {
			var args []string
			for _, m := range word.FindAllStringSubmatch(line, -1)[1:] {
				args = append(args, m[1]+m[2])
			}
			made := output(t, program(srv, bin+"prismctl", append(args, "--output", "json")...))
			if args[0] == "key" {
				keys = append(keys, keyIn(t, made))
			}
		}
	}
	return keys
}

// keyIn reads what key create prints.
func keyIn(t *testing.T, text string) platform.Key {
	t.Helper()
	var made struct{ Key, App, Secret string }
	if err := json.Unmarshal([]byte(text), &made); err != nil {
		t.Fatalf("key create printed %q: %v", text, err)
	}
	return platform.Key{ID: made.Key, App: made.App, Secret: made.Secret}
}

// The page of the fourth program is for users who are logged in.
func TestTheLoginOfTheReadmeWorks(t *testing.T) {
	dir := module(t, english)
	address := freePort(t, filepath.Join(dir, "login", "main.go"), "127.0.0.1:3000")
	bin := t.TempDir() + string(filepath.Separator)
	command(t, dir, "build", "-o", bin, "./login")
	srv := prismtest.NewServer(t)
	srv.AddUser(platform.User{ID: "7", Login: "alice"}, "a password")
	srv.AllowRedirect("http://127.0.0.1/auth/callback", "http://127.0.0.1/")
	start(t, program(srv, bin+"login"), "open http://"+address+"/")
	awaitListener(t, address)

	browser := srv.Browser()
	page := text(t, srv.SignIn(browser, "http://"+address+"/", "alice", "a password"))
	if want := "Hello, alice. There are 0 messages."; !strings.Contains(page, want) {
		t.Errorf("the page is %q, want %q in it", page, want)
	}
	res, err := browser.Post("http://"+address+"/logout", "", nil)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	res, err = browser.Get("http://" + address + "/")
	if err != nil {
		t.Fatal(err)
	}
	if again := text(t, res); strings.Contains(again, "alice") {
		t.Errorf("after the logout the page is still %q", again)
	}
}

// The fifth program is a backend, whose APIs the lines below it offer, call and take back.
func TestTheAPIsOfTheReadmeAreOfferedCalledAndTakenBack(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the README's command lines are for a Unix shell")
	}
	const fixed = "127.0.0.1:4000"
	dir := module(t, english)
	address := freePort(t, filepath.Join(dir, "offer", "main.go"), fixed)
	bin := filepath.Join(dir, "bin") + string(filepath.Separator)
	command(t, dir, "build", "-o", bin, "./offer")
	buildTool(t, bin)
	srv := prismtest.NewServerConfig(t, prismtest.Config{App: "prismctl"}) // as that of serve
	shell := func(lines string) *exec.Cmd {
		cmd := program(srv, "sh", "-e", "-c", lines)
		cmd.Dir = dir
		return cmd
	}

	running := strings.Replace(blockWith(t, "OFFER_SECRET=").code, "go run ./offer", "exec bin/offer", 1)
	start(t, shell(running), "offering http://"+address+"/api.json")
	awaitListener(t, address)
	told := output(t, shell(strings.ReplaceAll(blockWith(t, "bin/prismctl api import ").code, fixed, address)))
	for _, want := range []string{`{"pieces":3,"user":""}`, "  200  "} {
		if !strings.Contains(told, want) {
			t.Errorf("%q is not in\n%s", want, told)
		}
	}
	after := shell("bin/prismctl get warehouse/stock/4711")
	if text, err := after.CombinedOutput(); after.ProcessState.ExitCode() != 1 || !strings.Contains(string(text), "forbidden_api") {
		t.Errorf("after unbind: %v, %s", err, text)
	}
}

// blockWith returns the block of the README that has a text.
func blockWith(t *testing.T, text string) block {
	t.Helper()
	for _, b := range read(t, english).blocks {
		if b.language == "sh" && strings.Contains(b.code, text) {
			return b
		}
	}
	t.Fatalf("no block has %q", text)
	return block{}
}

// freePort puts an address that is free in the place of a fixed one.
func freePort(t *testing.T, file, fixed string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	code, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	changed := strings.ReplaceAll(string(code), fixed, l.Addr().String())
	if err := os.WriteFile(file, []byte(changed), 0o644); err != nil {
		t.Fatal(err)
	}
	return l.Addr().String()
}

// start runs a program until the end of the test, and returns once it has
// logged a line.
func start(t *testing.T, cmd *exec.Cmd, line string) {
	t.Helper()
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	for lines := bufio.NewScanner(stderr); lines.Scan(); {
		if strings.HasSuffix(lines.Text(), line) {
			return
		}
		t.Log(lines.Text())
	}
	t.Fatalf("%s ended without a line %q", cmd.Path, line)
}

// awaitListener returns once somebody accepts connections there.
func awaitListener(t *testing.T, address string) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); ; {
		c, err := net.Dial("tcp", address)
		if err == nil {
			c.Close()
			return
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
}

func text(t *testing.T, res *http.Response) string {
	t.Helper()
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// The first line about listen brings orders into a file.
func TestTheFileOfListenInTheReadmeGetsTheOrders(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the README's command lines are for a Unix shell")
	}
	srv := prismtest.NewServer(t)
	dir := t.TempDir()
	buildTool(t, filepath.Join(dir, "bin")+string(filepath.Separator))
	var line string
	for _, b := range read(t, english).blocks {
		if strings.HasPrefix(b.code, "bin/prismctl listen ") {
			line, _, _ = strings.Cut(b.code, "\n")
		}
	}
	cmd := program(srv, "sh", "-c", "exec "+line)
	cmd.Dir = dir
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill() })
	srv.WaitConnections(1) // the queue is bound before
	srv.Publish("stock.low", "no order")
	srv.Publish("order.new", "an order\n")
	srv.WaitAcks(1)
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("%s: %v\n%s", line, err, &stderr)
	}
	if got, err := os.ReadFile(filepath.Join(dir, "orders.txt")); err != nil || string(got) != "an order\n" {
		t.Errorf("the file has %q, %v\n%s", got, err, &stderr)
	}
}

func TestTheCommandLinesOfTheReadmeWork(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the README's command lines are for a Unix shell")
	}
	srv := prismtest.NewServer(t)
	dir := t.TempDir()
	buildTool(t, filepath.Join(dir, "bin")+string(filepath.Separator))
	served, tried := 0, 0
	for _, lines := range linesAfterBuild(t) {
		if arguments, isServe := strings.CutPrefix(lines, "bin/prismctl serve "); isServe {
			served++
			serveBriefly(t, dir, strings.Fields(arguments))
			continue
		}
		tried++
		cmd := program(srv, "sh", "-e", "-c", lines)
		cmd.Dir = dir
		t.Log(output(t, cmd))
	}
	if tried != 2 || served != 1 {
		t.Errorf("%d blocks build the tool and use it, %d build and serve, want two and one", tried, served)
	}
}

// linesAfterBuild returns what follows in blocks that begin with making the
// tool.
func linesAfterBuild(t *testing.T) (all []string) {
	t.Helper()
	for _, b := range read(t, english).blocks {
		if lines, found := strings.CutPrefix(b.code, "go build -o bin/ ./cmd/prismctl\n"); found && lines != "" {
			all = append(all, lines)
		}
	}
	return all
}

// serveBriefly serves on any port until the platform is announced, and ends it
// as Ctrl-C would.
func serveBriefly(t *testing.T, dir string, arguments []string) {
	t.Helper()
	cmd := exec.Command(filepath.Join(dir, "bin", "prismctl"), append([]string{"serve"}, arguments...)...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "PRISM_LISTEN=127.0.0.1:0")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill() })
	lines := bufio.NewScanner(stdout)
	if !lines.Scan() || !strings.HasPrefix(lines.Text(), "A platform is ready at ") {
		t.Errorf("serve began with %q\n%s", lines.Text(), &stderr)
	}
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	for lines.Scan() { // Wait closes the pipe
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("serve: %v\n%s", err, &stderr)
	}
}

func buildTool(t *testing.T, to string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "build", "-o", to, "./cmd/prismctl")
	cmd.Dir = root
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
}

// program is a program of the README in the environment that it asks for.
func program(srv *prismtest.Server, path string, args ...string) *exec.Cmd {
	return programOf(srv, platform.Key{ID: srv.Key(), Secret: srv.Secret()}, path, args...)
}

func programOf(srv *prismtest.Server, key platform.Key, path string, args ...string) *exec.Cmd {
	cmd := exec.Command(path, args...)
	cmd.Env = append(os.Environ(), "PRISM_URL="+srv.URL(), "PRISM_KEY="+key.ID, "PRISM_SECRET="+key.Secret)
	return cmd
}

func output(t *testing.T, cmd *exec.Cmd) string {
	t.Helper()
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Errorf("%s: %v\n%s", cmd.Path, err, &stderr)
	}
	return string(out)
}

// consume runs a consumer until n messages are acknowledged, ends it as Ctrl-C
// would, and returns what it printed.
func consume(t *testing.T, srv *prismtest.Server, cmd *exec.Cmd, n int) string {
	t.Helper()
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill() })
	srv.WaitAcks(n)
	if runtime.GOOS == "windows" { // has no signal for another process
		cmd.Process.Kill()
		cmd.Wait()
		return stdout.String()
	}
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("%s: %v\n%s", cmd.Path, err, &stderr)
	}
	return stdout.String()
}
