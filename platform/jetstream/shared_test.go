package jetstream

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	nats "github.com/nats-io/nats-server/v2/server"
	client "github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	busy "github.com/shopex/prism-go/internal/patience"
	"github.com/shopex/prism-go/platform"
	"github.com/shopex/prism-go/platform/enginetest"
)

// external starts a server that engines can dial, and returns its URL.
func external(t testing.TB) string {
	o := serverOptions(t)
	s := startExternal(t, o)
	return s.ClientURL()
}

func serverOptions(t testing.TB) *nats.Options {
	return &nats.Options{
		ServerName: "one", Host: "127.0.0.1", Port: -1, NoSigs: true, NoLog: true,
		JetStream: true, StoreDir: t.TempDir(), MaxPayload: 8 << 20,
	}
}

func startExternal(t testing.TB, o *nats.Options) *nats.Server {
	t.Helper()
	s, err := nats.NewServer(o)
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	t.Cleanup(func() {
		s.Shutdown()
		s.WaitForShutdown()
	})
	if !s.ReadyForConnections(20 * time.Second) {
		t.Fatal("the server does not start")
	}
	return s
}

// alternating sends each call to the next of its engines.
type alternating struct {
	mu      sync.Mutex
	engines []*Engine
}

func (a *alternating) next() *Engine {
	a.mu.Lock()
	defer a.mu.Unlock()
	e := a.engines[0]
	a.engines = append(a.engines[1:], e)
	return e
}

func (a *alternating) Publish(ctx context.Context, exchange string, ms ...*platform.Message) ([]int, error) {
	return a.next().Publish(ctx, exchange, ms...)
}
func (a *alternating) Declare(ctx context.Context, name string, o platform.Owner) error {
	return a.next().Declare(ctx, name, o)
}
func (a *alternating) Route(ctx context.Context, exchange string, m *platform.Message) (int, error) {
	return a.next().Route(ctx, exchange, m)
}
func (a *alternating) Peek(ctx context.Context, owner, topic string, after platform.MessageID, n int) ([]platform.Peeked, error) {
	return a.next().Peek(ctx, owner, topic, after, n)
}
func (a *alternating) SetLimits(ctx context.Context, owner, topic string, l platform.QueueLimits) error {
	return a.next().SetLimits(ctx, owner, topic, l)
}
func (a *alternating) Write(ctx context.Context, owner, topic string, m *platform.Message) error {
	return a.next().Write(ctx, owner, topic, m)
}
func (a *alternating) Read(ctx context.Context, owner, topic string, n int) ([]*platform.Message, error) {
	return a.next().Read(ctx, owner, topic, n)
}
func (a *alternating) Consume(ctx context.Context, owner, topic, name string) (platform.Consumer, error) {
	return a.next().Consume(ctx, owner, topic, name)
}
func (a *alternating) Resume(ctx context.Context, owner, topic, name string) (platform.Consumer, error) {
	return a.next().Resume(ctx, owner, topic, name)
}
func (a *alternating) ConsumeAlone(ctx context.Context, owner, topic, name string) (platform.Consumer, error) {
	return a.next().ConsumeAlone(ctx, owner, topic, name)
}
func (a *alternating) Park(ctx context.Context, owner, topic, reason, by string, ids ...platform.MessageID) (int, error) {
	return a.next().Park(ctx, owner, topic, reason, by, ids...)
}
func (a *alternating) Parked(ctx context.Context, owner, topic string, after platform.MessageID, n int) ([]platform.Parked, error) {
	return a.next().Parked(ctx, owner, topic, after, n)
}
func (a *alternating) Unpark(ctx context.Context, owner, topic string, ids ...platform.MessageID) (int, error) {
	return a.next().Unpark(ctx, owner, topic, ids...)
}
func (a *alternating) Discard(ctx context.Context, owner, topic string, ids ...platform.MessageID) (int, error) {
	return a.next().Discard(ctx, owner, topic, ids...)
}
func (a *alternating) Create(ctx context.Context, owner, topic string) error {
	return a.next().Create(ctx, owner, topic)
}
func (a *alternating) Drop(ctx context.Context, owner, topic string) error {
	return a.next().Drop(ctx, owner, topic)
}
func (a *alternating) Purge(ctx context.Context, owner, topic string) error {
	return a.next().Purge(ctx, owner, topic)
}
func (a *alternating) Bind(ctx context.Context, owner, topic, pattern string) error {
	return a.next().Bind(ctx, owner, topic, pattern)
}
func (a *alternating) Unbind(ctx context.Context, owner, topic, pattern string) error {
	return a.next().Unbind(ctx, owner, topic, pattern)
}
func (a *alternating) Bindings(ctx context.Context, owner, topic string) ([]platform.Binding, error) {
	return a.next().Bindings(ctx, owner, topic)
}
func (a *alternating) Limits() (messages int, bytes int64) { return a.next().Limits() }
func (a *alternating) Status(ctx context.Context, owner, topic string) (platform.QueueStatus, error) {
	return a.next().Status(ctx, owner, topic)
}
func (a *alternating) List(ctx context.Context, owner string) ([]string, error) {
	return a.next().List(ctx, owner)
}
func (a *alternating) Forget(ctx context.Context, owner string) error {
	return a.next().Forget(ctx, owner)
}
func (a *alternating) Depths(ctx context.Context) ([]platform.QueueDepth, error) {
	return a.next().Depths(ctx)
}

func TestEnginesThatShareAServerKeepThePromisesTogether(t *testing.T) {
	url := external(t)
	names := 0
	enginetest.Queues(t, func(t testing.TB, wanted platform.QueueBounds) platform.Queues {
		names++
		name := fmt.Sprint("t", names)
		dropStreams(t, url, name)
		a := &alternating{}
		for range 2 {
			a.engines = append(a.engines, open(t, suite(Config{URL: url, Name: name, cleanAbove: 4096}, wanted)))
		}
		return a
	})
}

// dropStreams removes the streams of engines when t has ended: servers that elect a leader
// for those of a hundred tests have no time for the next.
func dropStreams(t testing.TB, url, engine string) {
	t.Helper()
	t.Cleanup(func() {
		nc, err := client.Connect(url)
		must(t, err)
		defer nc.Close()
		js, err := jetstream.New(nc)
		must(t, err)
		ctx, cancel := context.WithTimeout(context.Background(), busy.Of(time.Minute))
		defer cancel()
		all := js.StreamNames(ctx)
		for stream := range all.Name() {
			if strings.HasPrefix(strings.TrimPrefix(stream, "KV_")+"-", engine+"-") {
				must(t, js.DeleteStream(ctx, stream))
			}
		}
		must(t, all.Err())
	})
}

func write(t testing.TB, e *Engine, topic string, bodies ...string) {
	t.Helper()
	for _, body := range bodies {
		if err := e.Write(t.Context(), shop, topic, &platform.Message{Body: []byte(body)}); err != nil {
			t.Fatal(err)
		}
	}
}

func consume(t testing.TB, e *Engine, topic string) platform.Consumer {
	t.Helper()
	c, err := e.Consume(t.Context(), shop, topic, "test")
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// fetchN fetches n messages within half a minute and returns their bodies.
func fetchN(t testing.TB, c platform.Consumer, n int) (leases []platform.Lease, texts []string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), busy.Of(30*time.Second))
	defer cancel()
	for len(leases) < n {
		more, err := c.Fetch(ctx, n-len(leases), math.MaxInt)
		if err != nil {
			t.Fatalf("after %d of %d messages: %v", len(leases), n, err)
		}
		leases = append(leases, more...)
	}
	for _, l := range leases {
		texts = append(texts, string(l.Message.Body))
	}
	return leases, texts
}

func ids(leases []platform.Lease) (all []uint64) {
	for _, l := range leases {
		all = append(all, l.ID)
	}
	return all
}

// die ends an engine as kill -9 would: it sends nothing more.
func (e *Engine) die() {
	e.closing.Do(func() { e.shutDown() })
}

func TestWhatASilentEngineHeldComesBackAfterAckWait(t *testing.T) {
	c := Config{URL: external(t), AckWait: time.Second}
	dying, living := open(t, c), open(t, c)
	write(t, dying, "", "1", "2", "3", "4")
	holder := consume(t, dying, "")
	leases, _ := fetchN(t, holder, 3)
	if err := holder.Ack(t.Context(), leases[1].ID); err != nil {
		t.Fatal(err)
	}
	other := consume(t, living, "")
	if _, texts := fetchN(t, other, 1); texts[0] != "4" {
		t.Fatalf("got %q", texts)
	}
	dying.die()
	if _, texts := fetchN(t, other, 2); !slices.Equal(texts, []string{"1", "3"}) {
		t.Errorf("got %q", texts)
	}
}

func TestAnEngineThatOpensAfterADeathFindsEverything(t *testing.T) {
	c := Config{URL: external(t), AckWait: time.Second}
	dying := open(t, c)
	write(t, dying, "orders", "1", "2", "3")
	fetchN(t, consume(t, dying, "orders"), 2)
	dying.die()
	if _, texts := fetchN(t, consume(t, open(t, c), "orders"), 3); !slices.Equal(slices.Sorted(slices.Values(texts)), []string{"1", "2", "3"}) {
		t.Errorf("got %q", texts)
	}
}

func TestEnginesSeeEachOthersChangesAtOnce(t *testing.T) {
	c := Config{URL: external(t)}
	one, other := open(t, c), open(t, c)
	ctx := t.Context()
	for i := range 50 {
		topic := fmt.Sprint("topic ", i)
		if err := one.Bind(ctx, shop, topic, fmt.Sprintf("order.%d", i)); err != nil {
			t.Fatal(err)
		}
		if _, err := other.Publish(ctx, "", &platform.Message{ClientID: shop, Key: fmt.Sprintf("order.%d", i)}); err != nil {
			t.Fatal(err)
		}
		if s, err := one.Status(ctx, shop, topic); err != nil || s.Ready != 1 {
			t.Fatalf("%s: %+v, %v", topic, s, err)
		}
		if err := one.Drop(ctx, shop, topic); err != nil {
			t.Fatal(err)
		}
		if _, err := other.Status(ctx, shop, topic); !errors.Is(err, platform.ErrUnknownTopic) {
			t.Fatalf("%s after it was dropped: %v", topic, err)
		}
	}
}

func TestAnEngineThatWasCutOffReadsTheLogAnew(t *testing.T) {
	s := startExternal(t, serverOptions(t))
	c := Config{URL: s.ClientURL(), cleanAbove: 1 << 10}
	behind, ahead := open(t, c), open(t, c)
	write(t, behind, "", "first", "second")
	leases, _ := fetchN(t, consume(t, behind, ""), 1)
	behind.mu.Lock() // it follows nothing now
	for i := range 100 {
		write(t, ahead, "busy", fmt.Sprint(i))
		if _, err := ahead.Read(t.Context(), shop, "busy", 1); err != nil {
			t.Fatal(err)
		}
	}
	if err := ahead.journal.purge(t.Context(), ahead.firstNeeded()); err != nil {
		t.Fatal(err)
	}
	behind.mu.Unlock()
	for _, e := range []*Engine{behind, ahead} {
		s, err := e.counts(t.Context(), shop, "")
		if err != nil || s != (platform.QueueStatus{Ready: 1, Unacknowledged: 1, Consumers: 1, Bytes: 11}) {
			t.Errorf("%+v, %v", s, err)
		}
	}
	_ = leases
}

func (e *Engine) firstNeeded() uint64 {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.state.records.trim()
}

// ports returns n free ports.
func ports(t testing.TB, n int) (all []int) {
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		all = append(all, l.Addr().(*net.TCPAddr).Port)
	}
	return all
}

// cluster starts three servers and returns them with their URLs.
func cluster(t testing.TB) ([]*nats.Server, string) {
	t.Helper()
	return startCluster(t, clusterOptions(t))
}

func clusterOptions(t testing.TB) (all []*nats.Options) {
	const n = 3
	var routes []string
	own := ports(t, 2*n)
	for _, p := range own[:n] {
		routes = append(routes, fmt.Sprintf("nats://127.0.0.1:%d", p))
	}
	for i, p := range own[:n] {
		o := serverOptions(t)
		o.ServerName, o.Port = fmt.Sprint("node", i), own[n+i]
		o.Cluster = nats.ClusterOpts{Name: "prism", Host: "127.0.0.1", Port: p}
		o.Routes = nats.RoutesFromStr(strings.Join(routes, ","))
		all = append(all, o)
	}
	return all
}

func startCluster(t testing.TB, all []*nats.Options) ([]*nats.Server, string) {
	t.Helper()
	var servers []*nats.Server
	var urls []string
	for _, o := range all {
		s := startExternal(t, o.Clone())
		servers, urls = append(servers, s), append(urls, s.ClientURL())
	}
	for deadline := time.Now().Add(busy.Of(30 * time.Second)); !ready(servers); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the cluster has no leader")
		}
	}
	return servers, strings.Join(urls, ",")
}

func ready(servers []*nats.Server) bool {
	return slices.ContainsFunc(servers, func(s *nats.Server) bool { return s.JetStreamIsLeader() && len(s.JetStreamClusterPeers()) == 3 })
}

func TestThreeNodesKeepThePromises(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a minute")
	}
	_, url := cluster(t)
	names := 0
	enginetest.Queues(t, func(t testing.TB, wanted platform.QueueBounds) platform.Queues {
		names++
		name := fmt.Sprint("t", names)
		dropStreams(t, url, name)
		a := &alternating{}
		for range 2 {
			a.engines = append(a.engines, open(t, suite(Config{URL: url, Name: name, Replicas: 3}, wanted)))
		}
		return a
	})
}

// Two engines work while the server dies that leads the log.
func TestNothingIsLostWhenANodeDies(t *testing.T) {
	servers, url := cluster(t)
	c := Config{URL: url, Replicas: 3, AckWait: 2 * time.Second, Patience: time.Minute}
	one, other := open(t, c), open(t, c)
	const n = 600
	var acked sync.Map
	var group sync.WaitGroup
	group.Go(func() {
		for i := range n {
			if i == n/3 {
				kill(t, one, servers)
			}
			if err := one.Write(t.Context(), shop, "", &platform.Message{Body: fmt.Append(nil, i)}); err != nil {
				t.Error(err)
			}
		}
	})
	taker := consume(t, other, "")
	last := -1
	for got := 0; got < n; {
		leases, texts := fetchN(t, taker, 1)
		if err := taker.Ack(t.Context(), ids(leases)...); err != nil {
			t.Fatal(err)
		}
		for _, text := range texts {
			if _, twice := acked.LoadOrStore(text, true); twice {
				t.Errorf("%s came twice", text)
			}
			var i int
			fmt.Sscan(text, &i)
			if i < last {
				t.Errorf("%d came after %d", i, last)
			}
			last = i
			got++
		}
	}
	group.Wait()
	if s, err := one.Status(t.Context(), shop, ""); err != nil || s.Ready+s.Unacknowledged != 0 {
		t.Errorf("%+v, %v", s, err)
	}
}

// kill ends the server that leads the log.
func kill(t testing.TB, e *Engine, servers []*nats.Server) {
	stream, err := e.journal.js.Stream(t.Context(), e.journal.stream)
	if err != nil {
		t.Error(err)
		return
	}
	leader := stream.CachedInfo().Cluster.Leader
	for _, s := range servers {
		if s.Name() == leader {
			t.Log("ending", leader)
			s.Shutdown()
		}
	}
}
