package jetstream

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/shopex/prism-go/platform"
)

// Config says where an engine keeps its messages, and bounds its queues. One
// of Dir and URL is needed; everything else has a default, which is what zero
// means.
type Config struct {
	// Dir is a directory for a JetStream server inside this process, which
	// no other process can reach. It is made unless it exists, and is
	// locked: a second engine on it does not open.
	Dir string
	// SyncInterval is how often the server of Dir makes the disk keep what
	// was written. 0 is the safe choice: before each confirmation. Otherwise
	// a power failure may take the confirmed messages of that time, though
	// the end of the process, by kill -9 too, takes none.
	SyncInterval time.Duration

	// URL has the addresses of other JetStream servers, separated by commas,
	// instead of Dir: any number of engines may share them. When those servers
	// sync their disks, their configuration says (sync_interval: always).
	URL string
	// Creds is a file with NATS credentials for URL; it is read again for each
	// connection.
	Creds string
	// Replicas is how many servers at URL keep each message; 0 is 1. It
	// has an effect only when the streams are made.
	Replicas int
	// AckWait is how long an engine at URL may be silent until the others
	// put what its consumers held back into the queues, at least 1 s; 0 is 10 s.
	AckWait time.Duration

	// Patience is how long an operation waits for JetStream when it cannot be
	// reached, has lost its quorum, or its disk is full; then it returns an
	// error that is [platform.ErrUnavailable]. 0 is 5 s.
	Patience time.Duration

	// Name begins the names of streams and subjects, so that platforms may
	// share servers: letters, digits and dashes. The default is "prism".
	Name string
	// Logger gets the log records of the engine and of the server of Dir. If
	// nil, nothing is logged.
	Logger *slog.Logger

	// QueueBounds is what the queues hold at most. An owner gets Bindings, of which
	// there are at most 1,000, when it is first named. What has become older than
	// MaxAge is never delivered, and is removed within half a minute. MaxFanOut is
	// lowered to what fits into one message of the server.
	platform.QueueBounds
	// CacheBytes is how much of the messages stays in memory, the newest
	// ones; 0 is 64 MiB.
	CacheBytes int64

	restoring  bool          // Dir is that of a [Restore]
	held       *os.File      // the lock of Dir, if the caller has it
	keepBucket bool          // use a bucket even if nothing can be erased in it
	noReserve  bool          // the disk may be filled completely
	eraseAfter time.Duration // the eraser waits so long for more to erase; 0 is 1 s
	cleanAbove int64         // bytes of garbage in the log that are always allowed; 0 is 16 MiB
}

// leastAckWait is the time of several heartbeats.
const leastAckWait = time.Second

// mostFirstBindings bounds Bindings, as an owner must fit into one record.
const mostFirstBindings = 1000

func (c Config) withDefaults() (Config, error) {
	if (c.Dir == "") == (c.URL == "") {
		return c, errors.New("jetstream: give either Dir, for a server in this process, or URL")
	}
	if err := c.checkServers(); err != nil {
		return c, err
	}
	c.Name = cmp.Or(c.Name, "prism")
	for _, r := range c.Name {
		if !(r == '-' || '0' <= r && r <= '9' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z') {
			return c, fmt.Errorf("jetstream: the name %q may have letters, digits and dashes only", c.Name)
		}
	}
	if c.AckWait < 0 || c.AckWait > 0 && c.AckWait < leastAckWait || c.Patience < 0 {
		return c, fmt.Errorf("jetstream: AckWait must be at least %v and Patience positive; 0 is the default", leastAckWait)
	}
	c.Logger = cmp.Or(c.Logger, slog.New(slog.DiscardHandler))
	c.Replicas = cmp.Or(c.Replicas, 1)
	c.AckWait = cmp.Or(c.AckWait, 10*time.Second)
	c.Patience = cmp.Or(c.Patience, 5*time.Second)
	c.CacheBytes = cmp.Or(c.CacheBytes, 64<<20)
	c.cleanAbove = cmp.Or(c.cleanAbove, 16<<20)
	c.eraseAfter = cmp.Or(c.eraseAfter, time.Second)
	if len(c.Bindings) > mostFirstBindings {
		return c, fmt.Errorf("jetstream: %d bindings for each owner to begin with are too many: at most %d", len(c.Bindings), mostFirstBindings)
	}
	c.QueueBounds = c.QueueBounds.WithDefaults()
	return c, nil
}

// checkServers refuses an address that cannot be parsed. NATS would quote it in its
// error, and it may hold a password.
func (c *Config) checkServers() error {
	if c.Dir != "" && c.Creds != "" {
		return errors.New("jetstream: Creds belong to URL: the server of Dir needs none")
	}
	all := strings.Split(c.URL, ",")
	ambiguous := len(all) > 1 && strings.Contains(c.URL, "@")
	for i, address := range all {
		if c.URL != "" && (unreadable(address) || ambiguous && notWhole(address)) {
			return fmt.Errorf("jetstream: address %d of URL is not one: write nats://HOST:PORT, and %%2C for a comma in a password", i+1)
		}
	}
	return nil
}
