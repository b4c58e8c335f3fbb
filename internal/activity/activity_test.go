package activity

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// taken returns the records in the lines that wait.
func taken(t testing.TB, w *Watcher, now time.Time) (all []Record) {
	t.Helper()
	for line := range strings.Lines(string(w.Take(now))) {
		var r Record
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		all = append(all, r)
	}
	return all
}

func watch(t testing.TB, f *Feed, filter Filter, rate int) *Watcher {
	t.Helper()
	w, err := f.Watch("op", true, filter, rate)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.Close)
	return w
}

func TestAWatcherGetsWhatItsFilterTakes(t *testing.T) {
	records := []Record{
		{Event: Call, ID: "1", Domain: "default", ClientID: "a", API: "goods/get"},
		{Event: Call, ID: "2", Domain: "default", ClientID: "b", API: "goods", Failed: true},
		{Event: Call, ID: "3", Domain: "mars", ClientID: "c", API: "goodsx/get"},
		{Event: Publish, ID: "4", Domain: "default", ClientID: "a", RoutingKey: "order.new.1"},
		{Event: Deliver, ID: "5", Domain: "mars", ClientID: "c", RoutingKey: "order"},
		{Event: Call, ID: "6", Failed: true}, // of nobody
	}
	for _, row := range []struct {
		filter Filter
		want   string
	}{
		{Filter{}, "123456"},
		{Filter{Domain: "default"}, "124"},
		{Filter{Domain: "default", ClientID: "a"}, "14"},
		{Filter{API: "goods"}, "12"},
		{Filter{API: "goods/get"}, "1"},
		{Filter{API: "goods/"}, "1"},
		{Filter{RoutingKey: "order.#"}, "45"},
		{Filter{RoutingKey: "order.*"}, ""},
		{Filter{RoutingKey: "#"}, "45"},
		{Filter{Failed: true}, "26"},
		{Filter{Failed: true, Domain: "mars"}, ""},
		{Filter{API: "goods", RoutingKey: "#"}, ""},
	} {
		var f Feed
		w := watch(t, &f, row.filter, 1000)
		for i := range records {
			f.Add(&records[i])
		}
		got := ""
		for _, r := range taken(t, w, time.Now()) {
			got += r.ID
		}
		if got != row.want {
			t.Errorf("%+v takes %q, want %q", row.filter, got, row.want)
		}
	}
}

// A watcher that takes nothing holds a bounded amount, stops nobody, and learns later how
// many records it has missed.
func TestASlowWatcherStopsNothingAndLearnsWhatItHasMissed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var f Feed
		w := watch(t, &f, Filter{}, 10_000)
		const all = 3000
		r := Record{Event: Publish, ClientID: "buwb2lii", RoutingKey: strings.Repeat("订", 80)}
		for range all {
			f.Add(&r)
			time.Sleep(time.Second / 5_000) // slower than its rate
		}
		if held := cap(w.lines) + cap(w.taken); held > 4*mostWaiting {
			t.Errorf("it holds %d bytes", held)
		}
		got := taken(t, w, time.Now())
		last := got[len(got)-1]
		if got[0].Event != Begin || last.Event != Missed || last.Missed != int64(all-(len(got)-2)) {
			t.Errorf("of %d it got %d, the last %+v", all, len(got), last)
		}
		if again := w.Take(time.Now()); len(again) > 0 {
			t.Errorf("then %s", again)
		}
	})
}

func TestAFloodIsSampledOverItsWholeTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var f Feed
		const rate, seconds, perSecond = 20, 5, 500
		w := watch(t, &f, Filter{}, rate)
		perTenth, missed := map[int]int{}, int64(0)
		began := time.Now()
		for i := range seconds * perSecond {
			f.Add(&Record{Event: Ack})
			time.Sleep(time.Second / perSecond)
			if i%(perSecond/10) != 0 {
				continue
			}
			for _, r := range taken(t, w, time.Now()) {
				missed += r.Missed
				if r.Event == Ack {
					perTenth[int(time.Since(began)/(time.Second/10))]++
				}
			}
		}
		for tenth, n := range perTenth {
			if n > rate/10+1 && tenth > 1 {
				t.Errorf("%d in the tenth %d, of %d a second", n, tenth, rate)
			}
		}
		if len(perTenth) < seconds*10-1 {
			t.Errorf("there is something of %d tenths only", len(perTenth))
		}
		if missed < (seconds-2)*(perSecond-2*rate) {
			t.Errorf("it missed %d", missed)
		}
	})
}

func TestWatchersAreFewOfOneOwnerAndOthersLeaveRoom(t *testing.T) {
	var f Feed
	open := func(owner string, privileged bool) error {
		w, err := f.Watch(owner, privileged, Filter{}, 1)
		if err == nil {
			t.Cleanup(w.Close)
		}
		return err
	}
	for i := range mostOthers {
		if err := open(fmt.Sprint("key", i/mostOfOne), false); err != nil {
			t.Fatalf("watcher %d: %v", i, err)
		}
	}
	if err := open("key0", true); !errors.Is(err, ErrTooMany) {
		t.Errorf("one more of an owner: %v", err)
	}
	if err := open("another", false); !errors.Is(err, ErrTooMany) {
		t.Errorf("one more that is not privileged: %v", err)
	}
	for i := range mostWatchers - mostOthers {
		if err := open(fmt.Sprint("admin", i/mostOfOne), true); err != nil {
			t.Fatalf("admin %d: %v", i, err)
		}
	}
	if err := open("operator", true); !errors.Is(err, ErrTooMany) {
		t.Errorf("one more: %v", err)
	}
}

func TestAFeedIsWatchedWhileThereIsAWatcher(t *testing.T) {
	var f Feed
	one, two := watch(t, &f, Filter{}, 1), watch(t, &f, Filter{}, 1)
	one.Close()
	if !f.Watched() {
		t.Error("nobody watches")
	}
	two.Close()
	if f.Watched() {
		t.Error("somebody watches")
	}
	three := watch(t, &f, Filter{}, 1)
	f.Close()
	<-three.Ended()
	f.Close()
	if _, err := f.Watch("op", true, Filter{}, 1); !errors.Is(err, ErrClosed) {
		t.Errorf("a closed feed: %v", err)
	}
}

func TestALineThatIsTooLongIsMissed(t *testing.T) {
	var f Feed
	w := watch(t, &f, Filter{}, 10)
	f.Add(&Record{Event: Publish, RoutingKey: strings.Repeat("\x00", mostWaiting/6)})
	got := taken(t, w, time.Now())
	if len(got) != 2 || got[1].Missed != 1 {
		t.Errorf("got %+v", got)
	}
}

// A line is what encoding/json makes of the record, and gives it back.
func FuzzALineIsTheJSONOfItsRecord(f *testing.F) {
	f.Add("buwb2lii", "order.<new>&\"\\", "订单\x7f\u2028", "\xff\x00", uint64(7), 404, 0.25, true)
	f.Add("", "", "", "", uint64(0), 0, 0.0, false)
	f.Fuzz(func(t *testing.T, key, routing, reason, path string, conn uint64, status int, took float64, is bool) {
		if math.IsNaN(took) || math.IsInf(took, 0) || status < 0 {
			return
		}
		r := Record{
			Event: Publish, Time: stamp(time.Unix(1714564800, 123e6)), ClientID: key, App: path, Failed: is, Code: reason, Reason: reason,
			RemoteAddr: key, RequestID: routing, Conn: conn, ConsumerID: reason, UserAgent: path, Method: key, Path: path, API: routing, Gateway: is, Kept: is,
			Status: status, TookMS: took, RoutingKey: routing, Topic: key, ID: reason, Publisher: path, Bytes: status, Queues: status,
			Tag: conn, Attempt: status, Stray: is, Missed: int64(status),
		}
		line := r.appendLine(nil)
		if strings.Count(string(line), "\n") != 1 {
			t.Fatalf("%q is no line", line)
		}
		text, err := json.Marshal(&r)
		if err != nil {
			t.Fatal(err)
		}
		var got, want map[string]any
		if err := json.Unmarshal(line, &got); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		if err := json.Unmarshal(text, &want); err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("the line is %s, encoding/json makes %s", line, text)
		}
	})
}

// What an unwatched feed costs, one that is watched slower than things happen, and one
// that gets everything.
func BenchmarkAdd(b *testing.B) {
	r := Record{Event: Publish, Time: time.Now(), ClientID: "buwb2lii", App: "shop", RoutingKey: "order.new", ID: "9b4d1e00-1a2b3c", Bytes: 200, Queues: 3}
	for name, rate := range map[string]int{"unwatched": 0, "over the rate": 1000, "all": 1 << 40} {
		b.Run(name, func(b *testing.B) {
			var f Feed
			if rate > 0 {
				w := watch(b, &f, Filter{}, rate)
				defer w.Close()
				b.ReportAllocs()
				for i := 0; b.Loop(); i++ {
					f.Add(&r)
					if i%512 == 0 {
						w.Take(time.Now())
					}
				}
				return
			}
			for b.Loop() {
				if f.Watched() {
					f.Add(&r)
				}
			}
		})
	}
}
