package platform

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/shopex/prism-go/apijson"
	"github.com/shopex/prism-go/internal/code"
	"github.com/shopex/prism-go/internal/guard"
)

// An apiFile is an api.json that was read.
type apiFile struct {
	url  string // where it was fetched; empty if it was given as text
	text []byte
	file *apijson.Service
	id   string   // of the service that is there already
	made *Service // the one to be made, otherwise
}

// read reads what the parameters of a call name: the text in file, or what is at url.
func (im *importing) read(ctx context.Context) ([]apiFile, error) {
	own := im.c.params()
	if own.Has("file") {
		if own.Has("url") {
			return nil, badRequest(code.InvalidParameter, "send url or file, not both: file is the text of an api.json in place of its address")
		}
		s, err := im.given()
		if err != nil {
			return nil, err
		}
		return []apiFile{*s}, nil
	}
	address, err := required(own, "url", addressBytes)
	if err != nil {
		return nil, err
	}
	return im.fetch(ctx, address)
}

// readAgain reads the api.json of a service that is there.
func (im *importing) readAgain(ctx context.Context, now *Service) (*apiFile, error) {
	if im.c.params().Has("file") {
		s, err := im.given()
		if err == nil {
			s.id = now.ID
		}
		return s, err
	}
	if now.Source == "" {
		return nil, badRequest(code.MissingParameter, "this service was imported as text: send the new text in the parameter file")
	}
	all, err := im.fetch(ctx, now.Source)
	if err != nil {
		return nil, err
	}
	if len(all) != 1 {
		return nil, badRequest(code.FaultyFile, "at the address of this service there is a list of files now; refresh it by url")
	}
	all[0].id = now.ID
	return &all[0], nil
}

// given returns the api.json in the parameter file.
func (im *importing) given() (*apiFile, error) {
	text, err := required(im.c.params(), "file", MaxServiceFile)
	if err != nil {
		return nil, err
	}
	if apijson.IsList([]byte(text)) {
		return nil, badRequest(code.FaultyFile, "file is a list of files, whose addresses mean something only at an address: send its url")
	}
	file, err := apijson.Parse([]byte(text))
	if err != nil {
		return nil, serviceFailure(err)
	}
	return &apiFile{text: []byte(text), file: file}, nil
}

// The bounds of what one call fetches, beside those of [apijson.Walk].
const (
	importTime    = 30 * time.Second
	importedBytes = 16 << 20
)

// fetch reads the api.json at an address, or those of the list there.
func (im *importing) fetch(ctx context.Context, address string) ([]apiFile, error) {
	start, err := guard.ParseAddress(address)
	if err != nil {
		return nil, fetchFailed(address, err)
	}
	within, cancel := context.WithTimeout(ctx, importTime)
	defer cancel()
	g := gathering{im: im, fetcher: guard.Fetcher{Networks: im.p.networks(im.c.isOperator()), MaxBytes: MaxServiceFile}}
	var all []apiFile
	for f := range apijson.Walk(within, start, g.get) {
		switch {
		case ctx.Err() != nil:
			return nil, ctx.Err() // the caller has gone
		case within.Err() != nil:
			return nil, badRequest(code.FetchFailed, fmt.Sprintf("the files could not be fetched within %v", importTime))
		case f.Err != nil:
			return nil, unreadable(f)
		}
		from := f.URL.String()
		if f.URL == start {
			from = address // as the caller writes it, by which it will name it
		}
		all = append(all, apiFile{url: from, text: f.Text, file: f.Service})
	}
	if len(all) == 0 {
		return nil, badRequest(code.FaultyFile, "the list names no api.json")
	}
	return all, nil
}

// A gathering fetches the files of a walk.
type gathering struct {
	im      *importing
	fetcher guard.Fetcher
	bytes   int // of all files
}

// errTooMuch is the error of a file that makes the files too large together.
var errTooMuch = fmt.Errorf("the files have more than %d bytes together; import them in several calls", importedBytes)

// get fetches one file, and says to people what was found.
func (g *gathering) get(ctx context.Context, u *url.URL) (text []byte, at *url.URL, err error) {
	file, err := g.fetcher.Fetch(ctx, u.String())
	if err != nil {
		return nil, nil, err
	}
	if g.bytes += len(file.Body); g.bytes > importedBytes {
		return nil, nil, errTooMuch
	}
	kind := "apijson"
	if apijson.IsList(file.Body) {
		kind = "apilist"
	}
	fmt.Fprintf(&g.im.message, "Fetching [%s]... [200 OK]\nDetecting content-type... %s\n", u, kind)
	return file.Body, file.URL, nil
}

// unreadable returns the answer for a file that could not be fetched or has faults.
func unreadable(f apijson.File) *failure {
	var faults apijson.Faults
	switch {
	case errors.As(f.Err, &faults):
		return faultyFile(f.URL.String(), faults)
	case errors.Is(f.Err, apijson.ErrTooManyFiles):
		return badRequest(code.FaultyFile, "the list leads to too many files, or lists within lists; import them in several calls")
	case errors.Is(f.Err, errTooMuch):
		return badRequest(code.FaultyFile, f.Err.Error())
	}
	return fetchFailed(f.URL.String(), f.Err)
}

// networks returns where files are fetched and backends are called.
func (p *Platform) networks(trusted bool) guard.Networks {
	return guard.Networks{Private: trusted || p.cfg.Gateway.Private, Loopback: trusted || p.cfg.Gateway.Loopback}
}

// A faultDoc is a fault of a file in an answer.
type faultDoc struct {
	URL    string `json:"url,omitempty"`
	Line   int    `json:"line"`
	Column int    `json:"column"`
	Text   string `json:"text"`
}

func faultyFile(address string, faults apijson.Faults) *failure {
	docs := []faultDoc{}
	for _, f := range faults {
		docs = append(docs, faultDoc{address, f.Line, f.Column, f.Text})
	}
	return &failure{
		status: http.StatusBadRequest, code: code.FaultyFile,
		message: "the api.json is not valid, and nothing was changed: " + shorten(faults.Error(), 1024),
		data:    map[string]any{"faults": docs},
	}
}

// fetchFailed shows the address unless a password could be in it.
func fetchFailed(address string, cause error) *failure {
	shown := "the address"
	if u, err := url.Parse(address); err == nil && u.User == nil {
		shown = shorten(address, 256)
	}
	return badRequest(code.FetchFailed, fmt.Sprintf("%s could not be fetched: %v", shown, cause))
}
