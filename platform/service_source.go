package platform

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
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
	if isList([]byte(text)) {
		return nil, badRequest(code.FaultyFile, "file is a list of files, whose addresses mean something only at an address: send its url")
	}
	file, err := parseFile("", []byte(text))
	if err != nil {
		return nil, err
	}
	return &apiFile{text: []byte(text), file: file}, nil
}

// fetch reads the api.json at an address, or those of the list there.
func (im *importing) fetch(ctx context.Context, address string) ([]apiFile, error) {
	within, cancel := context.WithTimeout(ctx, importTime)
	defer cancel()
	g := gathering{im: im, fetcher: guard.Fetcher{Networks: im.p.networks(im.c.trusted()), MaxBytes: MaxServiceFile}, seen: make(map[string]bool)}
	err := g.visit(within, address)
	if err != nil && ctx.Err() != nil {
		return nil, ctx.Err() // the caller has gone
	}
	if err != nil && within.Err() != nil {
		return nil, badRequest(code.FetchFailed, fmt.Sprintf("the files could not be fetched within %v", importTime))
	}
	if err == nil && len(g.files) == 0 {
		return nil, badRequest(code.FaultyFile, "the list names no api.json")
	}
	return g.files, err
}

// The bounds of what one call fetches.
const (
	importTime    = 30 * time.Second
	maxImported   = 200 // files and lists
	importedBytes = 16 << 20
)

// A gathering reads a file, or a list and all that it leads to.
type gathering struct {
	im      *importing
	fetcher guard.Fetcher
	seen    map[string]bool
	bytes   int
	files   []apiFile
}

// visit reads what is at an address, unless the gathering has been there: lists may name each
// other.
func (g *gathering) visit(ctx context.Context, address string) error {
	if g.seen[address] {
		return nil
	}
	if len(g.seen) >= maxImported {
		return badRequest(code.FaultyFile, fmt.Sprintf("the list leads to more than %d files; import them in several calls", maxImported))
	}
	g.seen[address] = true
	file, err := g.fetcher.Fetch(ctx, address)
	if err != nil {
		return fetchFailed(address, err)
	}
	if g.bytes += len(file.Body); g.bytes > importedBytes {
		return badRequest(code.FaultyFile, fmt.Sprintf("the files have more than %d bytes together; import them in several calls", importedBytes))
	}
	if isList(file.Body) {
		g.note(address, "apilist")
		return g.visitAll(ctx, file)
	}
	g.note(address, "apijson")
	parsed, err := parseFile(address, file.Body)
	if err == nil {
		g.files = append(g.files, apiFile{url: address, text: file.Body, file: parsed})
	}
	return err
}

// note says to people what was found.
func (g *gathering) note(address, kind string) {
	fmt.Fprintf(&g.im.message, "Fetching [%s]... [200 OK]\nDetecting content-type... %s\n", address, kind)
}

// visitAll visits what the lines of a list name, relative to where it was found.
func (g *gathering) visitAll(ctx context.Context, list *guard.File) error {
	for line := range strings.Lines(string(list.Body)) {
		line = strings.TrimSpace(strings.TrimPrefix(line, "\ufeff"))
		if line == "" || strings.HasPrefix(line, "#") || strings.HasPrefix(line, "//") {
			continue
		}
		next, err := list.URL.Parse(line)
		if err != nil {
			return badRequest(code.FaultyFile, fmt.Sprintf("the list has a line that is no address: %q", shorten(line, 128)))
		}
		if err := g.visit(ctx, next.String()); err != nil {
			return err
		}
	}
	return nil
}

// parseFile reads an api.json. The error has the place of each fault.
func parseFile(address string, text []byte) (*apijson.Service, error) {
	file, err := apijson.Parse(text)
	var faults apijson.Faults
	if errors.As(err, &faults) {
		return nil, faultyFile(address, faults)
	}
	if err != nil {
		return nil, badRequest(code.FaultyFile, "the file is no api.json: "+err.Error())
	}
	return file, nil
}

// networks returns where files are fetched and backends are called.
func (p *Platform) networks(trusted bool) guard.Networks {
	return guard.Networks{Private: trusted || p.cfg.Gateway.Private, Loopback: trusted || p.cfg.Gateway.Loopback}
}

// maxFaults bounds the faults in an answer.
const maxFaults = 100

// A faultDoc is a fault of a file in an answer.
type faultDoc struct {
	URL    string `json:"url,omitempty"`
	Line   int    `json:"line"`
	Column int    `json:"column"`
	Text   string `json:"text"`
}

func faultyFile(address string, faults apijson.Faults) *failure {
	docs := []faultDoc{}
	for _, f := range faults[:min(len(faults), maxFaults)] {
		docs = append(docs, faultDoc{address, f.Line, f.Column, f.Text})
	}
	return &failure{
		status: http.StatusBadRequest, code: code.FaultyFile,
		message: "the api.json is not valid, and nothing was changed: " + shorten(faults.Error(), 1024),
		data:    map[string]any{"faults": docs},
	}
}

func fetchFailed(address string, cause error) *failure {
	return badRequest(code.FetchFailed, fmt.Sprintf("%s could not be fetched: %v", shorten(address, 256), cause))
}

// isList reports whether a file is a list of files: its first line is "#apilist".
func isList(text []byte) bool {
	first, _, _ := strings.Cut(strings.TrimPrefix(string(text), "\ufeff"), "\n")
	return strings.TrimSpace(first) == "#apilist"
}
