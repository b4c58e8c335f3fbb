// Package examine checks the signatures of the requests that a command line names.
package examine

import (
	"context"
	"errors"
	"io"
	"os"
	"path"
	"slices"
	"strings"
	"unicode"

	"github.com/shopex/prism-go/cmd/prismctl/internal/charsets"
	"github.com/shopex/prism-go/cmd/prismctl/internal/exit"
	"github.com/shopex/prism-go/cmd/prismctl/internal/files"
	"github.com/shopex/prism-go/cmd/prismctl/internal/sent"
	"github.com/shopex/prism-go/sign"
)

// An Examiner checks the signatures of requests, with the secret and the key of its fields.
type Examiner struct {
	Secret  string
	Options sign.Options
	In      io.Reader // what - means
}

// A Result is what was found out about a request.
type Result struct {
	Diagnosis sign.Diagnosis
	Shown     string // the method and the path
	ToSign    string // the string to sign of the rule, without secrets
}

// Request examines one request.
func (e *Examiner) Request(r sent.Request) Result { return e.result(read(r)) }

func read(r sent.Request) sign.Received {
	return sign.NewReceived(r.Method, r.URL, r.Header, r.Body)
}

func (e *Examiner) result(received sign.Received) Result {
	o := e.Options
	o.Rewrites = charsets.Rewrites()
	d := sign.Check(e.Secret, received, o)
	d.Text = e.Masked(d.Text)
	return Result{
		Diagnosis: d,
		Shown:     e.Masked(received.Method + " " + received.RawPath),
		ToSign:    e.Masked(sign.Mask(sign.StringToSign(e.Secret, received.Request), e.Secret)),
	}
}

// Masked hides the secret in what is shown of a request. Whoever reads it has the secret,
// so that tells nobody anything.
func (e *Examiner) Masked(text string) string {
	if e.Secret == "" {
		return text
	}
	return strings.ReplaceAll(text, e.Secret, "***")
}

// unsigned reports whether there was nothing to examine: the request has no signature, or
// not one of the given key.
func (x *Result) unsigned() bool {
	return slices.ContainsFunc(x.Diagnosis.Causes, func(cause string) bool {
		return cause == "sign-missing" || cause == "secret-sent" || cause == "other-key"
	})
}

// Each examines the requests of a command line, and gives each result to do. What cannot be
// read is wrong use, and so is a single request that is not signed by the key.
func (e *Examiner) Each(ctx context.Context, args []string, do func(Result) error) error {
	if strings.EqualFold(strings.TrimSuffix(path.Base(args[0]), ".exe"), "curl") {
		request, err := sent.Curl(args[1:])
		if err != nil {
			return exit.With(exit.Usage, err)
		}
		return e.only(request, do)
	}
	if len(args) == 2 && args[0] != "" && strings.IndexFunc(args[0], func(r rune) bool { return !unicode.IsUpper(r) }) < 0 {
		args = []string{args[0] + " " + args[1]}
	}
	for _, arg := range args {
		if err := e.of(ctx, arg, do); err != nil {
			return err
		}
	}
	return nil
}

// of examines what one argument says: - is standard input, and the name of a file that is
// there means what is in it.
func (e *Examiner) of(ctx context.Context, arg string, do func(Result) error) error {
	if arg == "-" {
		return e.from(interruptible{ctx, e.In}, do)
	}
	name, isFile := strings.CutPrefix(arg, "@")
	if _, err := os.Stat(files.AtHome(name)); err != nil && !isFile {
		request, err := sent.Read([]byte(arg))
		if err != nil {
			return exit.Usagef("%w; and no file has that name", err)
		}
		return e.only(request, do)
	}
	f, err := os.Open(files.AtHome(name))
	if err != nil {
		return exit.Usagef("the request cannot be read: %w", err)
	}
	defer f.Close()
	return e.from(f, do)
}

// only examines a single request. If it is not signed by the key, that is wrong use.
func (e *Examiner) only(request sent.Request, do func(Result) error) error {
	x := e.Request(request)
	if x.unsigned() {
		return exit.With(exit.Usage, errors.New(x.Diagnosis.Text))
	}
	return do(x)
}

// from examines what a reader has. Of a HAR, that is what looks like a call of Prism.
func (e *Examiner) from(r io.Reader, do func(Result) error) error {
	entries, calls := 0, 0
	var written error
	err := sent.Each(r, func(request sent.Request) error {
		if request.Entry == 0 {
			written = e.only(request, do)
			return written
		}
		entries++
		received := read(request)
		if !received.Query.Has("client_id") && !received.Form.Has("client_id") && !received.Query.Has("sign") {
			return nil
		}
		calls++
		written = do(e.result(received))
		return written
	})
	switch {
	case written != nil:
		return written
	case errors.Is(err, context.Canceled):
		return err
	case err != nil:
		return exit.With(exit.Usage, err)
	case entries > 0 && calls == 0:
		return exit.Usagef("none of the %d requests of the HAR has a client_id or a signature", entries)
	}
	return nil
}

// An interruptible ends a read with its context. What the read still waits for then is
// left behind.
type interruptible struct {
	ctx context.Context
	r   io.Reader
}

func (i interruptible) Read(b []byte) (int, error) {
	if i.ctx.Err() != nil {
		return 0, i.ctx.Err()
	}
	type result struct {
		n   int
		err error
	}
	buffer := make([]byte, len(b))
	read := make(chan result, 1)
	go func() {
		n, err := i.r.Read(buffer)
		read <- result{n, err}
	}()
	select {
	case r := <-read:
		return copy(b, buffer[:r.n]), r.err
	case <-i.ctx.Done():
		return 0, i.ctx.Err()
	}
}
