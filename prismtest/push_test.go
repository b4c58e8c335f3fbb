package prismtest_test

import (
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"github.com/shopex/prism-go/prismtest"
)

func TestMessagesArePushedToAReceiverInTheTest(t *testing.T) {
	var failed atomic.Bool
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if !failed.Swap(true) {
			w.WriteHeader(http.StatusInternalServerError)
		}
	}))
	defer receiver.Close()
	srv := prismtest.NewServer(t)
	srv.Write("", "pushed")
	srv.Push(receiver.URL)
	pushes := srv.WaitPushes(2)
	if pushes[0].Status != 500 || pushes[0].Err == nil || pushes[1].Status != 200 || pushes[1].Attempt != 2 || string(pushes[1].Message.Body) != "pushed" {
		t.Errorf("pushes %+v", pushes)
	}
	if fails := srv.WaitFails(1); fails[0].Conn != 0 || fails[0].Reason != "the receiver answered 500 Internal Server Error" {
		t.Errorf("fails %+v", fails)
	}
	srv.Restart()
	srv.Write("", "after a restart")
	if pushes = srv.WaitPushes(3); string(pushes[2].Message.Body) != "after a restart" {
		t.Errorf("pushes %+v", pushes)
	}
}
