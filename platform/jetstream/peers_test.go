package jetstream

import (
	"context"
	"testing"
	"time"

	"github.com/shopex/prism-go/admin"
	busy "github.com/shopex/prism-go/internal/patience"
)

// tails follows what a node shows until the test ends.
func (n *gatewayNode) tails(t *testing.T, filter admin.TailFilter) <-chan admin.Activity {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), busy.Of(30*time.Second))
	shown, ended := make(chan admin.Activity, 10_000), make(chan struct{})
	t.Cleanup(func() { cancel(); <-ended })
	go func() {
		defer close(ended)
		defer close(shown)
		for a, err := range n.admin.Tail(ctx, filter) {
			if err != nil {
				return
			}
			shown <- a
		}
	}()
	if a := <-shown; a.Event != "begin" {
		t.Fatalf("it begins with %+v", a)
	}
	return shown
}

func TestATailShowsWhatHappensInEachProcess(t *testing.T) {
	url := external(t)
	e := open(t, Config{URL: url})
	provisionGateway(t, e.Store())
	one, other := newGatewayNode(t, e), newGatewayNode(t, open(t, Config{URL: url}))
	all, own := one.tails(t, admin.TailFilter{}), one.tails(t, admin.TailFilter{Key: gatewayAdmin.ID})
	sees := func(shown <-chan admin.Activity, key string, call func(*testing.T) error) {
		t.Helper()
		for { // the other process hears of the tail a moment after its caller does
			if err := call(t); err != nil {
				t.Fatal(err)
			}
			for late := false; !late; {
				select {
				case a, ok := <-shown:
					if !ok {
						t.Fatalf("the tail ends without the calls of %s", key)
					}
					if a.Event == "call" && a.ClientID == key {
						return
					}
				case <-time.After(100 * time.Millisecond):
					late = true
				}
			}
		}
	}
	sees(all, gatewayShop.ID, other.query)
	sees(all, gatewayShop.ID, one.query)
	sees(own, gatewayAdmin.ID, other.list)
	for len(own) > 0 {
		if a := <-own; a.ClientID != gatewayAdmin.ID {
			t.Errorf("the filter lets through %+v", a)
		}
	}
}

// list makes a call of the admin key.
func (n *gatewayNode) list(t *testing.T) error {
	t.Helper()
	_, err := n.admin.Apps(t.Context())
	return err
}
