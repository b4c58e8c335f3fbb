package enginetest

import (
	"context"
	"errors"
	"slices"
	"sync"

	"github.com/shopex/prism-go/platform"
)

// Faults of engines in which owners share exchanges.

// A census knows what an engine was told of its owners.
type census struct {
	mu     sync.Mutex
	owners map[string]platform.Owner
}

// census lets the engine note its owners.
func (f *faultyQueues) census() *census {
	c := &census{owners: make(map[string]platform.Owner)}
	declare := f.declare
	f.declare = func(ctx context.Context, name string, o platform.Owner) error {
		c.mu.Lock()
		c.owners[name] = o
		c.mu.Unlock()
		return declare(ctx, name, o)
	}
	return c
}

// names returns the owners.
func (c *census) names() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var names []string
	for name := range c.owners {
		names = append(names, name)
	}
	return names
}

func (c *census) knows(name string) bool { return slices.Contains(c.names(), name) }

func (c *census) exchangeOf(name string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.owners[name].Exchange
}

func oneExchange(good platform.Queues) platform.Queues {
	f := spoilQueues(good)
	f.declare = func(ctx context.Context, name string, o platform.Owner) error {
		o.Exchange = "one"
		return good.Declare(ctx, name, o)
	}
	f.publish = func(ctx context.Context, _ string, ms ...*platform.Message) ([]int, error) {
		return good.Publish(ctx, "one", ms...)
	}
	return f
}

// echo lets a message reach the queues of its publisher only.
func echo(good platform.Queues) platform.Queues {
	f := spoilQueues(good)
	f.declare = func(ctx context.Context, name string, o platform.Owner) error {
		o.Exchange = name
		return good.Declare(ctx, name, o)
	}
	f.publish = oneByOne(func(ctx context.Context, _ string, m *platform.Message) (int, error) {
		return publishOne(ctx, good, m.ClientID, m)
	})
	return f
}

// anyTopic counts the queue of another owner if the one that is asked has none.
func anyTopic(good platform.Queues) platform.Queues {
	f := spoilQueues(good)
	c := f.census()
	f.status = func(ctx context.Context, owner, topic string) (platform.QueueStatus, error) {
		s, err := good.Status(ctx, owner, topic)
		for _, other := range c.names() {
			if err != nil {
				s, err = good.Status(ctx, other, topic)
			}
		}
		return s, err
	}
	return f
}

// refusedInPart stores a message that is refused where there is room.
func refusedInPart(good platform.Queues) platform.Queues {
	f := spoilQueues(good)
	f.publish = oneByOne(func(ctx context.Context, exchange string, m *platform.Message) (int, error) {
		n, err := publishOne(ctx, good, exchange, m)
		if err != nil {
			again := *m
			again.ClientID = "somebody"
			_, _ = publishOne(ctx, good, exchange, &again)
		}
		return n, err
	})
	return f
}

// refusedElsewhere writes a message that is refused to every default queue with room.
func refusedElsewhere(good platform.Queues) platform.Queues {
	f := spoilQueues(good)
	c := f.census()
	f.publish = oneByOne(func(ctx context.Context, exchange string, m *platform.Message) (int, error) {
		n, err := publishOne(ctx, good, exchange, m)
		if err != nil {
			for _, name := range c.names() {
				again := *m
				_ = good.Write(ctx, name, "", &again)
			}
		}
		return n, err
	})
	return f
}

func systemForAll(good platform.Queues) platform.Queues {
	f := spoilQueues(good)
	f.publish = oneByOne(func(ctx context.Context, exchange string, m *platform.Message) (int, error) {
		if key, ok := trimSystem(m.Key); ok {
			again := *m
			again.Key = key
			if _, err := publishOne(ctx, good, exchange, &again); err != nil {
				return 0, err
			}
		}
		return publishOne(ctx, good, exchange, m)
	})
	return f
}

func trimSystem(key string) (string, bool) {
	if len(key) > 8 && key[:8] == "@system." {
		return key[1:], true
	}
	return key, false
}

func alwaysOne(good platform.Queues) platform.Queues {
	f := spoilQueues(good)
	f.publish = oneByOne(func(ctx context.Context, exchange string, m *platform.Message) (int, error) {
		_, err := publishOne(ctx, good, exchange, m)
		return 1, err
	})
	return f
}

// countsRoutes tells of every queue that a message is routed to.
func countsRoutes(good platform.Queues) platform.Queues {
	f := spoilQueues(good)
	f.publish = oneByOne(func(ctx context.Context, exchange string, m *platform.Message) (int, error) {
		n, err := good.Route(ctx, exchange, m)
		if err == nil {
			_, err = publishOne(ctx, good, exchange, m)
		}
		return n, err
	})
	return f
}

func routeStores(good platform.Queues) platform.Queues {
	f := spoilQueues(good)
	f.route = func(ctx context.Context, exchange string, m *platform.Message) (int, error) {
		return publishOne(ctx, good, exchange, m)
	}
	return f
}

// declareOnce forgets what is declared of an owner that is there.
func declareOnce(good platform.Queues) platform.Queues {
	f := spoilQueues(good)
	known := make(map[string]bool)
	f.declare = func(ctx context.Context, name string, o platform.Owner) error {
		if known[name] {
			return nil
		}
		known[name] = true
		return good.Declare(ctx, name, o)
	}
	return f
}

func listenToAll(good platform.Queues) platform.Queues {
	f := spoilQueues(good)
	f.declare = func(ctx context.Context, name string, o platform.Owner) error {
		o.Listen = platform.Everything()
		return good.Declare(ctx, name, o)
	}
	return f
}

// declareAnew lets an owner begin with each Declare.
func declareAnew(good platform.Queues) platform.Queues {
	f := spoilQueues(good)
	f.declare = func(ctx context.Context, name string, o platform.Owner) error {
		return errors.Join(good.Forget(ctx, name), good.Declare(ctx, name, o))
	}
	return f
}

func bindAgain(good platform.Queues) platform.Queues {
	f := spoilQueues(good)
	f.declare = func(ctx context.Context, name string, o platform.Owner) error {
		err := good.Declare(ctx, name, o)
		for _, b := range o.Bindings {
			err = errors.Join(err, good.Bind(ctx, name, b.Topic, b.Pattern))
		}
		return err
	}
	return f
}

func beginAs(bindings []platform.Binding) func(good platform.Queues) platform.Queues {
	return func(good platform.Queues) platform.Queues {
		f := spoilQueues(good)
		f.declare = func(ctx context.Context, name string, o platform.Owner) error {
			o.Bindings = bindings
			return good.Declare(ctx, name, o)
		}
		return f
	}
}

// bindElsewhere declares an owner that is named by Bind.
func bindElsewhere(good platform.Queues) platform.Queues {
	f := spoilQueues(good)
	c := f.census()
	f.bind = func(ctx context.Context, owner, topic, pattern string) error {
		if !c.knows(owner) {
			if err := good.Declare(ctx, owner, platform.Owner{Exchange: "elsewhere"}); err != nil {
				return err
			}
		}
		return good.Bind(ctx, owner, topic, pattern)
	}
	return f
}

// keepsPlaces binds what was unbound to a queue that nobody has.
func keepsPlaces(good platform.Queues) platform.Queues {
	f := spoilQueues(good)
	c := f.census()
	f.unbind = func(ctx context.Context, owner, topic, pattern string) error {
		err := good.Unbind(ctx, owner, topic, pattern)
		ghost := platform.Owner{Exchange: c.exchangeOf(owner), Bindings: []platform.Binding{}}
		if err := good.Declare(ctx, "ghost", ghost); err != nil {
			return err
		}
		_ = good.Bind(ctx, "ghost", topic, pattern) // if the queue gave a place free
		return err
	}
	return f
}

// movesPart leaves a queue in the exchange that an owner leaves.
func movesPart(good platform.Queues) platform.Queues {
	f := spoilQueues(good)
	c := f.census()
	declare := f.declare
	f.declare = func(ctx context.Context, name string, o platform.Owner) error {
		known, was := c.knows(name), platform.Owner{Exchange: c.exchangeOf(name), Bindings: everything()}
		if err := declare(ctx, name, o); err != nil || !known || was.Exchange == o.Exchange {
			return err
		}
		return good.Declare(ctx, name+" left", was)
	}
	return f
}

// moveFirst lets a message come between the two halves of a change.
func moveFirst(good platform.Queues) platform.Queues {
	f := spoilQueues(good)
	was := make(map[string]platform.Owner)
	f.declare = func(ctx context.Context, name string, o platform.Owner) error {
		if half, known := was[name]; known {
			half.Exchange = o.Exchange
			if err := good.Declare(ctx, name, half); err != nil {
				return err
			}
			if _, err := good.Publish(ctx, o.Exchange, &platform.Message{Key: "order.0.x"}, &platform.Message{Key: "order.1.x"}); err != nil {
				return err
			}
		}
		was[name] = o
		return good.Declare(ctx, name, o)
	}
	return f
}
