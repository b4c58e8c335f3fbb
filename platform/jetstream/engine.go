package jetstream

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/shopex/prism-go/internal/steady"
	"github.com/shopex/prism-go/platform"
)

var errClosed = errors.New("jetstream: the engine is closed")

// minPayload is what a server must take in one message, as a body may have
// 1 MiB.
const minPayload = 1<<20 + 64<<10

// mostPayload is how much of what a server takes is used.
const mostPayload = 16 << 20

// An Engine is [platform.Queues] over JetStream; its Store is the
// [platform.Store] beside it. Make one with [Open] and end it with Close. Its
// methods may be called from any number of goroutines.
//
// A method whose context ends returns the context's error. While JetStream
// cannot be reached, has lost its quorum or its disk is full, methods return an
// error that is [platform.ErrUnavailable] after Config.Patience. Then what was to
// be stored may be stored or not, but all of it or none: it is tried as long as
// a caller waits for it. The engine goes on by itself when the cause is over; a
// Fetch that waits for messages goes on waiting.
type Engine struct {
	config  Config
	onDrop  atomic.Pointer[func(owner, topic string, dropped uint64)] // of NotifyDrops
	name    string                                                    // unique
	alone   bool                                                      // no other engine writes the log
	server  *server
	nc      *nats.Conn
	journal *journal
	files   *Store
	largest int           // bytes of a record
	log     atomic.Uint32 // of the IDs of its messages

	ctx           context.Context // ends with the engine
	end           context.CancelFunc
	group         sync.WaitGroup
	closing       sync.Once
	mailbox       mailbox
	committerDone chan struct{}
	sweep         chan uint64
	ages          *steady.Clock // by which messages grow old; nil without MaxAge
	expired       atomic.Int64
	news          chan struct{} // gets a value when a record was applied
	turn          atomic.Int64  // until when another engine wants to be next, in Unix nanoseconds; 0 if none does
	gathering     bool          // belongs to the committer
	headMu        sync.RWMutex  // held by a backup, and while the head of the log is removed

	mu       sync.Mutex // guards the state with all that is in it, and what follows
	state    *state
	cache    cache
	readings map[uint64]*reading
	waiting  map[uint64][]*consumer // by queue, those whose Fetch waits, the longest waiting first
	local    map[*consumer]struct{}
	heard    map[string]time.Time // when each engine's last heartbeat came
	ended    bool                 // no goroutine is started any more
	rounds   uint64
	inFlight mark // of the record that the committer stores
	landed   mark // the same, once that record was seen in the log
	swept    uint64
	garbage  int64 // bytes at the head of the log
}

var (
	_ platform.Queues     = (*Engine)(nil)
	_ platform.QueueDrops = (*Engine)(nil)
)

// Open starts an engine and reads the log, which takes about a second for each
// few hundred thousand records. ctx bounds this only.
func Open(ctx context.Context, config Config) (*Engine, error) {
	config, err := config.withDefaults()
	if err != nil {
		return nil, err
	}
	if config.Dir != "" && needsRenewal(&config) {
		if err := config.renew(ctx); err != nil {
			return nil, err
		}
	}
	e, err := openEngine(ctx, config)
	if !errors.Is(err, errNoErasing) {
		return e, err
	}
	if err := config.renew(ctx); err != nil {
		return nil, err
	}
	return openEngine(ctx, config)
}

func openEngine(ctx context.Context, config Config) (*Engine, error) {
	e := newEngine(config)
	if err := e.connect(); err != nil {
		return nil, errors.Join(err, e.shutDown())
	}
	if err := e.begin(ctx); err != nil {
		return nil, errors.Join(err, e.shutDown())
	}
	if config.Dir != "" {
		if err := raiseVersion(config.Dir); err != nil { // such as a full disk
			config.Logger.Warn("jetstream: an earlier program will take the directory for a damaged one", "error", err)
		}
	}
	return e, nil
}

// newEngine returns an engine that is not connected.
func newEngine(config Config) *Engine {
	e := &Engine{
		config: config, name: rand.Text(), alone: config.Dir != "",
		mailbox: mailbox{bell: make(chan struct{}, 1)}, committerDone: make(chan struct{}), sweep: make(chan uint64, 1), news: make(chan struct{}, 1),
		cache:    cache{most: config.CacheBytes, records: make(map[uint64]cachedRecord)},
		readings: make(map[uint64]*reading), waiting: make(map[uint64][]*consumer), local: make(map[*consumer]struct{}), heard: make(map[string]time.Time),
		state: newState(),
	}
	e.ctx, e.end = context.WithCancel(context.Background())
	return e
}

// connect starts the server of Dir, if there is one, and dials.
func (e *Engine) connect() (err error) {
	options := []nats.Option{nats.Name("prism " + e.name), nats.MaxReconnects(-1), nats.ReconnectWait(250 * time.Millisecond),
		// A server that is silent without an end of its connection is noticed, and
		// credentials may be replaced while they are wrong.
		nats.PingInterval(2 * time.Second), nats.MaxPingsOutstanding(2), nats.IgnoreAuthErrorAbort(), e.logConnection()}
	if e.alone {
		if e.server, err = startServer(&e.config); err != nil {
			return err
		}
		options = append(options, nats.InProcessServer(e.server))
	}
	if e.config.Creds != "" {
		options = append(options, nats.UserCredentials(e.config.Creds))
	}
	if e.nc, err = nats.Connect(e.config.URL, options...); err != nil {
		return fmt.Errorf("%w: JetStream at %s cannot be reached: see that it runs, and that address and credentials are right (%w)",
			platform.ErrUnavailable, WithoutPassword(e.config.URL), err)
	}
	e.largest = int(min(e.nc.MaxPayload(), mostPayload))
	if e.largest < minPayload {
		return fmt.Errorf("jetstream: the server takes messages of %d bytes at most: set its max_payload to 8MB", e.largest)
	}
	e.boundFanOut()
	return nil
}

// boundFanOut lowers MaxFanOut to what a record of the server has room for, and says so
// if an operator can have larger ones.
func (e *Engine) boundFanOut() {
	asked, bound := e.config.MaxFanOut, fanOutBound(e.largest)
	e.config.MaxFanOut = min(asked, bound)
	if !e.alone && bound < min(asked, fanOutBound(mostPayload)) {
		e.config.Logger.Warn("jetstream: max_payload of the server allows fewer queues for one message than MaxFanOut says: set it to 8MB, or to more for more than 70,000 queues",
			"max_payload", e.largest, "MaxFanOut", asked, "allowed", bound)
	}
}

func (e *Engine) logConnection() nats.Option {
	return func(o *nats.Options) error {
		log := e.config.Logger
		o.DisconnectedErrCB = func(_ *nats.Conn, err error) {
			if err != nil {
				log.Warn("jetstream: the connection was lost", "error", err)
			}
		}
		o.ReconnectedCB = func(nc *nats.Conn) { log.Info("jetstream: connected again", "to", nc.ConnectedAddr()) }
		o.AsyncErrorCB = func(_ *nats.Conn, _ *nats.Subscription, err error) {
			log.Log(context.Background(), slog.LevelWarn, "jetstream: the connection has trouble", "error", err)
		}
		return nil
	}
}

// openJournal sets the journal by the names in the config. It sends nothing.
func (e *Engine) openJournal() error {
	js, err := jetstream.New(e.nc)
	if err != nil {
		return err
	}
	name := e.config.Name
	e.journal = &journal{nc: e.nc, js: js, stream: name + "-log", subject: name + ".log", server: e.server, readers: make(chan struct{}, mostReaders)}
	if !e.alone {
		e.journal.tail = name + ".tail"
	}
	return nil
}

// begin makes the streams that are missing, reads the log and starts the goroutines.
func (e *Engine) begin(ctx context.Context) error {
	if err := e.openJournal(); err != nil {
		return err
	}
	if err := e.whenFormed(ctx, e.make); err != nil {
		return err
	}
	if err := e.whenFormed(ctx, e.load); err != nil {
		return err
	}
	return e.start()
}

// make makes the streams that are missing. A server that knows of no leader does
// not answer, so it waits for a bounded time.
func (e *Engine) make(ctx context.Context) (err error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if e.alone && exists(savedFile(&e.config)) { // since Open looked, another process has begun to renew the bucket
		return errNoErasing
	}
	has, err := e.journal.make(ctx, e.config.Replicas)
	if err != nil {
		return err
	}
	if has != e.config.Replicas {
		e.config.Logger.Warn("jetstream: the log was made with another number of replicas, which it keeps", "has", has, "asked", e.config.Replicas)
	}
	if e.files, err = openStore(ctx, e.journal.js, &e.config, e.server, 1); err != nil || e.files.eraser != nil {
		return err
	}
	if e.alone && !e.config.keepBucket {
		return errNoErasing
	}
	e.config.Logger.Warn("jetstream: the records were made by an earlier version: what is deleted stays in the files of the servers until these are written anew; a backup that is restored under another name is without it")
	return nil
}

func (e *Engine) start() error {
	if !e.alone {
		if _, err := e.nc.Subscribe(e.journal.tail, e.follow); err != nil {
			return err
		}
		if _, err := e.nc.Subscribe(e.beatSubject(), e.hearBeat); err != nil {
			return err
		}
		if _, err := e.nc.Subscribe(e.turnSubject(), e.hearTurn); err != nil {
			return err
		}
		e.group.Go(e.heartbeat)
		e.group.Go(e.watchEngines)
	}
	e.group.Go(e.committer)
	e.group.Go(func() { e.sweeper(e.ctx) })
	if e.files.eraser != nil {
		e.group.Go(func() { e.files.eraser.run(e.ctx) })
	}
	if e.server != nil {
		e.group.Go(func() { e.server.supervise(e.ctx) })
		e.group.Go(func() { e.diskShedder(e.ctx) })
	}
	if e.config.MaxAge > 0 {
		e.age()
		e.group.Go(e.expirer)
	}
	return nil
}

// Store returns the records, keys and apps that are kept beside the queues. It
// ends with the engine.
func (e *Engine) Store() *Store { return e.files }

// Close gives back what consumers hold, ends the engine and, with Dir, its
// server. It returns when all is written and nothing runs any more; a second
// Close returns at once.
func (e *Engine) Close() (err error) {
	e.closing.Do(func() {
		ctx, cancel := context.WithTimeout(e.ctx, patience)
		defer cancel()
		for _, c := range e.consumers() {
			c.close(ctx)
		}
		err = e.shutDown()
	})
	return err
}

func (e *Engine) consumers() (all []*consumer) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for c := range e.local {
		all = append(all, c)
	}
	return all
}

// spawn runs f in a goroutine that Close waits for. Once Close has begun to wait,
// it does nothing.
func (e *Engine) spawn(f func()) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.ended {
		e.group.Go(f)
	}
}

// shutDown ends the goroutines, then the connection, then the server.
func (e *Engine) shutDown() error {
	e.mu.Lock()
	e.ended = true
	e.mu.Unlock()
	e.end()
	e.group.Wait()
	if e.nc != nil {
		e.nc.Close()
	}
	if e.server != nil {
		return e.server.stop()
	}
	return nil
}
