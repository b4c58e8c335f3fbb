package main

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// copyCommit writes the files of HEAD into dir, with the line ends that a
// checksum is made of. The working tree must be clean, so that nothing is left
// out by mistake.
func copyCommit(ctx context.Context, root, dir string) error {
	changed, err := place{dir: root}.run(ctx, "git", "status", "--porcelain")
	if err != nil {
		return err
	}
	if changed != "" {
		return fmt.Errorf("the working tree is not clean: commit or remove what git status shows:\n%s", changed)
	}
	archive, err := place{dir: root}.run(ctx, "git", "-c", "core.autocrlf=input", "-c", "core.eol=lf", "archive", "HEAD")
	if err != nil {
		return err
	}
	for tape := tar.NewReader(strings.NewReader(archive)); ; {
		header, err := tape.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("what git archive wrote cannot be read: %w", err)
		}
		if header.Typeflag != tar.TypeReg {
			continue // a symbolic link is in no module
		}
		content, err := io.ReadAll(tape)
		if err != nil {
			return err
		}
		if err := write(dir, header.Name, content, header.FileInfo().Mode().Perm()); err != nil {
			return err
		}
	}
}

// copyWorkingTree writes into dir what would be committed of the working tree
// now; all of it when that is no clone.
func copyWorkingTree(ctx context.Context, root, dir string) error {
	names, err := sourceNames(ctx, root)
	if err != nil {
		return err
	}
	for _, name := range names {
		path := filepath.Join(root, filepath.FromSlash(name))
		info, err := os.Lstat(path)
		if errors.Is(err, fs.ErrNotExist) || err == nil && !info.Mode().IsRegular() {
			continue // deleted and not committed, or a symbolic link
		}
		if err != nil {
			return err
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if err := write(dir, name, content, info.Mode().Perm()); err != nil {
			return err
		}
	}
	return nil
}

func sourceNames(ctx context.Context, root string) ([]string, error) {
	list, err := place{dir: root}.run(ctx, "git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
	if err == nil {
		return strings.FieldsFunc(list, func(r rune) bool { return r == 0 }), nil
	}
	if ctx.Err() != nil {
		return nil, err
	}
	return filesBelow(root)
}

// filesBelow returns the names of the regular files below dir, with slashes.
func filesBelow(dir string) ([]string, error) {
	var names []string
	err := fs.WalkDir(os.DirFS(dir), ".", func(name string, entry fs.DirEntry, err error) error {
		if err == nil && entry.Type().IsRegular() {
			names = append(names, name)
		}
		return err
	})
	return names, err
}

func write(dir, name string, content []byte, mode fs.FileMode) error {
	path := filepath.Join(dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, content, mode)
}
