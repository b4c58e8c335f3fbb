package main

import (
	"fmt"
	"io/fs"
	"os"
	"runtime"
	"slices"
	"strings"

	"github.com/shopex/prism-go/cmd/prismctl/internal/exit"
	"github.com/shopex/prism-go/cmd/prismctl/internal/words"
)

// checkPrivate refuses a file that other users of the machine may read or
// change. Its group may read it, as a service often runs as another user. Files
// that nobody can change the mode of are as private as whoever mounted them made
// them: containers get their secrets so, for everybody to read.
func checkPrivate(f *os.File) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	open := openTo(info)
	if open == "" || !info.Mode().IsRegular() || onReadOnly(f) {
		return nil
	}
	return fmt.Errorf("%s may be %s by other users of this machine (mode %04o): run \"chmod g-w,o-rwx %s\"",
		words.Shown(f.Name()), open, info.Mode().Perm(), quoted(f.Name()))
}

// openTo says what others may do with a file or a directory, or "".
func openTo(info fs.FileInfo) string {
	mode := info.Mode().Perm()
	switch {
	case runtime.GOOS == "windows": // which has no such modes
		return ""
	case mode&0o022 != 0:
		return "changed"
	case mode&0o007 != 0:
		return "read"
	}
	return ""
}

// checkPrivateFile is checkPrivate for a file that another package reads.
func checkPrivateFile(name string) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	return checkPrivate(f)
}

// warnOfDirectory says when others may look into --data or change what is there.
func (s *service) warnOfDirectory() {
	info, err := os.Stat(s.Data)
	if s.Data == "" || err != nil {
		return
	}
	if open := openTo(info); open != "" {
		s.t.notice("WARNING: the directory %s may be %s by other users of this machine (mode %04o): run \"chmod g-w,o-rwx %s\".",
			words.Shown(s.Data), open, info.Mode().Perm(), quoted(s.Data))
	}
}

func (s *storage) checkCreds() error {
	if s.NatsCreds == "" {
		return nil
	}
	if err := checkPrivateFile(s.NatsCreds); err != nil {
		return exit.Usagef("the credentials for --nats cannot be read: %w", err)
	}
	return nil
}

// checkMode refuses a file with secrets that others may read, and one that
// everybody may change.
func (f *configFile) checkMode() error {
	info, err := os.Stat(atHome(f.name))
	if err != nil {
		return fmt.Errorf("the configuration cannot be read: %w", err)
	}
	if f.holdsSecret() || openTo(info) != "" && info.Mode().Perm()&0o002 != 0 {
		return checkPrivateFile(atHome(f.name))
	}
	return nil
}

// holdsSecret reports whether there is a hash of a password, which can be
// guessed at, or the password of a server.
func (f *configFile) holdsSecret() bool {
	nats, _ := f.scalars["nats"].(string)
	return slices.ContainsFunc(f.lists.Users, func(u userEntry) bool { return u.PasswordHash != "" }) || strings.Contains(nats, "@")
}
