package apijson

import (
	"context"
	"errors"
	"iter"
	"net/url"
)

const (
	mostFiles    = 1_000 // of a walk, lists included
	deepestLists = 8     // lists within lists
)

// A File is an api.json that was found, or what was found in its place.
type File struct {
	URL     *url.URL
	Text    []byte   // nil if it could not be fetched
	Service *Service // nil if there is an error
	Err     error    // that of the fetch, or [Faults] of Text
}

// ErrTooManyFiles is the error of what is not fetched any more.
var ErrTooManyFiles = errors.New("apijson: too many files, or lists within lists")

// Walk fetches the file at start and, if that is a list, all files that it names, lists
// among them too, in the order in which they are named. Each is fetched once, whoever
// names it. It yields each api.json, and each file that has an error; the others go on.
//
// After 1,000 files, and below 8 lists within lists, it yields [ErrTooManyFiles] and
// ends. It ends as well with the error of ctx. fetch returns a file and where it was at
// last, as redirects may have led there: what a list names is relative to that. It has to
// bound what it reads, by [MaxSize] for example, and to know which addresses it may go to.
func Walk(ctx context.Context, start *url.URL, fetch func(context.Context, *url.URL) (text []byte, at *url.URL, err error)) iter.Seq[File] {
	return func(yield func(File) bool) {
		w := walk{ctx: ctx, fetch: fetch, yield: yield, seen: map[string]bool{}}
		w.visit(start, 0)
	}
}

type walk struct {
	ctx   context.Context
	fetch func(context.Context, *url.URL) (text []byte, at *url.URL, err error)
	yield func(File) bool
	seen  map[string]bool
}

// visit reports whether the walk goes on.
func (w *walk) visit(u *url.URL, depth int) bool {
	if w.seen[u.String()] {
		return true
	}
	if len(w.seen) == mostFiles || depth > deepestLists {
		w.yield(File{URL: u, Err: ErrTooManyFiles})
		return false
	}
	w.seen[u.String()] = true
	text, at, err := w.fetch(w.ctx, u)
	switch {
	case w.ctx.Err() != nil:
		w.yield(File{URL: u, Err: w.ctx.Err()})
		return false
	case err != nil:
		return w.yield(File{URL: u, Err: err})
	case !IsList(text):
		s, err := Parse(text)
		return w.yield(File{u, text, s, err})
	}
	names, err := ParseList(text, at)
	if err != nil {
		return w.yield(File{URL: u, Text: text, Err: err})
	}
	for _, name := range names {
		if !w.visit(name, depth+1) {
			return false
		}
	}
	return true
}
