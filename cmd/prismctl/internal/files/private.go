package files

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"os"
	"runtime"
	"strings"

	"github.com/shopex/prism-go/cmd/prismctl/internal/words"
)

// Check refuses a file that other users of the machine may read or
// change. Its group may read it, as a service often runs as another user. A
// file whose mode nobody can change, on a read-only mount, is taken as it is: so
// containers get their secrets, readable for everybody.
func Check(f *os.File) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	open := OpenTo(info)
	if open == "" || !info.Mode().IsRegular() || onReadOnly(f) {
		return nil
	}
	return fmt.Errorf("%s may be %s by other users of this machine (mode %04o): run \"chmod g-w,o-rwx %s\"",
		words.Shown(f.Name()), open, info.Mode().Perm(), words.Quoted(f.Name()))
}

// OpenTo says what others may do with a file or a directory, or "".
func OpenTo(info fs.FileInfo) string {
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

// CheckFile is Check for a file that another package reads.
func CheckFile(name string) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	return Check(f)
}

// longestPrivate is more than any secret or private key has.
const longestPrivate = 1 << 20

// ReadPrivate reads a file that is nobody else's business, such as a secret.
func ReadPrivate(file string) ([]byte, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if err := Check(f); err != nil {
		return nil, err
	}
	text, err := io.ReadAll(io.LimitReader(f, longestPrivate+1))
	switch {
	case err != nil:
		return nil, err
	case len(text) > longestPrivate:
		return nil, fmt.Errorf("%s has more than %d bytes", words.Shown(file), longestPrivate)
	case bytes.HasPrefix(text, []byte("\xff\xfe")), bytes.HasPrefix(text, []byte("\xfe\xff")):
		return nil, fmt.Errorf("%s is UTF-16: save it as UTF-8", words.Shown(file))
	}
	return text, nil
}

// WithoutMark returns text without the mark that editors for Windows put in
// front of UTF-8.
func WithoutMark(text string) string { return strings.TrimPrefix(text, "\ufeff") }
