// Package signin signs a user in by the browser: it opens that, waits for what it
// comes back with, and keeps the login between commands.
package signin

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode"

	"github.com/shopex/prism-go/cmd/prismctl/internal/conns"
)

// Path is that of the address at which the browser comes back.
const Path = "/callback"

// oneBrowser is more connections than one browser opens. Any program of this machine
// may open more, and then makes its own older ones end.
const oneBrowser = 32

// A Comeback is where the browser comes back to after a login: a server on
// this machine that takes one answer, from a caller that knows the state.
type Comeback struct {
	URL    string // of the callback
	State  string // that has to come back
	server *http.Server
	served chan struct{} // closed when Serve has returned

	visits  chan visit // gets the one answer
	visited sync.Once
	told    chan struct{} // closed when outcome is there
	telling sync.Once
	outcome Page
}

// A visit is what the browser came back with.
type visit struct {
	code string
	err  error // of the platform, which refused the login
}

// A DeniedError is an error of the platform that the browser came back with.
type DeniedError struct{ Code, Description string }

func (e *DeniedError) Error() string {
	text := "the platform refused the login: " + Readable(e.Code)
	if e.Description != "" {
		text += ": " + Readable(e.Description)
	}
	return text
}

// Await begins to wait for the browser on a port of the loopback
// interface; 0 is any free one.
func Await(port uint16) (*Comeback, error) {
	l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(int(port))))
	if err != nil {
		return nil, fmt.Errorf("cannot wait for the browser: %w\nChoose another port by --port; 0 is any free one", err)
	}
	b := &Comeback{
		URL:    "http://" + l.Addr().String() + Path,
		State:  rand.Text(),
		served: make(chan struct{}),
		visits: make(chan visit, 1),
		told:   make(chan struct{}),
	}
	var bounded net.Listener
	b.server, bounded = conns.NewServer(b, l, conns.Limit{Total: oneBrowser}, slog.New(slog.DiscardHandler))
	go func() {
		defer close(b.served)
		_ = b.server.Serve(bounded)
	}()
	return b, nil
}

// Wait returns the code with which the browser comes back.
func (b *Comeback) Wait(ctx context.Context) (string, error) {
	select {
	case v := <-b.visits:
		return v.code, v.err
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

// Tell says what became of the login to the browser that waits for it. Only
// the first call counts.
func (b *Comeback) Tell(outcome Page) {
	b.telling.Do(func() {
		b.outcome = outcome
		close(b.told)
	})
}

// Close ends the server. A browser that still waits there gets a page which says that the login failed.
func (b *Comeback) Close() {
	b.Tell(DonePage("").Failed(nil))
	// A browser opens connections ahead of need, which Shutdown would wait for.
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if b.server.Shutdown(ctx) != nil {
		_ = b.server.Close()
	}
	<-b.served
}

// ServeHTTP answers the browser.
func (b *Comeback) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	switch states := query["state"]; {
	case r.URL.Path != Path:
		Page{Status: http.StatusNotFound, Title: "There is no such page", Text: "Only a login comes back to this address."}.write(w)
		return
	case r.Method != http.MethodGet:
		w.Header().Set("Allow", http.MethodGet)
		Page{Status: http.StatusMethodNotAllowed, Title: "This is no login", Text: "A login comes back by GET."}.write(w)
		return
	case len(states) != 1 || subtle.ConstantTimeCompare([]byte(states[0]), []byte(b.State)) != 1:
		Page{Status: http.StatusBadRequest, Title: "This is another login", Text: "It was not begun by the prismctl that waits here. Open the address that it has printed."}.write(w)
		return
	}
	first := false
	b.visited.Do(func() { first = true })
	if !first {
		Page{Status: http.StatusBadRequest, Title: "This login is over", Text: "It was used already. Begin a new one by “prismctl login”."}.write(w)
		return
	}
	b.visits <- visitOf(query.Get("code"), query.Get("error"), query.Get("error_description"))
	<-b.told
	b.outcome.write(w)
}

func visitOf(code, failure, description string) visit {
	switch {
	case failure != "":
		return visit{err: &DeniedError{failure, description}}
	case code == "":
		return visit{err: fmt.Errorf("the platform sent the browser back without a code")}
	}
	return visit{code: code}
}

// Readable is text from a URL as a terminal may get it.
func Readable(text string) string {
	const enough = 300
	text = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, text)
	if len(text) > enough {
		text = strings.ToValidUTF8(text[:enough], "") + "..."
	}
	return text
}
