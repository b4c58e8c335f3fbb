package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/shopex/prism-go"
)

// mark begins what makes the versions of this check others than any release.
const mark = "-check."

// A trial is a release that only this machine can install.
type trial struct {
	dir     string // of its own, removed at the end
	version string
	cache   string // the module cache
	modules []module
	place   // an empty folder, in the environment of an integrator
}

// check makes a release of the working tree, publishes it in a temporary folder,
// and uses it as others would: prismctl is installed and run, and a program that
// embeds the platform is compiled.
func check(ctx context.Context) (err error) {
	t := trial{version: fmt.Sprintf("v%s%s%d", prism.Version, mark, time.Now().UnixNano())}
	t.dir, err = os.MkdirTemp("", "prism-release")
	if err != nil {
		return err
	}
	defer func() {
		if os.Getenv("KEEP") == "" {
			err = errors.Join(err, t.remove())
		}
	}()
	for _, step := range []struct {
		name string
		run  func(context.Context) error
	}{
		{"make a release " + t.version, t.make},
		{"publish it in a folder", t.publish},
		{"go install prismctl outside of any module", t.install},
		{"look for every package by each go.sum", t.tidy},
		{"prismctl version", t.showVersion},
		{"prismctl demo", t.demo},
		{"compile a program that embeds the platform", t.embed},
	} {
		began := time.Now()
		if err := step.run(ctx); err != nil {
			return fmt.Errorf("%s: %w", step.name, err)
		}
		fmt.Printf("%s (%.1fs)\n", step.name, time.Since(began).Seconds())
	}
	return nil
}

// make copies the working tree, and makes a release of the copy.
func (t *trial) make(ctx context.Context) error {
	root, err := rootFolder(ctx)
	if err != nil {
		return err
	}
	if err := copyWorkingTree(ctx, root, t.source()); err != nil {
		return err
	}
	t.modules, err = lay(ctx, t.source(), t.version)
	return err
}

func (t *trial) source() string { return filepath.Join(t.dir, "source") }

// publish makes a module proxy, and the place that uses it. Only for our modules
// is there no checksum to be asked for elsewhere.
func (t *trial) publish(ctx context.Context) error {
	proxy := filepath.Join(t.dir, "proxy")
	for _, m := range t.modules {
		if err := m.publish(proxy); err != nil {
			return err
		}
	}
	given, err := place{}.run(ctx, "go", "env", "GOMODCACHE", "GOPROXY", "GONOSUMDB")
	if err != nil {
		return err
	}
	settings := strings.Split(given, "\n")
	t.cache = settings[0]
	t.place = place{filepath.Join(t.dir, "empty"), []string{
		"GOPROXY=file://" + filepath.ToSlash(proxy) + "," + settings[1],
		// Ours are in the folder, even if the user has others fetched directly.
		// With this set, go install believes a module that is in the cache and
		// does not look for a nested one, so prismctl is installed first.
		"GONOPROXY=none",
		"GONOSUMDB=" + strings.Trim(rootPath+","+settings[2], ","),
		"GOWORK=off",
		// What is in the module cache shall be removed again.
		"GOFLAGS=-modcacherw",
		"GOBIN=" + filepath.Join(t.dir, "bin"),
	}}
	if err := os.Mkdir(t.place.dir, 0o755); err != nil {
		return err
	}
	return uncache(t.cache, "v*"+mark+"*", time.Hour) // of a run that was killed
}

// remove leaves nothing behind, in the module cache neither.
func (t *trial) remove() error {
	if t.cache == "" {
		return os.RemoveAll(t.dir)
	}
	return errors.Join(os.RemoveAll(t.dir), uncache(t.cache, t.version, 0))
}
