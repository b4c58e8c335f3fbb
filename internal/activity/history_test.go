package activity

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// keep gives a record to a history that wants it.
func keep(h *History, r Record) {
	if h.Wants(r.Failed) {
		h.Add(&r)
	}
}

func TestAHistoryHasTheRecordsOfAMessageInTheirOrder(t *testing.T) {
	h := NewHistory(1 << 20)
	began := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	for i, r := range []Record{
		{Event: Publish, ID: "9b4d1e00-1", Domain: "default", ClientID: "a", Queues: 2},
		{Event: Publish, ID: "9b4d1e00-12", Domain: "default"},
		{Event: Deliver, ID: "9b4d1e00-1", Domain: "default", ClientID: "b", Attempt: 1},
		{Event: Deliver, ID: "9b4d1e00-1", Domain: "mars"},
		{Event: Fail, ID: "9b4d1e00-12", Domain: "default", Failed: true, Reason: `no ,"id":"9b4d1e00-1"`},
		{Event: Fail, ID: "9b4d1e00-1", Domain: "default", Failed: true, Reason: "no \"stock\"\n"},
	} {
		r.Time = began.Add(time.Duration(i) * time.Second)
		keep(h, r)
	}
	got, later, since := h.Of("default", "9b4d1e00-1")
	text := ""
	for _, r := range got {
		text += fmt.Sprintf("%s %s %d %s;", r.Event, r.ClientID, r.Time.Sub(began)/time.Second, r.Reason)
	}
	if text != "publish a 0 ;deliver b 2 ;fail  5 no \"stock\"\n;" || later != 0 || !since.Equal(began) {
		t.Errorf("it has %q, and later %d, since %v", text, later, since)
	}
	if none, _, _ := h.Of("default", "9b4d1e00-123"); len(none) > 0 {
		t.Errorf("of a message that was never there %+v", none)
	}
}

func TestAHistoryKeepsSomeOfAFloodAndCountsTheRest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := NewHistory(1 << 20)
		for range 3 {
			for range 10 * mostKept {
				keep(h, Record{Event: Ack, ID: "other"})
			}
			keep(h, Record{Event: Fail, ID: "mine", Failed: true})
			time.Sleep(time.Second)
			synctest.Wait()
		}
		h.Miss(3)
		got, later, _ := h.Of("", "mine")
		const perSecond = 9 * mostKept
		if len(got) != 3 || got[0].Missed != 0 || got[1].Missed != perSecond || got[2].Missed != perSecond || later != 3 {
			t.Errorf("%+v, and later %d", got, later)
		}
		if all, _, _ := h.Of("", "other"); len(all) != 3*mostKept {
			t.Errorf("of the flood it has %d", len(all))
		}
	})
}

func TestAHistoryIsBounded(t *testing.T) {
	const most = 3 * historyBlock
	h := NewHistory(most)
	for i := range 5000 {
		h.Add(&Record{Event: Publish, ID: fmt.Sprint(i), Domain: "default", RoutingKey: strings.Repeat("订", 80), Reason: strings.Repeat("x", 256)})
	}
	h.Add(&Record{Event: Publish, ID: "long", RoutingKey: strings.Repeat("\x00", longestKept/6)})
	held := cap(h.line)
	for _, block := range h.blocks {
		held += cap(block)
	}
	if held > most+2*longestKept {
		t.Errorf("it holds %d bytes", held)
	}
	if last, later, _ := h.Of("default", "4999"); len(last) != 1 || later != 1 {
		t.Errorf("of the last message %+v, and of the one that is too long %d", last, later)
	}
	if first, _, _ := h.Of("default", "0"); len(first) != 0 {
		t.Errorf("of the first message %+v", first)
	}
}

func TestAHistoryCostsNothingToWhatItDoesNotKeep(t *testing.T) {
	var none *History
	if none.Wants(true) {
		t.Error("no history wants something")
	}
	none.Miss(1)
	if got, _, _ := none.Of("", "mine"); got != nil {
		t.Errorf("no history has %+v", got)
	}
	h := NewHistory(0)
	for h.Wants(false) {
	}
	if n := testing.AllocsPerRun(100, func() { h.Wants(false) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

// What each event costs while a flood goes on.
func BenchmarkHistoryInAFlood(b *testing.B) {
	h := NewHistory(2 << 20)
	r := Record{Event: Publish, ID: "9b4d1e00-1a2b3c", RoutingKey: "order.new"}
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if h.Wants(false) {
				h.Add(&r)
			}
		}
	})
}
