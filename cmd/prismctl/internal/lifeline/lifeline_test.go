package lifeline

import (
	"errors"
	"fmt"
	"io"
	"testing"

	"github.com/shopex/prism-go"
	"github.com/shopex/prism-go/cmd/prismctl/internal/exit"
	"github.com/shopex/prism-go/notify"
)

func TestOnlyAPlatformThatWasNeverThereEndsTheCommand(t *testing.T) {
	for _, c := range []struct {
		name    string
		reached bool
		err     error
		status  int
		notices string
	}{
		{"gone", false, io.ErrUnexpectedEOF, exit.Unreachable, ""},
		{"refused", false, &prism.Error{Status: 401}, exit.Refused, ""},
		{"busy", false, prism.ErrRateLimited, exit.Done, "rate limited\nTrying again.\n"},
		{"gone later", true, io.ErrUnexpectedEOF, exit.Done, ""},
		{"refused later", true, &prism.Error{Status: 401}, exit.Done, ""},
	} {
		var notices string
		ctx, l := New(t.Context(), "http://127.0.0.1/api", func(format string, args ...any) { notices += fmt.Sprintf(format, args...) + "\n" })
		if c.reached {
			l.OnConnect()
		}
		l.OnError(c.err)
		if got := exit.Of(Verdict(ctx, nil)); got != c.status || (ctx.Err() != nil) != (c.status != exit.Done) || l.Reached() != c.reached {
			t.Errorf("%s: status %d, want %d; context %v", c.name, got, c.status, ctx.Err())
		}
		if notices != c.notices {
			t.Errorf("%s: notices %q, want %q", c.name, notices, c.notices)
		}
		l.Stop(nil)
	}
}

func TestALossIsToldOnceAndSoIsItsEnd(t *testing.T) {
	var notices string
	_, l := New(t.Context(), "", func(format string, args ...any) { notices += fmt.Sprintf(format, args...) + "\n" })
	defer l.Stop(nil)
	l.OnConnect() // the first one is no news
	l.OnDisconnect(nil)
	l.OnDisconnect(notify.ErrQueueDropped)
	l.OnDisconnect(errors.New("notify: the line is dead"))
	l.OnDisconnect(errors.New("notify: of another connection, too"))
	l.OnConnect()
	l.OnConnect()
	if want := "the connection was lost (the line is dead); connecting again\nconnected again\n"; notices != want {
		t.Errorf("notices %q, want %q", notices, want)
	}
}

func TestTheVerdictOfACommandThatWentWellIsItsOwn(t *testing.T) {
	ctx, l := New(t.Context(), "", nil)
	own := errors.New("too few")
	if err := Verdict(ctx, own); err != own {
		t.Errorf("%v", err)
	}
	l.Stop(nil)
	if err := Verdict(ctx, own); err != own {
		t.Errorf("after the end: %v", err)
	}
}
