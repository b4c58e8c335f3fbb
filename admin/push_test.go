package admin_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/shopex/prism-go"
	"github.com/shopex/prism-go/admin"
	"github.com/shopex/prism-go/internal/push"
)

func TestMessagesArePushedToAnAddressUntilThatIsStopped(t *testing.T) {
	receiver := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer receiver.Close()
	srv, a := newAdmin(t)
	ctx, id := t.Context(), srv.Key()
	secret := must[string](t)(a.SetPush(ctx, id, receiver.URL, 0))
	if _, err := push.ParseSecret(secret); err != nil {
		t.Errorf("the secret %.6q...: %v", secret, err)
	}
	srv.Write("", "1")
	if pushed := srv.WaitPushes(1); pushed[0].Err != nil {
		t.Errorf("pushed %+v", pushed[0])
	}
	if again := must[string](t)(a.SetPush(ctx, id, receiver.URL+"/?a=b c", 4)); again != "" {
		t.Error("a key that has a secret got another one")
	}
	if key := must[*admin.Key](t)(a.Key(ctx, id)); key.PushURL != receiver.URL+"/?a=b c" || key.PushWorkers != 4 {
		t.Errorf("the key is pushed to %q by %d workers", key.PushURL, key.PushWorkers)
	}
	if fresh := must[string](t)(a.RotatePushSecret(ctx, id, time.Hour)); fresh == secret || !strings.HasPrefix(fresh, "whsec_") {
		t.Error("the secret was not rotated")
	}
	if _, err := a.RotatePushSecret(ctx, id, time.Millisecond); !isParam(err, "grace") {
		t.Errorf("RotatePushSecret for a millisecond: %v", err)
	}
	for range 2 {
		if err := a.StopPush(ctx, id); err != nil {
			t.Error(err)
		}
	}
	if key := must[*admin.Key](t)(a.Key(ctx, id)); key.PushURL != "" || key.PushWorkers != 0 {
		t.Errorf("the key is pushed to %q by %d workers", key.PushURL, key.PushWorkers)
	}
	if _, err := a.SetPush(ctx, "nobody", receiver.URL, 1); !errors.Is(err, prism.ErrNotFound) {
		t.Errorf("SetPush of a key that is not there: %v", err)
	}
}

func isParam(err error, name string) bool {
	var e *prism.ParamError
	return errors.As(err, &e) && e.Name == name
}
