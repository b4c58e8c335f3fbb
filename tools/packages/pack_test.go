package main

import (
	"bytes"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// small is an archive with everything that a package needs, and a small binary.
func small() *archive {
	return &archive{version: "0.1.0", arch: "amd64", time: time.Unix(1767225600, 0), files: map[string][]byte{
		"prismctl": []byte("binary"), "LICENSE": []byte("MIT"), "LICENSE-THIRD-PARTY": []byte("theirs"),
		"README.md": []byte("read me"), "man/man1/prismctl.1": []byte(".TH"),
		"deploy/prismctl.toml": []byte("listen = 1"),
		"deploy/prismctl.service": []byte("# by hand\n# and make apps and keys as the operator:\n#\n" +
			"[Service]\nExecStart=/usr/local/bin/prismctl serve\nDynamicUser=yes\nUser=prism\n"),
		"completions/prismctl.bash": []byte("b"), "completions/prismctl.zsh": []byte("z"), "completions/prismctl.fish": []byte("f"),
	}}
}

func TestTheSameArchiveGivesTheSameBytes(t *testing.T) {
	for _, format := range formats {
		name, first, err := small().pack(format)
		if err != nil {
			t.Fatal(err)
		}
		t.Setenv("SOURCE_DATE_EPOCH", "1") // counts for the archive only
		t.Setenv("TMPDIR", t.TempDir())
		if again, second, err := small().pack(format); err != nil || again != name || !bytes.Equal(first, second) {
			t.Errorf("%s: two runs differ, %v", format, err)
		}
		later := small()
		later.time = later.time.Add(time.Hour)
		if _, third, err := later.pack(format); err != nil || bytes.Equal(first, third) {
			t.Errorf("%s: the time of the archive is not in it, %v", format, err)
		}
	}
}

func TestAnArchiveThatLacksAFileMakesNoPackage(t *testing.T) {
	for name := range small().files {
		if name == "README.md" {
			continue
		}
		for _, format := range formats {
			a := small()
			delete(a.files, name)
			_, _, err := a.pack(format)
			if needed := name != "LICENSE-THIRD-PARTY" || format == "rpm"; needed && err == nil {
				t.Errorf("%s without %s", format, name)
			}
		}
	}
}

func TestAUnitThatIsNotUnderstoodMakesNoPackage(t *testing.T) {
	for _, without := range []string{"# and make apps and keys as the operator:", "DynamicUser=yes\n", "/usr/local/bin/"} {
		a := small()
		a.files["deploy/prismctl.service"] = bytes.Replace(a.files["deploy/prismctl.service"], []byte(without), nil, 1)
		if _, _, err := a.pack("deb"); err == nil {
			t.Errorf("a unit without %q", without)
		}
	}
}

func TestChecksumsOfPackagesFollowThoseOfArchives(t *testing.T) {
	path := filepath.Join(t.TempDir(), sums)
	if err := os.WriteFile(path, []byte("1  a.tar.gz\n2  old.deb\n3  b.zip\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := addSums(path, "4  new.deb\n"); err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(path); err != nil || string(text) != "1  a.tar.gz\n3  b.zip\n4  new.deb\n" {
		t.Errorf("%q, %v", text, err)
	}
}

func TestAnArchiveIsReadWithItsNameAndTime(t *testing.T) {
	a := built(t)
	if a.version == "" || a.arch == "" || a.time.Year() < 2026 || len(a.files) < 80 {
		t.Errorf("version %q, arch %q, %v, %d files", a.version, a.arch, a.time, len(a.files))
	}
	names := strings.Join(slices.Sorted(maps.Keys(a.files)), " ")
	if !strings.Contains(names, "docs/operations.md") || strings.Contains(names, "prismctl_") {
		t.Error(names)
	}
	if _, err := openArchive(filepath.Join(t.TempDir(), "prismctl.tar.gz")); err == nil {
		t.Error("an archive of no version is taken")
	}
}
