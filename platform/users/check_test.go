package users_test

import (
	"database/sql/driver"
	"errors"
	"io"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/shopex/prism-go/platform"
	"github.com/shopex/prism-go/platform/users"
)

func TestADatabaseSaysWhenASessionIsOver(t *testing.T) {
	ann := []driver.Value{int64(7), hashOf(t, canary), "ann@example.com"}
	for name, test := range map[string]struct {
		query string // CheckQuery
		later [][]driver.Value
		over  bool
	}{
		"as before":         {"", [][]driver.Value{ann}, false},
		"other data":        {"", [][]driver.Value{{ann[0], ann[1], "new"}}, false},
		"gone or disabled":  {"", nil, true},
		"another hash":      {"", [][]driver.Value{{ann[0], hashOf(t, "new"), ann[2]}}, true},
		"another ID":        {"", [][]driver.Value{{int64(8), ann[1], ann[2]}}, true},
		"checked as before": {"check", [][]driver.Value{ann}, false},
		"checked, gone":     {"check", nil, true},
		"checked, changed":  {"check", [][]driver.Value{{ann[0], ann[1], nil}}, true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				tb := &table{columns: []string{"id", "hash", "mail"}, rows: [][]driver.Value{ann}}
				s := asking(t, tb)
				s.CheckQuery = test.query
				user, err := s.Authenticate(t.Context(), "ann", canary)
				if err != nil || user.Epoch == "" {
					t.Fatalf("%+v, %v", user, err)
				}
				tb.rows, tb.ran = test.later, nil
				for range 100 {
					if epoch, err := s.Epoch(t.Context(), "ann"); epoch != user.Epoch || err != nil || len(tb.ran) > 0 {
						t.Fatalf("within the minute: %q, %v; it ran %v", epoch, err, tb.ran)
					}
				}
				time.Sleep(time.Minute)
				for range 100 {
					epoch, err := s.Epoch(t.Context(), "ann")
					if unknown := errors.Is(err, platform.ErrUnknownUser); unknown != (test.later == nil) || err != nil && !unknown || (epoch != user.Epoch) != test.over {
						t.Fatalf("after it: %q, %v; it was %q", epoch, err, user.Epoch)
					}
				}
				if len(tb.ran) != 1 {
					t.Errorf("it ran %v", tb.ran)
				}
			})
		})
	}
}

// Who has just got another password logs in by it, and stays in.
func TestALoginKnowsTheNewestEpoch(t *testing.T) {
	tb := &table{columns: []string{"id", "hash"}, rows: [][]driver.Value{{int64(7), hashOf(t, "old")}}}
	s := asking(t, tb)
	before, err := s.Authenticate(t.Context(), "ann", "old")
	if err != nil {
		t.Fatal(err)
	}
	tb.rows = [][]driver.Value{{int64(7), hashOf(t, canary)}}
	user, err := s.Authenticate(t.Context(), "ann", canary)
	if epoch, failed := s.Epoch(t.Context(), "ann"); err != nil || failed != nil || epoch != user.Epoch || epoch == before.Epoch {
		t.Errorf("the epoch is %q, %v; that of the login is %q, %v, and before it was %q", epoch, failed, user.Epoch, err, before.Epoch)
	}
}

func TestADatabaseMayBeAskedAtLoginsOnly(t *testing.T) {
	tb := &table{columns: []string{"id", "hash"}, rows: [][]driver.Value{{int64(7), hashOf(t, canary)}}}
	for _, s := range []*users.SQL{
		{DB: tb.open(t), Query: "query", Iterations: -1, CheckEvery: -1, CheckQuery: "check"},
		{DB: tb.open(t), Query: "query", Compare: true},
	} {
		tb.ran = nil
		user, err := s.Authenticate(t.Context(), "ann", canary)
		if err != nil || user.Epoch != "" {
			t.Errorf("%+v, %v", user, err)
		}
		if epoch, err := s.Epoch(t.Context(), "ann"); epoch != "" || err != nil || len(tb.ran) != 1 {
			t.Errorf("%q, %v; it ran %v", epoch, err, tb.ran)
		}
	}
}

func TestAQueryThatComparesLetsNobodyInWhomTheCheckRefuses(t *testing.T) {
	tb := &table{columns: []string{"id"}, rows: [][]driver.Value{{int64(7)}}}
	s := &users.SQL{DB: tb.open(t), Query: "query", Compare: true, CheckQuery: "check"}
	user, err := s.Authenticate(t.Context(), "ann", canary)
	if epoch, failed := s.Epoch(t.Context(), "ann"); outcome(user, err) != in || user.Epoch == "" || epoch != user.Epoch || failed != nil {
		t.Errorf("%+v, %v; then %q, %v", user, err, epoch, failed)
	}
	tb.rows = nil
	if got := outcome(s.Authenticate(t.Context(), "ann", canary)); got != wrong {
		t.Error(got)
	}
}

func TestADatabaseThatFailsEndsNoSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tb := &table{columns: []string{"id", "hash"}, rows: [][]driver.Value{{int64(7), hashOf(t, canary)}}}
		s := asking(t, tb)
		user, err := s.Authenticate(t.Context(), "ann", canary)
		if err != nil {
			t.Fatal(err)
		}
		tb.err = errors.New("no such table")
		time.Sleep(time.Hour)
		if epoch, err := s.Epoch(t.Context(), "ann"); epoch != user.Epoch || err != nil {
			t.Errorf("%q, %v", epoch, err)
		}
		if _, err := asking(t, tb).Epoch(t.Context(), "ann"); !errors.Is(err, platform.ErrUnavailable) || !errors.Is(err, users.ErrUnavailable) {
			t.Errorf("without an answer from before: %v", err)
		}
	})
}

func TestAnAPISaysWhenASessionIsOver(t *testing.T) {
	for name, test := range map[string]struct {
		status       int
		first, later string
		over         bool
	}{
		"as before":     {200, `{"id":7,"mail":"a"}`, `{"id":7,"mail":"b"}`, false},
		"only the ID":   {200, `{"id":7}`, `{"id":"7"}`, false},
		"an epoch":      {200, `{"id":7,"epoch":3}`, `{"id":7,"epoch":3}`, false},
		"another epoch": {200, `{"id":7,"epoch":3}`, `{"id":7,"epoch":4}`, true},
		"another ID":    {200, `{"id":7}`, `{"id":8}`, true},
		"no user":       {200, `{"id":7}`, `null`, true},
		"refused":       {401, `{"id":7}`, ``, true},
		"failed":        {500, `{"id":7}`, ``, false},
		"not an answer": {200, `{"id":7}`, `<html>`, false},
	} {
		t.Run(name, func(t *testing.T) {
			var checks atomic.Int64
			h := api(t, func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/still" {
					if r.PostForm.Get("login") != "ann" || r.PostForm.Has("password") || r.PostForm.Get("shop") != "7" {
						t.Errorf("it is asked by %v", r.PostForm)
					}
					checks.Add(1)
					w.WriteHeader(test.status)
					_, _ = io.WriteString(w, test.later)
					return
				}
				_, _ = io.WriteString(w, test.first)
			})
			h.CheckURL, h.CheckEvery, h.Meta = h.URL[:len(h.URL)-len("/shop/check?v=1")]+"/still", time.Nanosecond, map[string]string{"shop": "7"}
			user, err := h.Authenticate(t.Context(), "ann", canary)
			if err != nil || user.Epoch == "" || user.Data["epoch"] != "" {
				t.Fatalf("%+v, %v", user, err)
			}
			epoch, err := h.Epoch(t.Context(), "ann")
			if unknown := errors.Is(err, platform.ErrUnknownUser); unknown != (test.over && epoch == "") || err != nil && !unknown || (epoch != user.Epoch) != test.over || checks.Load() != 1 {
				t.Errorf("%q, %v after %d checks; it was %q", epoch, err, checks.Load(), user.Epoch)
			}
		})
	}
	h := answering(t, 200, `{"id":7,"epoch":3}`)
	if user, err := h.Authenticate(t.Context(), "ann", canary); err != nil || user.Epoch != "" || user.Data["epoch"] != "3" {
		t.Errorf("without a CheckURL: %+v, %v", user, err)
	}
	if epoch, err := h.Epoch(t.Context(), "ann"); epoch != "" || err != nil {
		t.Errorf("without a CheckURL: %q, %v", epoch, err)
	}
}
