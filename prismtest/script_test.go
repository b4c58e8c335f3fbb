package prismtest_test

import (
	"errors"
	"net/http"
	"testing"

	"github.com/shopex/prism-go"
	"github.com/shopex/prism-go/prismtest"
)

func TestAScriptedAnswer(t *testing.T) {
	for _, api := range []string{"systrade", "/systrade", "platform/notify/status"} {
		t.Run(api, func(t *testing.T) {
			srv := prismtest.NewServer(t)
			srv.Handle(api, prismtest.Answer(map[string]int{"total": 7}))
			res, err := srv.Client().Get(t.Context(), api, nil)
			if err != nil {
				t.Fatal(err)
			}
			var got struct{ Total int }
			if err := res.Decode(&got); err != nil || got.Total != 7 {
				t.Errorf("decoded %+v, %v", got, err)
			}
		})
	}
}

func TestAScriptedFailure(t *testing.T) {
	for _, row := range []struct {
		status int
		code   string
		is     error
	}{
		{200, "no_such_trade", nil},
		{403, "forbidden", prism.ErrForbidden},
		{404, "gone", prism.ErrNotFound},
		{500, "broken", nil},
	} {
		srv := prismtest.NewServer(t)
		srv.Handle("systrade", prismtest.Fail(row.status, row.code, "in words"))
		_, err := srv.Client().Post(t.Context(), "systrade", nil)
		var failure *prism.Error
		if !errors.As(err, &failure) || failure.Code != row.code || failure.Message != "in words" || failure.Status != row.status || failure.RequestID == "" {
			t.Errorf("%s: %#v", row.code, err)
		}
		if row.is != nil && !errors.Is(err, row.is) {
			t.Errorf("%v is not %v", err, row.is)
		}
	}
}

func TestAnswersOneAfterTheOther(t *testing.T) {
	srv := prismtest.NewServer(t)
	client := srv.Client()
	srv.Handle("systrade", prismtest.Answer("always"))
	srv.HandleOnce("systrade", prismtest.Answer("first"), nil)
	srv.HandleOnce("/systrade", prismtest.Answer("third"))
	for i, want := range []string{"first", "unknown_api", "third", "always", "always"} {
		res, err := client.Get(t.Context(), "systrade", nil)
		var got string
		var failure *prism.Error
		if errors.As(err, &failure) {
			got = failure.Code
		} else if err = res.Decode(&got); err != nil {
			t.Fatal(err)
		}
		if got != want {
			t.Errorf("answer %d is %q, want %q", i+1, got, want)
		}
	}
	srv.Handle("systrade", nil)
	if _, err := client.Get(t.Context(), "systrade", nil); !errors.Is(err, prism.ErrNotFound) {
		t.Errorf("after Handle with nil: %v", err)
	}
}

func TestAHandlerSeesTheCallAsABackendDoes(t *testing.T) {
	srv := prismtest.NewServer(t)
	srv.Handle("systrade", func(w http.ResponseWriter, r *http.Request) {
		r.ParseForm()
		if r.Form.Get("tid") != "42" || r.Form.Has("sign") || r.Form.Has("client_id") {
			t.Errorf("the parameters are %v", r.Form)
		}
		if r.Header.Get("X-Request-Id") == "" || r.Header.Get("X-Api-Arg") == "" {
			t.Errorf("the header is %v", r.Header)
		}
		w.Write([]byte(`{"rsp":"succ","data":1}`))
	})
	if _, err := srv.Client().Post(t.Context(), "systrade", prism.Params{"tid": 42}); err != nil {
		t.Error(err)
	}
}

func TestARefusedSignatureDoesNotReachAHandler(t *testing.T) {
	srv := prismtest.NewServer(t)
	srv.Handle("systrade", func(http.ResponseWriter, *http.Request) { t.Error("it did") })
	cfg := srv.ClientConfig()
	cfg.Secret = "wrong"
	client, err := prism.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	_, err = client.Get(t.Context(), "systrade", nil)
	if !errors.Is(err, prism.ErrUnauthorized) {
		t.Fatal(err)
	}
	mustContain(t, err.Error(), "the platform signed:")
}

func TestAResultWithoutJSONIsAFailure(t *testing.T) {
	srv := prismtest.NewServer(t)
	srv.Handle("systrade", prismtest.Answer(make(chan int)))
	_, err := srv.Client().Get(t.Context(), "systrade", nil)
	if err == nil {
		t.Fatal("no error")
	}
	mustContain(t, err.Error(), "has no JSON")
}

// The message channel is an API as well: what is said about it is heard by
// consumers.
func TestAConsumerHearsAScriptedRefusal(t *testing.T) {
	srv := prismtest.NewServer(t)
	srv.HandleOnce("platform/notify", prismtest.Fail(429, "too_many_connections", "one is enough"))
	consume(t, srv, fastRetry(), accept)
	srv.WaitConnections(1)
	calls := srv.WaitCalls(2, "platform/notify")
	if calls[0].Status != 429 || calls[1].Status != 101 {
		t.Errorf("the handshakes ended with %d and %d", calls[0].Status, calls[1].Status)
	}
}
