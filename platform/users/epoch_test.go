package users

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/shopex/prism-go/platform"
)

// A password that is changed and used to log in again while the old answer is under way
// must not end the new session.
func TestAnAnswerThatComesLateIsNotTakenForThatOfALogin(t *testing.T) {
	var e epochs
	late := func(context.Context) (string, error) {
		e.learn("ann", "new", time.Hour)
		return "old", nil
	}
	for range 2 { // with and without an answer from before
		_, _ = e.of(t.Context(), "ann", check{-1, time.Minute, nil, late})
		if got, err := e.of(t.Context(), "ann", check{timeout: time.Minute}); got != "new" || err != nil {
			t.Errorf("the epoch is %q, %v", got, err)
		}
		e.learn("ann", "old", -1)
	}
}

func TestWhileNobodyAnswersTheLastAnswerCounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var e epochs
		var lines strings.Builder
		log, asked := slog.New(slog.NewTextHandler(&lines, nil)), 0
		hangs := func(ctx context.Context) (string, error) {
			asked++
			<-ctx.Done()
			return "", ctx.Err()
		}
		began := time.Now()
		if _, err := e.of(t.Context(), "ann", check{time.Minute, time.Minute, log, hangs}); !errors.Is(err, platform.ErrUnavailable) || time.Since(began) != time.Minute {
			t.Errorf("without an answer: %v after %v", err, time.Since(began))
		}
		e.learn("ann", "first", time.Minute)
		for range 60 { // ten minutes, most of them without an answer
			if got, err := e.of(t.Context(), "ann", check{time.Minute, time.Minute, log, hangs}); got != "first" || err != nil {
				t.Errorf("the epoch is %q, %v", got, err)
			}
			time.Sleep(10 * time.Second)
		}
		if asked > 60 || time.Since(began) > 15*time.Minute {
			t.Errorf("it was asked %d times in %v", asked, time.Since(began))
		}
		if n := strings.Count(lines.String(), "\n"); n != 1 {
			t.Errorf("the log has %d lines: %s", n, lines.String())
		}
	})
}

func TestAnswersAreKeptWithinABound(t *testing.T) {
	var e epochs
	for i := range 2 * mostEpochs {
		login := strconv.Itoa(i)
		got, err := e.of(t.Context(), login, check{time.Hour, time.Minute, nil, func(context.Context) (string, error) { return login, nil }})
		if got != login || err != nil {
			t.Fatalf("the epoch of %s is %q, %v", login, got, err)
		}
	}
	if len(e.known) != mostEpochs {
		t.Errorf("%d answers are kept", len(e.known))
	}
}

// Records of sessions have the epoch, so nobody who reads one may learn the hash by it.
func TestAnEpochSaysLittleOfAHash(t *testing.T) {
	seen := make(map[string]bool)
	for i := range 1 << 17 {
		seen[(&row{id: "7", hash: fmt.Sprint(i)}).epoch()] = true
	}
	if len(seen) > 1<<16 || len(seen) < 1<<15 {
		t.Errorf("%d epochs of %d hashes", len(seen), 1<<17)
	}
}
