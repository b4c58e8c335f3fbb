package platform_test

import (
	"context"
	"fmt"
	"log/slog"
	"reflect"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/shopex/prism-go/platform"
	"github.com/shopex/prism-go/platform/memory"
)

type queuePoint struct {
	Start                                                 int64
	Ready, Unacknowledged, Parked, Consumers, Bytes, Most uint64
	Published, Removed, Dropped                           uint64
}

type queueStats struct {
	Key, Topic string
	Step       int `json:"step_seconds"`
	Other      bool
	Points     []queuePoint
}

// curve returns how a queue did, or all of them, without when.
func curve(t *testing.T, p *platform.Platform, of platform.Key, pairs ...string) (points []queuePoint) {
	t.Helper()
	stats := result[queueStats](t, ask(t, p, of, "GET", "platform/queues/stats", pairs...))
	for _, point := range stats.Points {
		if point.Start%int64(stats.Step) != 0 {
			t.Errorf("a point of %d seconds begins at %d", stats.Step, point.Start)
		}
		point.Start = 0
		points = append(points, point)
	}
	return points
}

// put writes messages of ten bytes to a queue of the shop.
func put(t *testing.T, queues platform.Queues, topic string, n int) {
	t.Helper()
	for range n {
		must(t, queues.Write(t.Context(), shopKey.ID, topic, &platform.Message{Body: []byte("ten bytes.")}))
	}
}

func TestAPlatformRemembersHowItsQueuesDid(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		queues := newQueues(memory.Config{})
		p := newPlatform(t, platform.Config{Queues: queues})
		must(t, p.Reconcile(t.Context()))
		synctest.Wait()
		put(t, queues, "orders", 100)
		time.Sleep(65 * time.Second) // past the sample of the next minute
		_, err := queues.Read(t.Context(), shopKey.ID, "orders", 60)
		must(t, err)
		put(t, queues, "other", 1)
		time.Sleep(100 * time.Second)
		want := []queuePoint{
			{Ready: 100, Bytes: 1000, Most: 100, Published: 100},
			{Ready: 40, Bytes: 400, Most: 100, Removed: 60},
			{Ready: 40, Bytes: 400, Most: 40},
		}
		of := []string{"of", shopKey.ID, "topic", "orders"}
		if got := curve(t, p, adminKey, of...); !reflect.DeepEqual(got, want) {
			t.Errorf("the minutes are\n%+v, want\n%+v", got, want)
		}
		if got := curve(t, p, adminKey, append(of, "from", fmt.Sprint(time.Now().Unix()-105))...); !reflect.DeepEqual(got, want[1:]) {
			t.Errorf("the minutes of the last one are\n%+v, want\n%+v", got, want[1:])
		}
		want = []queuePoint{{Ready: 41, Bytes: 410, Most: 100, Published: 101, Removed: 60}}
		if got := curve(t, p, adminKey, "bucket", "hour"); !reflect.DeepEqual(got, want) {
			t.Errorf("the hours of the domain are\n%+v, want\n%+v", got, want)
		}
		if got := curve(t, p, alienAdmin); len(got) != 3 || got[2] != (queuePoint{}) {
			t.Errorf("the other domain has %+v", got)
		}
	})
}

func TestOneIsToldOnlyHowOnesOwnQueuesDid(t *testing.T) {
	p := newPlatform(t, platform.Config{})
	m := member(t, p, adminKey, "ann@example.com", platform.DeveloperRole)
	for _, row := range []struct {
		of     platform.Key
		pairs  []string
		status int
		code   string
	}{
		{m, nil, 403, "forbidden_admin"},
		{m, []string{"of", shopKey.ID}, 404, "unknown_key"},
		{m, []string{"of", m.ID}, 200, ""},
		{m, []string{"topic", ""}, 200, ""},
		{adminKey, nil, 200, ""},
		{adminKey, []string{"of", shopKey.ID}, 200, ""},
		{adminKey, []string{"of", shopKey.ID, "topic", "none"}, 404, "unknown_topic"},
		{adminKey, []string{"of", alienKey.ID}, 404, "unknown_key"},
		{adminKey, []string{"bucket", "day"}, 400, "invalid_parameter"},
		{adminKey, []string{"from", "yesterday"}, 400, "invalid_parameter"},
		{shopKey, []string{"of", shopKey.ID}, 403, "forbidden_admin"},
	} {
		ask(t, p, row.of, "GET", "platform/queues/stats", row.pairs...).want(t, row.status, row.code)
	}
}

func TestAnEngineThatDoesNotCountHasNoHistory(t *testing.T) {
	p := newPlatform(t, platform.Config{Queues: discard{newQueues(memory.Config{})}})
	r := ask(t, p, adminKey, "GET", "platform/queues/stats")
	if r.want(t, 404, "unknown_api"); !strings.Contains(r.Error.Message, "cannot count") {
		t.Errorf("it says %q", r.Error.Message)
	}
}

func TestAQueueAmongManyCalmOnesHasNoSeriesOfItsOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		queues := newQueues(memory.Config{MaxTopics: 1000})
		p := newPlatform(t, platform.Config{Queues: queues})
		must(t, p.Reconcile(t.Context()))
		synctest.Wait()
		for i := range 400 {
			put(t, queues, fmt.Sprint(i), 100)
		}
		time.Sleep(time.Minute)
		must(t, queues.Create(t.Context(), shopKey.ID, "calm"))
		put(t, queues, "busy", 500)
		time.Sleep(time.Minute)
		for topic, other := range map[string]bool{"calm": true, "busy": false} {
			stats := result[queueStats](t, ask(t, p, adminKey, "GET", "platform/queues/stats", "of", shopKey.ID, "topic", topic))
			if stats.Other != other || stats.Points == nil || (len(stats.Points) == 0) != other {
				t.Errorf("%s has %+v", topic, stats)
			}
		}
	})
}

// crowded is an engine with queues of many domains.
type crowded struct{ *memory.Queues }

func (q crowded) Depths(ctx context.Context) (all []platform.QueueDepth, err error) {
	for i := range 20 {
		all = append(all, platform.QueueDepth{Owner: fmt.Sprint(i), Exchange: fmt.Sprint("domain ", i)})
	}
	own, err := q.Queues.Depths(ctx)
	return append(all, own...), err
}

func TestADomainAmongManyHasNoSeriesOfItsOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		queues := newQueues(memory.Config{})
		for engine, other := range map[platform.Queues]bool{queues: false, crowded{queues}: true} {
			p := counts(t, provisionedStore(), engine, false)
			if stats := result[queueStats](t, ask(t, p, adminKey, "GET", "platform/queues/stats")); stats.Other != other {
				t.Errorf("it has %+v, want other to be %v", stats, other)
			}
			must(t, p.Shutdown(t.Context()))
		}
	})
}

// A listedQueue is a queue of queues/list.
type listedQueue struct {
	Topic           string
	Attention       []string
	Since           int64
	DroppedRecently uint64  `json:"dropped_recently"`
	Published       float64 `json:"published_per_second"`
	Removed         float64 `json:"removed_per_second"`
}

func TestAListedQueueSaysHowFastItIsAndSinceWhenItNeedsAttention(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		queues := newQueues(memory.Config{})
		p := newPlatform(t, platform.Config{Queues: queues})
		find := func(topic string) listedQueue {
			t.Helper()
			doc := result[struct{ Queues []listedQueue }](t, ask(t, p, adminKey, "GET", "platform/queues/list", "search", topic))
			if len(doc.Queues) != 1 {
				t.Fatalf("found %+v", doc.Queues)
			}
			return doc.Queues[0]
		}
		must(t, queues.Create(t.Context(), shopKey.ID, "orders"))
		must(t, queues.SetLimits(t.Context(), shopKey.ID, "orders", platform.QueueLimits{MaxMessages: 20, Overflow: platform.DropOldest}))
		put(t, queues, "orders", 21)
		must(t, p.Reconcile(t.Context()))
		synctest.Wait()
		if q := find("orders"); q.Since != time.Now().Unix() || q.DroppedRecently != 0 || !reflect.DeepEqual(q.Attention, []string{"full", "no_consumer"}) {
			t.Errorf("at first it has %+v", q)
		}
		first := time.Now().Unix()
		time.Sleep(time.Hour)
		put(t, queues, "orders", 5)
		dropping := time.Now().Unix()
		if q := find("orders"); q.Since != first || q.DroppedRecently != 5 || len(q.Attention) != 3 || q.Attention[2] != "dropped" {
			t.Errorf("after an hour it has %+v", q)
		}
		_, err := queues.Read(t.Context(), shopKey.ID, "orders", 20)
		must(t, err)
		time.Sleep(5 * time.Second) // so that what follows is between samples
		for range 12 {
			put(t, queues, "orders", 10)
			_, err := queues.Read(t.Context(), shopKey.ID, "orders", 5)
			must(t, err)
			must(t, queues.Purge(t.Context(), shopKey.ID, "orders"))
			time.Sleep(10 * time.Second)
		}
		if q := find("orders"); q.Published < 0.8 || q.Published > 1.2 || q.Removed != q.Published || q.Since != dropping || !reflect.DeepEqual(q.Attention, []string{"dropped"}) {
			t.Errorf("with a message a second it has %+v", q)
		}
		time.Sleep(24 * time.Hour)
		if q := find("orders"); q.Published != 0 || q.Since != 0 || q.DroppedRecently != 0 || len(q.Attention) != 0 {
			t.Errorf("a day later it has %+v", q)
		}
	})
}

// slowlyCounted takes a while to count.
type slowlyCounted struct {
	*memory.Queues
	counted int
}

func (q *slowlyCounted) Depths(ctx context.Context) ([]platform.QueueDepth, error) {
	q.counted++
	time.Sleep(3 * time.Second)
	return q.Queues.Depths(ctx)
}

func TestCountingTakesATwentiethOfTheTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		queues := &slowlyCounted{Queues: newQueues(memory.Config{})}
		p := newPlatform(t, platform.Config{Queues: queues})
		must(t, p.Reconcile(t.Context()))
		time.Sleep(time.Hour)
		must(t, p.Shutdown(t.Context()))
		if n := queues.counted; n < 50 || n > 60 {
			t.Errorf("they were counted %d times in an hour, for three seconds each", n)
		}
	})
}

// counts is a platform that has begun to count its queues.
func counts(t *testing.T, store platform.Store, queues platform.Queues, shared bool) *platform.Platform {
	t.Helper()
	p := newPlatform(t, platform.Config{Store: store, Queues: queues, Gateway: platform.Gateway{Shared: shared}})
	must(t, p.Reconcile(t.Context()))
	synctest.Wait()
	return p
}

func TestCurvesSurviveARestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, want := provisionedStore(), uint64(0)
		for range 3 {
			queues := newQueues(memory.Config{}) // which has lost everything
			p := counts(t, store, queues, false)
			put(t, queues, "orders", 20)
			want += 20
			must(t, p.Shutdown(t.Context()))
			got := curve(t, p, adminKey, "bucket", "hour", "of", shopKey.ID, "topic", "orders")
			if want := []queuePoint{{Ready: 20, Bytes: 200, Most: 20, Published: want}}; !reflect.DeepEqual(got, want) {
				t.Errorf("there are %+v, want %+v", got, want)
			}
			if got := curve(t, p, adminKey); len(got) != 1 || got[0].Published != want {
				t.Errorf("of the domain there are %+v", got)
			}
		}
	})
}

// All processes count the same queues, and one of them saves. When it is killed, another
// one does.
func TestOneOfTheProcessesSaves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		queues := newQueues(memory.Config{})
		store := &killable{Store: provisionedStore()}
		one, two := counts(t, store, queues, true), counts(t, store.Store, queues, true)
		put(t, queues, "orders", 20)
		time.Sleep(16 * time.Minute)
		saved := func() (published uint64) {
			t.Helper()
			next := counts(t, store.Store, queues, true)
			for _, point := range curve(t, next, adminKey, "bucket", "hour", "of", shopKey.ID, "topic", "orders") {
				published += point.Published
			}
			must(t, next.Shutdown(t.Context()))
			return published
		}
		if got := saved(); got != 20 {
			t.Errorf("the first one has saved %d messages", got)
		}
		store.dead.Store(true)
		put(t, queues, "orders", 10)
		time.Sleep(20 * time.Minute)
		if got := saved(); got != 30 {
			t.Errorf("the other one has saved %d messages", got)
		}
		must(t, two.Shutdown(t.Context()))
		must(t, one.Shutdown(t.Context()))
	})
}

// What the process that comes next had loaded is older than what the first one has saved.
func TestTheProcessThatTakesOverLoadsWhatWasSavedMeanwhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		queues, store := newQueues(memory.Config{}), provisionedStore()
		one := counts(t, store, queues, true)
		put(t, queues, "orders", 20)
		time.Sleep(16 * time.Minute)
		put(t, queues, "orders", 100)
		two := counts(t, store, queues, true)
		time.Sleep(30 * time.Second)
		must(t, one.Shutdown(t.Context()))
		time.Sleep(20 * time.Minute)
		next := counts(t, store, queues, true)
		got := curve(t, next, adminKey, "bucket", "hour", "of", shopKey.ID, "topic", "orders")
		if len(got) != 1 || got[0].Published != 120 {
			t.Errorf("saved are %+v, want 120 messages", got)
		}
		must(t, two.Shutdown(t.Context()))
	})
}

// away is a store that cannot be reached.
type away struct {
	platform.Store
	out    atomic.Bool
	curves atomic.Bool // cannot be loaded, alone
}

func (a *away) Load(ctx context.Context, kind, id string) (platform.Record, error) {
	if a.out.Load() {
		return platform.Record{}, errOutage
	}
	return a.Store.Load(ctx, kind, id)
}

func (a *away) List(ctx context.Context, kind string) (map[string]platform.Record, error) {
	if a.out.Load() || a.curves.Load() && kind == "queueStats" {
		return nil, errOutage
	}
	return a.Store.List(ctx, kind)
}

func TestCurvesThatCannotBeLoadedAtFirstAreNotLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, queues := &away{Store: provisionedStore()}, newQueues(memory.Config{MaxTopics: 1000})
		p := counts(t, store, queues, false)
		for i := range 200 {
			put(t, queues, fmt.Sprint("busy ", i), 200)
		}
		must(t, p.Shutdown(t.Context()))
		for i := range 300 {
			put(t, queues, fmt.Sprint("calm ", i), 1)
		}
		store.curves.Store(true)
		p = counts(t, store, queues, false)
		time.Sleep(5 * time.Minute)
		store.curves.Store(false)
		time.Sleep(20 * time.Minute)
		must(t, p.Shutdown(t.Context()))
		p = counts(t, store, queues, false)
		for i := range 200 {
			got := curve(t, p, adminKey, "bucket", "hour", "of", shopKey.ID, "topic", fmt.Sprint("busy ", i))
			if len(got) != 1 || got[0].Published != 200 {
				t.Fatalf("busy %d has %+v", i, got)
			}
		}
	})
}

func TestAStoreThatIsAwayIsWarnedOfOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log strings.Builder
		store, queues := &away{Store: provisionedStore()}, newQueues(memory.Config{})
		p := newPlatform(t, platform.Config{Store: store, Queues: queues, Logger: slog.New(slog.NewTextHandler(&log, nil))})
		must(t, p.Reconcile(t.Context()))
		synctest.Wait()
		for round := range 2 {
			for _, out := range []bool{true, false} {
				store.out.Store(out)
				for range 40 {
					put(t, queues, "orders", 1)
					time.Sleep(time.Minute)
				}
			}
			synctest.Wait()
			if n := strings.Count(log.String(), "statistics of queues cannot be saved"); n != round+1 {
				t.Errorf("after %d outages there are %d warnings", round+1, n)
			}
		}
	})
}

// stuck is an engine that at some time does not count any more.
type stuck struct {
	*memory.Queues
	since atomic.Bool
}

func (q *stuck) Depths(ctx context.Context) ([]platform.QueueDepth, error) {
	if q.since.Load() {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	return q.Queues.Depths(ctx)
}

func TestAnEngineThatIsStuckDoesNotHoldUpTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, queues := provisionedStore(), &stuck{Queues: newQueues(memory.Config{})}
		p := counts(t, store, queues, false)
		put(t, queues, "orders", 20)
		time.Sleep(11 * time.Second)
		queues.since.Store(true)
		began := time.Now()
		must(t, p.Shutdown(t.Context()))
		if took := time.Since(began); took > 3*time.Second {
			t.Errorf("the end took %v", took)
		}
		if records, err := store.List(t.Context(), "queueStats"); err != nil || len(records) == 0 {
			t.Errorf("%d records were saved, %v", len(records), err)
		}
	})
}

// killable is a store that one process does not reach any more.
type killable struct {
	platform.Store
	dead atomic.Bool
}

func (k *killable) Save(ctx context.Context, kind, id string, value []byte, revision uint64, ttl time.Duration) (uint64, error) {
	if k.dead.Load() {
		return 0, platform.ErrUnavailable
	}
	return k.Store.Save(ctx, kind, id, value, revision, ttl)
}

func TestCurvesAreKeptWhileTheStoreIsAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, queues := &outage{Store: provisionedStore()}, newQueues(memory.Config{})
		p := counts(t, store, queues, false)
		store.out.Store(true)
		put(t, queues, "orders", 20)
		time.Sleep(20 * time.Minute)
		store.out.Store(false)
		must(t, p.Shutdown(t.Context()))
		next := counts(t, store, queues, false)
		if got := curve(t, next, adminKey, "bucket", "hour"); len(got) != 1 || got[0].Published != 20 {
			t.Errorf("saved are %+v", got)
		}
	})
}

func TestWhatIsSavedOfQueuesIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, queues := provisionedStore(), newQueues(memory.Config{MaxTopics: 5000})
		if _, err := store.Save(t.Context(), "queueStats", "old", []byte("of another version"), 0, 0); err != nil {
			t.Fatal(err)
		}
		p := counts(t, store, queues, false)
		for round := range 3 {
			for i := range 300 { // each time others are busy
				put(t, queues, fmt.Sprint(round, " ", i), 20<<round)
			}
			time.Sleep(16 * time.Minute)
		}
		must(t, p.Shutdown(t.Context()))
		records, err := store.List(t.Context(), "queueStats")
		must(t, err)
		if _, there := records["old"]; there || len(records) < 200 || len(records) > 220 {
			t.Errorf("there are %d records, that of another version among them: %v", len(records), there)
		}
	})
}
