// Command dist builds the archives of prismctl for all systems, with
// checksums, into the folder dist; with arguments, for the named ones only:
//
//	go run ./tools/dist
//	go run ./tools/dist linux/amd64
//
// For tests, -o is another folder, that is made, and -binary a binary to take as it is.
//
// The same source and the same Go give the same bytes, on any machine. The time
// of each file is SOURCE_DATE_EPOCH, or else the same for all versions.
package main

import (
	"bytes"
	"crypto/sha256"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/shopex/prism-go"
)

const (
	module  = "github.com/shopex/prism-go"
	command = "cmd/prismctl"
	ours    = "dist"
	sums    = "SHA256SUMS"
)

// A target is a system that an archive is for.
type target struct{ os, arch string }

var targets = []target{
	{"linux", "amd64"}, {"linux", "arm64"},
	{"darwin", "amd64"}, {"darwin", "arm64"},
	{"windows", "amd64"}, {"windows", "arm64"},
}

var (
	folder = flag.String("o", ours, "the `folder` of the archives; another than dist must not exist")
	binary = flag.String("binary", "", "the `file` to put into the archives, which this machine can run")
)

func main() {
	flag.Parse()
	if err := build(flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "dist:", err)
		os.Exit(1)
	}
}

// build empties dist first, so that it holds one version only.
func build(only []string) (err error) {
	if stamp, err = stampOf(os.Getenv("SOURCE_DATE_EPOCH")); err != nil {
		return err
	}
	chosen, err := choose(only)
	if err != nil {
		return err
	}
	root, err := output(nil, "go", "list", "-m", "-f", "{{.Dir}}", module)
	if err != nil {
		return err
	}
	if err := os.Chdir(root); err != nil {
		return err
	}
	if *folder == ours {
		if err := os.RemoveAll(ours); err != nil {
			return err
		}
	}
	if err := os.Mkdir(*folder, 0o755); err != nil {
		return err
	}
	pages, err := manual()
	if err != nil {
		return err
	}
	papers, err := documents(".")
	if err != nil {
		return err
	}
	var list bytes.Buffer
	for _, t := range chosen {
		name, archive, err := t.archive(slices.Concat(papers, pages))
		if err != nil {
			return fmt.Errorf("%s/%s: %w", t.os, t.arch, err)
		}
		if err := write(name, archive); err != nil {
			return err
		}
		fmt.Fprintf(&list, "%x  %s\n", sha256.Sum256(archive), name)
	}
	return write(sums, list.Bytes())
}

// choose returns the targets of these names, or all.
func choose(names []string) ([]target, error) {
	if len(names) == 0 {
		return targets, nil
	}
	var chosen []target
	for _, name := range names {
		i := slices.IndexFunc(targets, func(t target) bool { return t.os+"/"+t.arch == name })
		if i < 0 {
			return nil, fmt.Errorf("there are no archives for %q", name)
		}
		chosen = append(chosen, targets[i])
	}
	return chosen, nil
}

func write(name string, content []byte) error {
	path := filepath.Join(*folder, name)
	fmt.Printf("%s (%d bytes)\n", path, len(content))
	return os.WriteFile(path, content, 0o644)
}

// archive returns the name and the bytes of one archive, with what all have.
func (t target) archive(common []file) (name string, archive []byte, err error) {
	files, err := t.files()
	if err != nil {
		return "", nil, err
	}
	files = append(files, common...)
	stem := fmt.Sprintf("prismctl_%s_%s_%s", prism.Version, t.os, t.arch)
	pack, suffix := packTar, ".tar.gz"
	if t.os == "windows" {
		pack, suffix = packZip, ".zip"
	}
	archive, err = pack(stem, files)
	return stem + suffix, archive, err
}

// files returns what is of this target only, the binary first.
func (t target) files() ([]file, error) {
	binary, err := t.compile()
	if err != nil {
		return nil, err
	}
	licenses, err := t.licenses()
	return []file{binary, {name: "LICENSE-THIRD-PARTY", content: licenses}}, err
}

func (t target) compile() (file, error) {
	name := "prismctl"
	if t.os == "windows" {
		name += ".exe"
	}
	if *binary != "" {
		content, err := os.ReadFile(*binary)
		return file{name: name, content: content, executable: true}, err
	}
	dir, err := os.MkdirTemp("", "prismctl")
	if err != nil {
		return file{}, err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, name)
	// Without the state of the repository: a source archive gives the same
	// bytes as a clone.
	_, err = output(t.env(), "go", "-C", command, "build", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w", "-o", path, ".")
	if err != nil {
		return file{}, err
	}
	content, err := os.ReadFile(path)
	return file{name: name, content: content, executable: true}, err
}

// env is the environment of the go command for this target. Without the workspace: what
// the tools need does not choose the versions that the binary is made of.
func (t target) env() []string {
	return append(os.Environ(), "GOOS="+t.os, "GOARCH="+t.arch, "CGO_ENABLED=0", "GOAMD64=v1", "GOARM64=v8.0", "GOFLAGS=", "GOWORK=off")
}

func output(env []string, name string, args ...string) (string, error) {
	var stdout bytes.Buffer
	cmd := exec.Command(name, args...)
	cmd.Env, cmd.Stdout, cmd.Stderr = env, &stdout, os.Stderr
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("%s: %w", strings.Join(cmd.Args, " "), err)
	}
	return strings.TrimSpace(stdout.String()), nil
}
