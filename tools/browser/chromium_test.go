package browser

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/shopex/prism-go/tools/chromium"
)

// patience is how long one step in the browser may take.
const patience = 30 * time.Second

// launch starts a Chromium, which ends with the test and leaves nothing behind.
// Names that end in .test are this machine, and to the browser they are no more
// trustworthy than others: it sends no Sec-Fetch headers there.
func launch(t *testing.T) context.Context {
	t.Helper()
	if os.Getenv(chromium.SwitchVariable) == chromium.Off {
		t.Skip("!!! WITHOUT THE BROWSER TESTS: " + chromium.SwitchVariable + "=" + chromium.Off + " is set")
	}
	path, err := chromium.Find()
	if err != nil {
		t.Fatal(err)
	}
	home, err := os.MkdirTemp("", "prism") // that of t.TempDir is too long for Chromium's sockets
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("TMPDIR", home) // where the profile goes
	t.Setenv("TMP", home)
	t.Cleanup(func() { mustBeGone(t, home) })
	ctx, release := chromedp.NewExecAllocator(context.Background(), options(path)...)
	t.Cleanup(release)
	ctx, _ = chromedp.NewContext(ctx)
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("%s does not start: %v", path, err)
	}
	t.Cleanup(func() { quit(t, ctx) })
	return ctx
}

func options(path string) []chromedp.ExecAllocatorOption {
	opts := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU)
	for _, flag := range []string{"disable-quic", "disable-component-update", "disable-domain-reliability", "no-pings", "no-proxy-server"} {
		opts = append(opts, chromedp.Flag(flag, true))
	}
	return append(opts,
		chromedp.Flag("host-resolver-rules", "MAP *.test 127.0.0.1"),
		chromedp.Flag("disable-features", "Translate,HttpsUpgrades,HttpsFirstBalancedModeAutoEnable,OptimizationHints,MediaRouter"))
}

func quit(t *testing.T, ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if err := chromedp.Cancel(ctx); err != nil {
		t.Errorf("Chromium did not end by itself: %v", err)
	}
}

// mustBeGone removes home and wants no process any more that works in it. They
// are killed by then, but a process takes a moment to die.
func mustBeGone(t *testing.T, home string) {
	defer os.RemoveAll(home)
	if runtime.GOOS != "linux" {
		return // there is no /proc to look at
	}
	var left []string
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		if left = working(home); len(left) == 0 {
			return
		}
	}
	t.Errorf("%d processes of Chromium outlived the test: %q", len(left), left)
}

func working(home string) []string {
	var found []string
	lines, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, name := range lines {
		if line, err := os.ReadFile(name); err == nil && bytes.Contains(line, []byte(home)) {
			found = append(found, string(bytes.ReplaceAll(line, []byte{0}, []byte(" "))))
		}
	}
	return found
}
