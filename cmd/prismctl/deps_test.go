package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/shopex/prism-go"

// What the packages below this one may import, beside the standard library:
// the arrows of DESIGN.md. Who adds one here adds the reason there.
var arrows = map[string][]string{
	"words":      {},
	"exit":       {"words", module, module + "/notify"},
	"files":      {"words", module + "/internal/lock", "golang.org/x/sys/unix"},
	"secrets":    {"words", "exit", "files"},
	"shell":      {},
	"profile":    {"words", "exit", "files", "secrets", "shell", "github.com/BurntSushi/toml", "github.com/zalando/go-keyring"},
	"settings":   {"files", module + "/platform", module + "/platform/memory", module + "/platform/jetstream", module + "/internal/guard", "github.com/BurntSushi/toml", "github.com/alecthomas/kong"},
	"engine":     {"words", "exit", "files", "settings", module + "/platform", module + "/platform/memory", module + "/platform/jetstream"},
	"manual":     {"github.com/alecthomas/kong"},
	"completion": {"words", "github.com/alecthomas/kong"},
	"conns":      {},
	"apifile":    {"words", module + "/apijson"},
	"seed":       {"words", "exit", "secrets", "settings", module, module + "/apijson", module + "/platform"},
	"service": {"words", "exit", "files", "secrets", "settings", "engine", "conns", "seed", "apifile", "mock", module, module + "/apijson", module + "/internal/guard", module + "/platform", module + "/platform/users", module + "/platform/console",
		"github.com/lib/pq", "github.com/go-sql-driver/mysql", "golang.org/x/crypto/bcrypt",
		"github.com/prometheus/client_golang/prometheus", "github.com/prometheus/client_golang/prometheus/collectors",
		"github.com/prometheus/client_golang/prometheus/promhttp", "github.com/KimMachineGun/automemlimit/memlimit"},
	"signin":   {"files", "conns", module, module + "/oauth"},
	"pipes":    {"golang.org/x/sys/unix"},
	"receipts": {"pipes", module + "/notify"},
	"lifeline": {"words", "exit", module, module + "/notify"},
	"progress": {"golang.org/x/term"},
	"listen": {"words", "exit", "lifeline", "shell", module, module + "/notify", module + "/internal/escape", module + "/internal/wire", module + "/internal/guard", module + "/internal/push",
		module + "/internal/code", module + "/internal/printable"},
	"gen":                {module + "/apijson"},
	"gen/internal/goods": {module},
	"mock":               {module + "/apijson", module + "/internal/gateway"},
	"sent":               {},
	"charsets":           {module + "/sign", "golang.org/x/text/encoding", "golang.org/x/text/encoding/japanese", "golang.org/x/text/encoding/simplifiedchinese", "golang.org/x/text/encoding/traditionalchinese", "golang.org/x/text/unicode/norm"},
	"examine":            {"exit", "files", "sent", "charsets", module + "/sign"},
	"load":               {"words", "exit", "lifeline", module, module + "/notify", module + "/internal/topic", "github.com/HdrHistogram/hdrhistogram-go"},
}

func TestPackagesOfTheCommandImportOnlyWhatTheDesignAllows(t *testing.T) {
	const below = module + "/cmd/prismctl/internal/"
	out, err := exec.Command("go", "list", "-f", `{{.ImportPath}} {{join .Imports " "}}`, "./internal/...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	seen := map[string]bool{}
	for line := range strings.Lines(string(out)) {
		path, imports, _ := strings.Cut(strings.TrimSpace(line), " ")
		name := strings.TrimPrefix(path, below)
		seen[name] = true
		allowed, known := arrows[name]
		if !known {
			t.Errorf("package %q is in no arrow of the design", name)
		}
		for _, imported := range strings.Fields(imports) {
			first, _, _ := strings.Cut(imported, "/")
			if strings.Contains(first, ".") && !slices.Contains(allowed, strings.TrimPrefix(imported, below)) {
				t.Errorf("%s imports %s", path, imported)
			}
		}
	}
	for name := range arrows {
		if !seen[name] {
			t.Errorf("package %q is gone", name)
		}
	}
}

// A command says what it is called, what it takes and what it prints. What takes
// more than this is work, and lies below.
func TestAFileOfACommandIsShort(t *testing.T) {
	const most = 150 // lines
	names, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(string(text), "\n"); n > most && !strings.HasSuffix(name, "_test.go") {
			t.Errorf("%s has %d lines, and may have %d: move work into a package below", name, n, most)
		}
	}
}
