package browser

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/shopex/prism-go/prismtest"
)

// A person signs in for prismctl, and the platform says that the window is not needed
// any more, in the person's language. The way there is from the form over prismctl
// back to the platform, which the policy of the form has to allow.
func theLoginOfPrismctlEndsOnThePlatformsPage(t *testing.T, browser context.Context) {
	program := buildPrismctl(t)
	for name, row := range map[string]struct{ languages, lang, secret, title, query string }{
		"English": {"en-GB,en;q=0.9", "en", "", "You are signed in", ""},
		"Chinese": {"zh-CN,zh;q=0.9,en;q=0.5", "zh", "", "登录成功", ""},
		"failed":  {"zh-CN,zh;q=0.9", "zh", "another", "登录未完成", "?error=invalid_sign"},
	} {
		t.Run(name, func(t *testing.T) {
			srv := newPlatform(t)
			srv.AllowRedirect("http://127.0.0.1/callback")
			login := startLogin(t, program, srv, row.secret)
			lin := meet(t, browser, row.languages)
			lin.open(login.address)
			lin.signIn("lin", "open sesame")
			if err := login.wait(); (err == nil) != (row.secret == "") {
				t.Errorf("prismctl ended with %v:\n%s", err, login.said.String())
			}
			site, _, _ := strings.Cut(srv.URL(), "/api")
			lin.mustSee(site+"/oauth/done"+row.query, row.title)
			if lang := ask[string](lin, "document.documentElement.lang"); lin.status != http.StatusOK || !strings.HasPrefix(lang, row.lang) {
				t.Errorf("HTTP %d in %s", lin.status, lang)
			}
			lin.do(chromedp.EmulateViewport(320, 480))
			if width := ask[int](lin, "document.documentElement.scrollWidth"); width > 320 {
				t.Errorf("the page is %d pixels wide on a screen of 320", width)
			}
		})
	}
}

func buildPrismctl(t *testing.T) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "prismctl")
	if runtime.GOOS == "windows" {
		program += ".exe"
	}
	build := exec.Command("go", "build", "-o", program, ".")
	build.Dir = filepath.Join("..", "..", "cmd", "prismctl")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return program
}

// A cliLogin is a "prismctl login" that waits for the browser.
type cliLogin struct {
	address string
	said    strings.Builder
	wait    func() error
}

func startLogin(t *testing.T, program string, srv *prismtest.Server, secret string) *cliLogin {
	t.Helper()
	if secret == "" {
		secret = srv.Secret()
	}
	home := t.TempDir()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, program, "login", "--no-browser")
	cmd.Env = append(os.Environ(), "PRISM_URL="+srv.URL(), "PRISM_KEY="+srv.Key(), "PRISM_SECRET="+secret,
		"HOME="+home, "XDG_CONFIG_HOME="+home, "APPDATA="+home)
	l := &cliLogin{}
	out, err := cmd.StderrPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(io.TeeReader(out, &l.said))
	for l.address == "" && lines.Scan() {
		if line := strings.TrimSpace(lines.Text()); strings.HasPrefix(line, "http") {
			l.address = line
		}
	}
	l.wait = func() error {
		for lines.Scan() {
		}
		return cmd.Wait()
	}
	if l.address == "" {
		t.Fatalf("it prints no address (%v):\n%s", l.wait(), l.said.String())
	}
	return l
}
