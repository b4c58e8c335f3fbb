// Command packages makes a deb and an rpm of each archive for Linux that
// tools/dist has built, beside it in the folder dist, and adds their checksums:
//
//	go run ./tools/dist && go run ./tools/packages
//
// It takes the binary from the archive, so all three have the same one, and the
// time of the files. The same archive gives the same bytes.
package main

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

const sums = "SHA256SUMS"

func main() {
	folder := "dist"
	if len(os.Args) == 2 {
		folder = os.Args[1]
	}
	if err := packAll(folder); err != nil {
		fmt.Fprintln(os.Stderr, "packages:", err)
		os.Exit(1)
	}
}

// packAll makes the packages of all archives in a folder.
func packAll(folder string) error {
	archives, err := filepath.Glob(filepath.Join(folder, "prismctl_*_linux_*.tar.gz"))
	if err != nil {
		return err
	}
	if len(archives) == 0 {
		return errors.New("there is no archive for Linux in " + folder + ": go run ./tools/dist makes them")
	}
	var list strings.Builder
	for _, path := range archives {
		a, err := openArchive(path)
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		for _, format := range formats {
			name, content, err := a.pack(format)
			if err != nil {
				return fmt.Errorf("%s of %s: %w", format, path, err)
			}
			if err := os.WriteFile(filepath.Join(folder, name), content, 0o644); err != nil {
				return err
			}
			fmt.Printf("%s (%d bytes)\n", filepath.Join(folder, name), len(content))
			fmt.Fprintf(&list, "%x  %s\n", sha256.Sum256(content), name)
		}
	}
	return addSums(filepath.Join(folder, sums), list.String())
}

// addSums replaces the checksums of packages in a file by those of list.
func addSums(path, list string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var kept strings.Builder
	for line := range strings.Lines(string(text)) {
		if name := strings.TrimSpace(line); !strings.HasSuffix(name, ".deb") && !strings.HasSuffix(name, ".rpm") {
			kept.WriteString(line)
		}
	}
	return os.WriteFile(path, []byte(kept.String()+list), 0o644)
}
