// Package apifile finds and reads the api.json files that a command line or a setting
// names.
package apifile

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/shopex/prism-go/apijson"
)

// A Found is a file as people know it, and what is in it.
type Found struct {
	Name string
	apijson.File
}

// A Fetch gets the file at an address, and returns where it was at last. It bounds what it
// reads, and knows which addresses it may go to.
type Fetch func(ctx context.Context, u *url.URL) (text []byte, at *url.URL, err error)

// ErrElsewhere is the error of a file that a list has by its URL, and that is not fetched.
var ErrElsewhere = errors.New("it is not on this machine, and was left out")

// IsURL reports whether a name is an address, and no file.
func IsURL(name string) bool {
	return strings.HasPrefix(name, "http://") || strings.HasPrefix(name, "https://")
}

// Walk reads the api.json with this name or address, the files of a list such as api.txt,
// or those of a directory: of the api.txt in it, or all whose names end in .json. Lists are
// followed as [apijson.Walk] does. Those on this machine lead to no file outside of the
// directory in which the first one is, which their absolute paths begin at, and those at
// an address to none on this machine. What has an address is got by fetch; if that is nil,
// its error is [ErrElsewhere].
func Walk(ctx context.Context, name string, fetch Fetch) iter.Seq[Found] {
	if fetch == nil {
		fetch = func(context.Context, *url.URL) ([]byte, *url.URL, error) { return nil, nil, ErrElsewhere }
	}
	if IsURL(name) {
		return walkAddress(ctx, name, fetch)
	}
	return func(yield func(Found) bool) {
		dir, start := filepath.Dir(name), "/"+filepath.Base(name)
		if info, err := os.Stat(name); err == nil && info.IsDir() {
			dir, start = name, "/"
		}
		root, err := os.OpenRoot(dir)
		if err != nil {
			yield(Found{name, apijson.File{Err: plain(err)}})
			return
		}
		defer root.Close()
		l := local{root, name, start, fetch}
		for file := range apijson.Walk(ctx, &url.URL{Scheme: "file", Path: start}, l.get) {
			if !yield(Found{known(dir, file.URL), file}) {
				return
			}
		}
	}
}

func walkAddress(ctx context.Context, address string, fetch Fetch) iter.Seq[Found] {
	return func(yield func(Found) bool) {
		start, err := url.Parse(address)
		switch {
		case err != nil: // whose text has the address, and a password that may be in it
			yield(Found{"the address", apijson.File{Err: errors.New("it is no URL")}})
			return
		case start.User != nil:
			yield(Found{"the address", apijson.File{Err: errors.New("it must not have a user or password, which would be seen wherever the address is")}})
			return
		}
		for file := range apijson.Walk(ctx, start, fetch) {
			name := file.URL.String()
			if file.URL == start {
				name = address // as it was written
			}
			if !yield(Found{name, file}) {
				return
			}
		}
	}
}

// known is the name by which people know a file below dir.
func known(dir string, u *url.URL) string {
	if u.Scheme != "file" {
		return u.String()
	}
	return filepath.Join(dir, filepath.FromSlash(u.Path))
}

// local reads files below a directory, and fetches others.
type local struct {
	root        *os.Root
	name, start string // of the first file, and its path below root
	fetch       Fetch
}

func (l local) get(ctx context.Context, u *url.URL) (text []byte, at *url.URL, err error) {
	switch {
	case u.Scheme != "file":
		return l.fetch(ctx, u)
	case u.Path == "/":
		text, err = l.directory()
	case u.Path == l.start:
		text, err = readAll(os.Open(l.name)) // which may be a link to anywhere, as it was named
	default:
		text, err = l.read(strings.TrimPrefix(path.Clean(u.Path), "/"))
	}
	return text, u, err
}

func (l local) read(name string) ([]byte, error) {
	return readAll(l.root.Open(filepath.FromSlash(name)))
}

func readAll(f *os.File, err error) ([]byte, error) {
	if err != nil {
		return nil, plain(err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, apijson.MaxSize+1)) // one more: Parse refuses it
	return text, plain(err)
}

// directory returns a list of what a directory has.
func (l local) directory() ([]byte, error) {
	text, err := l.read("api.txt")
	if !errors.Is(err, fs.ErrNotExist) {
		return text, err
	}
	names, err := fs.Glob(l.root.FS(), "*.json")
	if err == nil && len(names) == 0 {
		err = errors.New("the directory has neither api.txt nor a file whose name ends in .json")
	}
	list := bytes.NewBufferString("#apilist\n")
	for _, name := range names {
		fmt.Fprintf(list, "/%s\n", url.PathEscape(name))
	}
	return list.Bytes(), err
}

// plain is the cause of an error alone, as the name of the file is known.
func plain(err error) error {
	var failed *fs.PathError
	if errors.As(err, &failed) {
		return failed.Err
	}
	return err
}
