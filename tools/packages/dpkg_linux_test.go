package main

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// mustInstall is the variable by which tools/check has the test of the installation fail
// where it would be left out.
const mustInstall = "PRISM_MUST_INSTALL"

// leaveOut leaves a test out, with the reason.
func leaveOut(t *testing.T, why string) {
	t.Helper()
	if os.Getenv(mustInstall) != "" {
		t.Fatalf("it cannot run, and %s is set: %s", mustInstall, why)
	}
	t.Skip(why)
}

// A system is a root directory with as much of a Debian as the scripts of a package need.
// They run in a chroot there, so nothing of this machine changes.
type system struct {
	t    *testing.T
	root string
}

// What the scripts run, beside sh and its builtins.
var tools = []string{"sh", "getent", "useradd", "install", "head", "base32", "mv", "rm", "rmdir"}

func newSystem(t *testing.T) system {
	t.Helper()
	if os.Getuid() != 0 {
		leaveOut(t, "only root installs packages")
	}
	for _, name := range append(tools, "dpkg", "ldd") {
		if _, err := exec.LookPath(name); err != nil {
			leaveOut(t, err.Error())
		}
	}
	s := system{t, t.TempDir()}
	for _, name := range []string{"bin", "sbin", "lib", "lib64"} {
		if to, err := os.Readlink("/" + name); err == nil {
			s.must(os.Symlink(to, s.at(name)))
		}
	}
	for _, name := range tools {
		program, _ := exec.LookPath(name) // as above
		s.take(program)
		for _, library := range regexp.MustCompile(`/\S+`).FindAllString(command(t, "ldd", program), -1) {
			s.take(strings.TrimSuffix(library, ":"))
		}
	}
	for _, name := range []string{"/etc/passwd", "/etc/group", "/etc/login.defs"} {
		s.take(name)
	}
	s.write("dev/null", "")
	s.write("dev/urandom", "no device, but as good for a test")
	s.write("tmp/x", "")
	s.write("var/lib/dpkg/status", "Package: passwd\nStatus: install ok installed\nVersion: 1\nArchitecture: all\nMaintainer: x\nDescription: x\n")
	s.write("var/lib/dpkg/info/passwd.list", "/.\n")
	s.write("var/lib/dpkg/updates/x", "")
	s.must(os.Remove(s.at("var/lib/dpkg/updates/x")))
	// A systemd that notes what it is told.
	s.write("usr/bin/systemctl", "#!/bin/sh\necho \"$@\" >>/systemctl.log\n")
	s.must(os.Chmod(s.at("usr/bin/systemctl"), 0o755))
	s.must(os.MkdirAll(s.at("run/systemd/system"), 0o755))
	return s
}

func (s system) at(path string) string { return filepath.Join(s.root, path) }

func (s system) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

// take copies a file of this machine to the same place.
func (s system) take(path string) {
	s.t.Helper()
	dir, err := filepath.EvalSymlinks(filepath.Dir(path))
	s.must(err)
	content, err := os.ReadFile(path)
	s.must(err)
	s.must(os.MkdirAll(s.at(dir), 0o755))
	s.must(os.WriteFile(s.at(filepath.Join(dir, filepath.Base(path))), content, 0o755))
}

func (s system) write(path, content string) {
	s.t.Helper()
	s.must(os.MkdirAll(filepath.Dir(s.at(path)), 0o755))
	s.must(os.WriteFile(s.at(path), []byte(content), 0o644))
}

func (s system) read(path string) string {
	s.t.Helper()
	content, err := os.ReadFile(s.at(path))
	s.must(err)
	return string(content)
}

func (s system) has(path string) bool {
	_, err := os.Lstat(s.at(path))
	return !errors.Is(err, os.ErrNotExist)
}

// dpkg runs it on this system, and returns what it prints and what it told systemd.
func (s system) dpkg(args ...string) (out, told string) {
	s.t.Helper()
	// Images of Debian leave manual pages out.
	args = append([]string{"--root=" + s.root, "--path-include=/usr/share/*", "--force-confold", "--log=/dev/null"}, args...)
	s.write("systemctl.log", "")
	out = command(s.t, "dpkg", args...)
	return out, s.read("systemctl.log")
}

func (s system) wantText(what, text, want string) {
	s.t.Helper()
	if !strings.Contains(text, want) {
		s.t.Errorf("%s: no %q in\n%s", what, want, text)
	}
}

func TestTheDebInstallsUpgradesAndIsRemoved(t *testing.T) {
	s := newSystem(t)
	before, err := os.ReadFile("/etc/passwd")
	s.must(err)
	a := built(t)
	out, told := s.dpkg("--install", a.packed(t, "deb"))
	s.wantText("install", out, "systemctl enable --now prismctl")
	s.wantText("install", told, "daemon-reload\n")
	s.isInstalled(a.version)
	secret := s.read("etc/prism/operator.secret")

	const edited = "# mine\n"
	s.write(settings, edited)
	s.write("var/lib/prism/messages", "kept")
	next := *a
	next.version = "99.0.0"
	next.files["prismctl"] = []byte("a binary that is packed sooner")
	next.files["deploy/prismctl.toml"] = append(next.files["deploy/prismctl.toml"], "# new\n"...)
	out, told = s.dpkg("--install", next.packed(t, "deb"))
	s.wantText("upgrade", told, "try-restart prismctl.service\n")
	if strings.Contains(told, "disable") || strings.Contains(out, "enable --now") {
		t.Errorf("the upgrade tells systemd %q, and prints %s", told, out)
	}
	if s.read(settings) != edited || !strings.HasSuffix(s.read(settings+".dpkg-dist"), "# new\n") || s.read("etc/prism/operator.secret") != secret {
		t.Error("the upgrade did not keep the settings and the secret, or the new settings are not beside them")
	}
	if strings.Count(s.read("etc/passwd"), "\nprism:") != 1 {
		t.Errorf("the users are\n%s", s.read("etc/passwd"))
	}

	out, told = s.dpkg("--remove", "prismctl")
	s.wantText("remove", told, "disable --now prismctl.service\n")
	if s.has("usr/bin/prismctl") || s.has("usr/share/man/man1/prismctl.1.gz") || s.read(settings) != edited || !s.has("var/lib/prism/messages") {
		t.Errorf("the program is still there, or settings or data are not:\n%s", out)
	}
	out, _ = s.dpkg("--purge", "prismctl")
	s.wantText("purge", out, "are left in /var/lib/prism")
	if s.has("etc/prism") || s.read("var/lib/prism/messages") != "kept" {
		t.Errorf("settings are still there, or the data is not:\n%s", out)
	}
	if after, err := os.ReadFile("/etc/passwd"); err != nil || !bytes.Equal(before, after) {
		t.Errorf("the users of this machine have changed, %v", err)
	}
}

// isInstalled looks at what is where a system looks for it.
func (s system) isInstalled(version string) {
	t := s.t
	t.Helper()
	prismctl := s.at("usr/bin/prismctl")
	s.wantText("--version", command(t, prismctl, "--version"), "prismctl "+version+" ")
	s.wantText("unit", s.read("usr/lib/systemd/system/prismctl.service"), "ExecStart=/usr/bin/prismctl serve --config "+settings)

	page, err := gzip.NewReader(strings.NewReader(s.read("usr/share/man/man1/prismctl.1.gz")))
	s.must(err)
	text, err := io.ReadAll(page)
	s.must(err)
	s.wantText("manual page", string(text), ".TH ")
	if bash, err := exec.LookPath("bash"); err == nil {
		file := s.at("usr/share/bash-completion/completions/prismctl")
		s.wantText("completion", command(t, bash, "-c", "source "+file+"; complete -p prismctl"), "-F")
	}
	for _, name := range []string{"usr/share/zsh/vendor-completions/_prismctl", "usr/share/fish/vendor_completions.d/prismctl.fish",
		"usr/share/doc/prismctl/copyright", "usr/share/doc/prismctl/LICENSE-THIRD-PARTY", "usr/share/doc/prismctl/docs/operations.md"} {
		if !s.has(name) {
			t.Errorf("there is no %s", name)
		}
	}

	s.wantText("users", s.read("etc/passwd"), "\nprism:")
	for path, want := range map[string]os.FileMode{"var/lib/prism": os.ModeDir | 0o700, "etc/prism/operator.secret": 0o600, settings: 0o644} {
		if info, err := os.Stat(s.at(path)); err != nil || info.Mode() != want {
			t.Errorf("%s: %v, %v", path, info, err)
		}
	}
	// The settings and the secret are good.
	cmd := exec.Command(prismctl, "serve", "--config", s.at(settings), "--print-config")
	cmd.Env = append(os.Environ(), "PRISM_ADMIN_KEY=operator", "PRISM_ADMIN_SECRET_FILE="+s.at("etc/prism/operator.secret"))
	shown, err := cmd.CombinedOutput()
	s.must(err)
	s.wantText("settings", string(shown), `data = "/var/lib/prism"`)
}
