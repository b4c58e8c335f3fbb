package main

import (
	"context"
	"fmt"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/shopex/prism-go"
)

// tidy finds out whether each go.mod and go.sum is complete and true, as for
// those who build in a clone of the tag.
func (t *trial) tidy(ctx context.Context) error {
	for _, m := range t.modules {
		there := place{filepath.Join(t.source(), filepath.FromSlash(m.folder)), append(t.env, "GOFLAGS=-modcacherw -mod=readonly")}
		if _, err := there.run(ctx, "go", "list", "-deps", "-test", "./..."); err != nil {
			return err
		}
	}
	return nil
}

func (t *trial) install(ctx context.Context) error {
	_, err := t.run(ctx, "go", "install", rootPath+"/cmd/prismctl@"+t.version)
	return err
}

func (t *trial) prismctl() string {
	path := filepath.Join(t.dir, "bin", "prismctl")
	if runtime.GOOS == "windows" {
		path += ".exe"
	}
	return path
}

// showVersion finds out whether the binary says which version it is, and is
// made of all the modules of that release that it needs: all but the adapters.
func (t *trial) showVersion(ctx context.Context) error {
	said, err := t.run(ctx, t.prismctl(), "version")
	if err != nil {
		return err
	}
	if !strings.HasPrefix(said, "prismctl "+prism.Version+" ") {
		return fmt.Errorf("prismctl says %q, want %s", said, prism.Version)
	}
	parts, err := t.run(ctx, "go", "version", "-m", t.prismctl())
	if err != nil {
		return err
	}
	for _, m := range t.modules {
		if !strings.HasPrefix(m.folder, "contrib/") && !strings.Contains(parts, "\t"+m.path()+"\t"+m.version+"\t") {
			return fmt.Errorf("prismctl is not made of %s@%s, but of\n%s", m.path(), m.version, parts)
		}
	}
	return nil
}

func (t *trial) demo(ctx context.Context) error {
	_, err := t.run(ctx, t.prismctl(), "demo")
	return err
}
