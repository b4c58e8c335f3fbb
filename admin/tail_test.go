package admin_test

import (
	"context"
	"errors"
	"testing"

	"github.com/shopex/prism-go"
	"github.com/shopex/prism-go/admin"
)

func TestATailTellsWhatHappensUntilThePlatformEnds(t *testing.T) {
	srv, a := newAdmin(t)
	var events []string
	for e, err := range a.Tail(t.Context(), admin.TailFilter{Key: srv.Key(), Failed: true, API: "no"}) {
		if errors.Is(err, admin.ErrTailEnded) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		events = append(events, e.Event+" "+e.Code)
		if e.Event == "begin" {
			if _, err := srv.Client().Get(t.Context(), "no/such", nil); !errors.Is(err, prism.ErrNotFound) {
				t.Error(err)
			}
			continue
		}
		srv.Restart()
	}
	if len(events) != 2 || events[0] != "begin " || events[1] != "call unknown_api" {
		t.Errorf("it told of %q", events)
	}
}

func TestATailThatIsLeftOrRefusedSaysSo(t *testing.T) {
	srv, a := newAdmin(t)
	for range a.Tail(t.Context(), admin.TailFilter{}) {
		break
	}
	enough := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	var last error
	for _, err := range a.Tail(ctx, admin.TailFilter{}) {
		cancel(enough)
		last = err
	}
	if !errors.Is(last, enough) {
		t.Errorf("it ended with %v", last)
	}
	other := srv.NewKey()
	for _, err := range admin.New(srv.ClientFor(other)).Tail(t.Context(), admin.TailFilter{Key: srv.Key()}) {
		var failure *prism.Error
		if !errors.As(err, &failure) || failure.Code != "forbidden_admin" {
			t.Errorf("refused with %v", err)
		}
	}
}
