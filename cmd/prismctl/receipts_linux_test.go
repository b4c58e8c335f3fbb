package main

import (
	"context"
	"strings"
	"testing"

	"github.com/shopex/prism-go/prismtest"
)

func TestWhatNobodyReadFromThePipeIsNotAcknowledged(t *testing.T) {
	srv := prismtest.NewServer(t)
	for range 20 {
		srv.Publish("a", "x")
	}
	r, w := piped(t)
	done := begin(invocation{args: []string{"consume"}, env: of(srv), out: w})
	readLine(t, r)
	readLine(t, r)
	_ = r.Close()
	(<-done).want(t, exitRefused, "", "cannot write to standard output")
	srv.WaitConnections(0)
	if acked, left := len(srv.Acks()), srv.Depth(""); acked != 2 || left != 18 {
		t.Errorf("%d acknowledged, %d left", acked, left)
	}
}

func TestNAreReachedWhenTheReaderHasThem(t *testing.T) {
	srv := prismtest.NewServer(t)
	for range 200 {
		srv.Publish("a", "x")
	}
	r, w := piped(t)
	done := begin(invocation{args: []string{"consume", "-n", "150"}, env: of(srv), out: w})
	for range 149 {
		readLine(t, r)
	}
	srv.WaitAcks(149)
	select {
	case early := <-done:
		t.Fatalf("it ended before the last delivery was read: %+v", early)
	default:
	}
	readLine(t, r)
	(<-done).want(t, exitDone, "", "")
	srv.WaitConnections(0)
	if acked, left := len(srv.Acks()), srv.Depth(""); acked != 150 || left != 50 {
		t.Errorf("%d acknowledged, %d left", acked, left)
	}
}

func TestAnInterruptedConsumerLeavesWhatAStalledReaderDidNotTake(t *testing.T) {
	srv := prismtest.NewServer(t)
	for range 20 {
		srv.Publish("a", "x")
	}
	r, w := piped(t)
	ctx, cancel := context.WithCancel(t.Context())
	done := begin(invocation{ctx: ctx, args: []string{"consume"}, env: of(srv), out: w})
	for range 5 {
		readLine(t, r)
	}
	srv.WaitAcks(5)
	cancel()
	(<-done).want(t, exitDone, "", "")
	srv.WaitConnections(0)
	if acked, left := len(srv.Acks()), srv.Depth(""); acked != 5 || left != 15 {
		t.Errorf("%d acknowledged, %d left", acked, left)
	}
}

func TestAConsumerEndsThoughItsReaderStalls(t *testing.T) {
	for _, c := range []struct {
		args   []string
		status int
	}{
		{[]string{"consume", "--timeout", "500ms"}, exitDone},
		{[]string{"consume", "--timeout", "500ms", "-n", "3"}, exitTimeout},
	} {
		srv := prismtest.NewServer(t)
		for range 3 {
			srv.Publish("a", strings.Repeat("x", 100<<10)) // more than a pipe holds
		}
		_, w := piped(t)
		r := invocation{args: c.args, env: of(srv), out: w}.run()
		if r.status != c.status {
			t.Errorf("%v: %+v", c.args, r)
		}
		srv.WaitConnections(0)
		if acked, left := len(srv.Acks()), srv.Depth(""); acked != 0 || left != 3 {
			t.Errorf("%v: %d acknowledged, %d left", c.args, acked, left)
		}
	}
}
