package main

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var sample = []file{
	{name: "prismctl", content: []byte("binary"), executable: true},
	{name: "README.md", content: []byte("read me")},
	{name: "docs/delivery.md", content: []byte("guarantees")},
}

func TestEveryFileIsInTheTarWithItsModeBelowOneFolder(t *testing.T) {
	archive, err := packTar("prismctl_1", sample)
	if err != nil {
		t.Fatal(err)
	}
	plain, err := gzip.NewReader(bytes.NewReader(archive))
	if err != nil {
		t.Fatal(err)
	}
	tape := tar.NewReader(plain)
	for _, want := range sample {
		header, err := tape.Next()
		if err != nil {
			t.Fatalf("before %s: %v", want.name, err)
		}
		content, err := io.ReadAll(tape)
		check(t, want, header.Name, header.FileInfo().Mode(), content, err)
	}
	if _, err := tape.Next(); err != io.EOF {
		t.Errorf("more follows: %v", err)
	}
}

func TestEveryFileIsInTheZipWithItsModeBelowOneFolder(t *testing.T) {
	archive, err := packZip("prismctl_1", sample)
	if err != nil {
		t.Fatal(err)
	}
	z, err := zip.NewReader(bytes.NewReader(archive), int64(len(archive)))
	if err != nil {
		t.Fatal(err)
	}
	if len(z.File) != len(sample) {
		t.Fatalf("%d files, want %d", len(z.File), len(sample))
	}
	for i, want := range sample {
		r, err := z.File[i].Open()
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(r)
		check(t, want, z.File[i].Name, z.File[i].Mode(), content, err)
	}
}

func check(t *testing.T, want file, name string, mode fs.FileMode, content []byte, err error) {
	t.Helper()
	if err != nil || name != "prismctl_1/"+want.name || mode != want.mode() || !bytes.Equal(content, want.content) {
		t.Errorf("%s with mode %v holds %q, %v; want %s with %v: %q", name, mode, content, err, want.name, want.mode(), want.content)
	}
}

func TestTheSameFilesGiveTheSameBytes(t *testing.T) {
	for name, pack := range map[string]func(string, []file) ([]byte, error){"tar": packTar, "zip": packZip} {
		first, err := pack("prismctl_1", sample)
		if err != nil {
			t.Fatal(err)
		}
		if second, _ := pack("prismctl_1", sample); !bytes.Equal(first, second) {
			t.Errorf("two runs of %s differ", name)
		}
	}
}

func TestNothingIsHandedOnWithoutItsLicence(t *testing.T) {
	dir := t.TempDir()
	var all bytes.Buffer
	if err := addLicense(&all, "example.com/lib v1", dir); err == nil || !strings.Contains(err.Error(), "example.com/lib v1") {
		t.Errorf("a module without a licence: %v", err)
	}
	if err := os.WriteFile(filepath.Join(dir, "LICENSE.txt"), []byte("do as you like\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := addLicense(&all, "example.com/lib v1", dir); err != nil {
		t.Fatal(err)
	}
	if got := all.String(); !strings.Contains(got, "example.com/lib v1\n") || !strings.Contains(got, "do as you like") {
		t.Errorf("got %q", got)
	}
}

func TestTheTimeIsThatOfTheVariable(t *testing.T) {
	if got, err := stampOf("1400568648"); err != nil || got.Unix() != 1400568648 {
		t.Errorf("%v, %v", got, err)
	}
	if got, err := stampOf(""); err != nil || !got.Equal(stamp) {
		t.Errorf("%v, %v", got, err)
	}
	if _, err := stampOf("yesterday"); err == nil {
		t.Error("a time that is no number is taken")
	}
}

func TestTargetsAreChosenByTheirNames(t *testing.T) {
	if got, err := choose([]string{"linux/arm64"}); err != nil || len(got) != 1 || got[0] != (target{"linux", "arm64"}) {
		t.Errorf("%v, %v", got, err)
	}
	if got, err := choose(nil); err != nil || len(got) != len(targets) {
		t.Errorf("%v, %v", got, err)
	}
	if _, err := choose([]string{"plan9/386"}); err == nil {
		t.Error("a target that does not exist is taken")
	}
}
