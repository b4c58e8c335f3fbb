package admin_test

import (
	"errors"
	"testing"
	"time"

	"github.com/shopex/prism-go"
	"github.com/shopex/prism-go/admin"
)

func TestCallsOfAPlatformWithoutServicesAreNone(t *testing.T) {
	_, a := newAdmin(t)
	ctx := t.Context()
	calls, cursor, err := a.Calls(ctx, admin.CallFilter{Failed: true}, 10)
	if err != nil || len(calls) > 0 || cursor == "" {
		t.Errorf("got %v, cursor %q, %v", calls, cursor, err)
	}
	if calls, next, err := a.CallsAfter(ctx, cursor, admin.CallFilter{}, 0); err != nil || len(calls) > 0 || next != cursor {
		t.Errorf("behind the cursor: %v, %q, %v", calls, next, err)
	}
	if _, err := a.Call(ctx, "none"); !errors.Is(err, prism.ErrNotFound) {
		t.Errorf("a call that was not made: %v", err)
	}
	if stats, err := a.CallStats(ctx, admin.StatsQuery{By: "key", Bucket: "hour"}); err != nil || len(stats) > 0 {
		t.Errorf("statistics: %v, %v", stats, err)
	}
}

func TestAStatusIsThatOfTheProcess(t *testing.T) {
	_, a := newAdmin(t)
	s, err := a.Status(t.Context())
	if err != nil || !s.Ready || s.Disk != nil || time.Since(s.Started) > time.Hour {
		t.Errorf("got %+v, %v", s, err)
	}
}
