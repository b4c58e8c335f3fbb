package chromium

import (
	"errors"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func TestTheBrowserIsFoundWhereItUsuallyIs(t *testing.T) {
	onMac := "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"
	onWindows := filepath.Join("D:", "Programs", "Google", "Chrome", "Application", "chrome.exe")
	for name, row := range map[string]struct {
		system string
		env    map[string]string
		there  []string // programs, in PATH or by path
		want   string   // "" is ErrMissing
	}{
		"Debian":                  {"linux", nil, []string{"chromium"}, "chromium"},
		"several":                 {"linux", nil, []string{"google-chrome", "chrome", "chromium-browser"}, "chromium-browser"},
		"named":                   {"linux", map[string]string{PathVariable: "/opt/c"}, []string{"chromium", "/opt/c"}, "/opt/c"},
		"macOS":                   {"darwin", nil, []string{onMac}, onMac},
		"macOS, in PATH":          {"darwin", nil, []string{onMac, "chromium"}, "chromium"},
		"Windows":                 {"windows", map[string]string{"PROGRAMFILES": filepath.Join("D:", "Programs")}, []string{onWindows}, onWindows},
		"nothing":                 {"linux", nil, []string{"firefox"}, ""},
		"nothing on macOS":        {"darwin", nil, nil, ""},
		"nothing on Windows":      {"windows", nil, []string{filepath.Join("Google", "Chrome", "Application", "chrome.exe")}, ""},
		"macOS's place elsewhere": {"linux", nil, []string{onMac}, ""},
	} {
		got, err := machine(row.system, row.env, row.there).find()
		if got != row.want || (row.want == "") != errors.Is(err, ErrMissing) {
			t.Errorf("%s: %q, %v, want %q", name, got, err, row.want)
		}
	}
}

func TestANamedBrowserThatIsNotThereIsAnErrorAndNotAnotherBrowser(t *testing.T) {
	got, err := machine("linux", map[string]string{PathVariable: "/opt/c"}, []string{"chromium"}).find()
	if got != "" || err == nil || errors.Is(err, ErrMissing) || !strings.Contains(err.Error(), PathVariable) {
		t.Errorf("%q, %v", got, err)
	}
}

func machine(system string, env map[string]string, there []string) search {
	look := func(name string) (string, error) {
		for _, program := range there {
			if program == name {
				return name, nil
			}
		}
		return "", exec.ErrNotFound
	}
	return search{func(name string) string { return env[name] }, look, system}
}
