package prism_test

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/shopex/prism-go"

// What each package may import, beside the standard library: the table in
// DESIGN.md. An addition here needs its reason there.
var arrows = map[string][]string{
	"":                       {"sign", "internal/code", "internal/escape", "internal/printable", "internal/wire"},
	"/sign":                  {"internal/escape"},
	"/internal/escape":       {},
	"/internal/code":         {},
	"/internal/wire":         {},
	"/internal/socket":       {"github.com/gobwas/ws"},
	"/admin":                 {"", "internal/code"},
	"/internal/steady":       {},
	"/internal/lock":         {},
	"/internal/topic":        {},
	"/internal/level":        {},
	"/internal/leak":         {},
	"/tools/chromium":        {},
	"/tools/check":           {"tools/chromium", "internal/patience"},
	"/internal/patience":     {},
	"/internal/postgres":     {},
	"/internal/nginx":        {},
	"/internal/printable":    {},
	"/internal/guard":        {"internal/printable"},
	"/internal/push":         {"internal/guard"},
	"/tools/failing":         {},
	"/tools/forward":         {},
	"/tools/dist":            {""},
	"/tools/release":         {""},
	"/tools/readme":          {},
	"/notify":                {"", "internal/code", "internal/wire", "internal/socket", "internal/printable"},
	"/oauth":                 {"", "internal/code", "internal/printable", "golang.org/x/oauth2", "github.com/alexedwards/scs/v2", "github.com/alexedwards/scs/v2/memstore"},
	"/apijson":               {},
	"/internal/gateway":      {"apijson", "sign", "internal/code", "internal/guard"},
	"/internal/limit":        {},
	"/internal/calls":        {},
	"/internal/curves":       {},
	"/internal/activity":     {"internal/topic"},
	"/internal/face":         {},
	"/platform":              {"sign", "apijson", "internal/code", "internal/steady", "internal/wire", "internal/socket", "internal/topic", "internal/guard", "internal/push", "internal/gateway", "internal/limit", "internal/calls", "internal/curves", "internal/activity", "internal/face"},
	"/platform/memory":       {"platform", "internal/topic", "internal/level", "internal/steady"},
	"/platform/enginetest":   {"platform"},
	"/platform/users":        {"platform", "sign"},
	"/platform/console":      {"platform", "sign", "internal/face"},
	"/prismtest":             {"", "apijson", "platform", "platform/memory", "platform/console"},
	"/provider":              {"sign", "apijson"},
	"/provider/providertest": {"", "apijson", "platform", "platform/memory", "prismtest", "provider", "sign"},
	"/internal/tour":         {"", "admin", "apijson", "notify", "oauth", "platform", "platform/memory", "provider"},
	"/examples/webapp":       {"", "oauth"},
	"/examples/tour":         {"internal/tour"},
	"/examples/network":      {"", "notify"},
}

func TestPackagesImportOnlyWhatTheDesignAllows(t *testing.T) {
	seen := map[string]bool{}
	for _, line := range list(t, "{{.ImportPath}} {{join .Imports \" \"}}", "./...") {
		path, imports, _ := strings.Cut(line, " ")
		name := strings.TrimPrefix(path, module)
		seen[name] = true
		allowed, known := arrows[name]
		if !known {
			t.Errorf("package %q is in no arrow of the design", name)
		}
		for _, imported := range strings.Fields(imports) {
			if standard(imported) || slices.Contains(allowed, imported) {
				continue
			}
			if rest, ours := strings.CutPrefix(imported, module); ours && slices.Contains(allowed, strings.TrimPrefix(rest, "/")) {
				continue
			}
			t.Errorf("%s imports %s", path, imported)
		}
	}
	for name := range arrows {
		if !seen[name] {
			t.Errorf("package %q is gone", name)
		}
	}
}

// An integrator's go.sum stays short.
func TestTheModuleRequiresNothingElse(t *testing.T) {
	basis := []string{module, "github.com/gobwas/httphead", "github.com/gobwas/pool", "github.com/gobwas/ws", "golang.org/x/sys"}
	forLogins := append(basis, "github.com/alexedwards/scs/v2", "golang.org/x/oauth2")
	for _, path := range list(t, "{{.ImportPath}}", "./...") {
		allowed := basis
		if slices.Contains([]string{"/oauth", "/internal/tour", "/examples/webapp", "/examples/tour"}, strings.TrimPrefix(path, module)) {
			allowed = forLogins
		}
		for _, needed := range list(t, "{{with .Module}}{{.Path}}{{end}}", "-deps", path) {
			if !slices.Contains(allowed, needed) {
				t.Errorf("%s needs %s", path, needed)
			}
		}
	}
}

func list(t *testing.T, format string, args ...string) []string {
	out, err := exec.Command("go", append([]string{"list", "-f", format}, args...)...).Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	return strings.Split(strings.TrimSpace(string(out)), "\n")
}

func standard(path string) bool {
	first, _, _ := strings.Cut(path, "/")
	return !strings.Contains(first, ".")
}
