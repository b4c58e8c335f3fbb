package users_test

import (
	"context"
	"database/sql/driver"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/shopex/prism-go/platform"
	"github.com/shopex/prism-go/platform/users"
)

func hashOf(t *testing.T, password string) string {
	t.Helper()
	hash, err := platform.HashPassword(password, 1)
	if err != nil {
		t.Fatal(err)
	}
	return hash
}

// asking returns users in a table, whose checks take no time.
func asking(t *testing.T, tb *table) *users.SQL {
	return &users.SQL{DB: tb.open(t), Query: "query", OnSuccess: "success", OnFailure: "failure", Iterations: -1}
}

func TestADatabaseSaysWhoAUserIs(t *testing.T) {
	seen := time.Date(2024, 5, 1, 12, 0, 0, 0, time.UTC)
	tb := &table{
		columns: []string{"mail", "hash", "uid", "seen", "vip", "phone", "raw"},
		rows:    [][]driver.Value{{"ann@example.com", []byte(hashOf(t, canary) + "  "), int64(7), seen, true, nil, []byte("a\xffb")}},
	}
	s := asking(t, tb)
	s.IDColumn, s.HashColumn = "uid", "hash"
	user, err := s.Authenticate(t.Context(), "ann", canary)
	data := map[string]string{"mail": "ann@example.com", "seen": "2024-05-01T12:00:00Z", "vip": "true", "raw": "a\uFFFDb"}
	if err != nil || user.ID != "7" || user.Login != "ann" || !maps.Equal(user.Data, data) {
		t.Errorf("%+v, %v", user, err)
	}
	if !slices.Equal(tb.ran, []string{"query", "success"}) || !slices.Equal(tb.args, []driver.Value{"ann"}) {
		t.Errorf("it ran %v with %v", tb.ran, tb.args)
	}
	if got := outcome(s.Authenticate(t.Context(), "ann", "other")); got != wrong {
		t.Error(got)
	}
	if !slices.Equal(tb.ran, []string{"query", "success", "query", "failure"}) {
		t.Errorf("it ran %v", tb.ran)
	}
}

func TestWhatADatabaseAnswersIsAUserAWrongPasswordOrNeither(t *testing.T) {
	two, hash := []string{"id", "hash"}, hashOf(t, canary)
	user := []driver.Value{int64(7), hash}
	long := []driver.Value{int64(7), hash, strings.Repeat("x", 17<<10)}
	for name, test := range map[string]struct {
		table *table
		want  string
	}{
		"one user":         {&table{columns: two, rows: [][]driver.Value{user}}, in},
		"no row":           {&table{columns: two}, wrong},
		"no hash":          {&table{columns: two, rows: [][]driver.Value{{int64(7), nil}}}, wrong},
		"an empty hash":    {&table{columns: two, rows: [][]driver.Value{{int64(7), ""}}}, wrong},
		"another password": {&table{columns: two, rows: [][]driver.Value{{int64(7), hashOf(t, "other")}}}, wrong},
		"two rows":         {&table{columns: two, rows: [][]driver.Value{user, user}}, unavailable},
		"no ID":            {&table{columns: two, rows: [][]driver.Value{{nil, hash}}}, unavailable},
		"another hash":     {&table{columns: two, rows: [][]driver.Value{{int64(7), "5f4dcc3b5aa765d61d8327deb882cf99"}}}, unavailable},
		"one column":       {&table{columns: two[:1], rows: [][]driver.Value{{int64(7)}}}, unavailable},
		"large data":       {&table{columns: []string{"id", "hash", "x"}, rows: [][]driver.Value{long}}, unavailable},
		"an error":         {&table{err: errors.New("no such table; near " + canary)}, unavailable},
		"no answer":        {&table{hangs: true}, unavailable},
	} {
		s := asking(t, test.table)
		s.Timeout = time.Minute
		if test.table.hangs {
			s.Timeout = 10 * time.Millisecond
		}
		got, err := s.Authenticate(t.Context(), "ann", canary)
		if outcome(got, err) != test.want {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
		if err != nil && strings.Contains(err.Error(), canary) || test.table.hangs != errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s: %v", name, err)
		}
		if ran := test.table.ran; test.want == unavailable && len(ran) != 1 {
			t.Errorf("%s: it ran %v", name, ran)
		}
	}
}

func TestAQueryMayCompareThePassword(t *testing.T) {
	tb := &table{columns: []string{"id", "mail"}, rows: [][]driver.Value{{int64(7), "a@example.com"}}}
	s := asking(t, tb)
	s.Compare, s.OnSuccess = true, ""
	user, err := s.Authenticate(t.Context(), "ann", canary)
	if outcome(user, err) != in || user.Data["mail"] == "" || !slices.Equal(tb.args, []driver.Value{"ann", canary}) {
		t.Errorf("%+v, %v; it got %v", user, err, tb.args)
	}
	tb.rows = nil
	if got := outcome(s.Authenticate(t.Context(), "ann", canary)); got != wrong {
		t.Error(got)
	}
}

func TestWhatNoColumnCanHoldIsAWrongLogin(t *testing.T) {
	tb := &table{columns: []string{"id", "hash"}, rows: [][]driver.Value{{int64(7), hashOf(t, canary)}}}
	s := asking(t, tb)
	for _, login := range []string{"a\x00b", "\xff"} {
		if got := outcome(s.Authenticate(t.Context(), login, canary)); got != wrong || len(tb.ran) > 0 {
			t.Errorf("%q: %s, and it ran %v", login, got, tb.ran)
		}
	}
}

func TestAFailureToNoteASuccessIsNoLogin(t *testing.T) {
	tb := &table{columns: []string{"id", "hash"}, rows: [][]driver.Value{{int64(7), hashOf(t, canary)}}, execErr: errors.New("read only")}
	s := asking(t, tb)
	var log strings.Builder
	s.Logger = slog.New(slog.NewTextHandler(&log, nil))
	if got := outcome(s.Authenticate(t.Context(), "ann", canary)); got != unavailable {
		t.Error(got)
	}
	if got := outcome(s.Authenticate(t.Context(), "ann", "other")); got != wrong || !strings.Contains(log.String(), "read only") {
		t.Errorf("%s, and the log has %q", got, log.String())
	}
}

func TestAnUnknownLoginCostsAsManyChecksAsAWrongPassword(t *testing.T) {
	known := [][]driver.Value{{int64(7), "a hash"}}
	tb := &table{columns: []string{"id", "hash"}, rows: known}
	s := asking(t, tb)
	var checked []string
	s.Verify = func(hash, password string) (bool, error) {
		checked = append(checked, hash)
		return password == canary, nil
	}
	_, _ = s.Authenticate(t.Context(), "ann", "other")
	tb.rows = nil
	if got := outcome(s.Authenticate(t.Context(), "nobody", canary)); got != wrong || !slices.Equal(checked, []string{"a hash", "a hash"}) {
		t.Errorf("%s, and %v were checked", got, checked)
	}
}

func TestAnUnknownLoginTakesAsLongAsTheSlowestHash(t *testing.T) {
	slow, err := platform.HashPassword(canary, 30_000)
	if err != nil {
		t.Fatal(err)
	}
	tb := &table{columns: []string{"id", "hash"}}
	s := asking(t, tb)
	took := func(least time.Duration, hashes ...string) time.Duration {
		tb.rows = nil
		for _, hash := range hashes {
			tb.rows = append(tb.rows, []driver.Value{int64(7), hash})
		}
		began := time.Now()
		_, _ = s.Authenticate(t.Context(), "ann", "other")
		return min(least, time.Since(began))
	}
	atFirst := took(took(time.Hour))
	longest, unknown, cheap := time.Hour, time.Hour, time.Hour
	failed := true
	for round := 0; round < 3 || failed && round < 30; round++ { // the least times are those that nothing else was in the way of
		longest, unknown, cheap = took(longest, slow), took(unknown), took(cheap, hashOf(t, canary))
		failed = atFirst > longest/4 || unknown < longest/3 || cheap < longest/3
	}
	if failed {
		t.Errorf("before any hash %v, with the slow one %v, then an unknown login %v and a cheap hash %v", atFirst, longest, unknown, cheap)
	}
}

func TestOldHashesAreThoseOfTheirKind(t *testing.T) {
	for _, test := range []struct {
		verify func(hash, password string) (bool, error)
		hash   string
	}{
		{users.MD5, "5f4dcc3b5aa765d61d8327deb882cf99"},
		{users.SHA1, "5BAA61E4C9B93F3F0682250B6CF8331B7EE68FD8"},
	} {
		right, err := test.verify(test.hash, "password")
		other, otherErr := test.verify(test.hash, "passwort")
		if !right || other || err != nil || otherErr != nil {
			t.Errorf("%s: %v, %v, %v, %v", test.hash, right, err, other, otherErr)
		}
		if _, err := test.verify("password", "password"); err == nil {
			t.Errorf("a password is taken for its own hash")
		}
	}
}

func TestIncompleteSettingsAreNoWrongPassword(t *testing.T) {
	db := (&table{}).open(t)
	for _, s := range []*users.SQL{
		{Query: "query"}, {DB: db}, {DB: db, Query: "query", Compare: true, HashColumn: "hash"}, {DB: db, Query: "query", Compare: true, Verify: users.MD5},
	} {
		if _, err := s.Authenticate(t.Context(), "ann", canary); err == nil || errors.Is(err, platform.ErrWrongPassword) {
			t.Errorf("%v", err)
		}
	}
}
