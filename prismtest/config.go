package prismtest

import (
	"cmp"
	"log/slog"
	"time"

	"github.com/shopex/prism-go/platform"
	"github.com/shopex/prism-go/platform/memory"
)

// Config says how a [Server] differs from what [NewServer] makes. Every field
// has a useful zero value; [NewServerConfig] copies it.
type Config struct {
	// Key, Secret and App are the first key of the platform. Empty ones are
	// chosen at random, except App, which is "test" and may publish and listen to
	// everything. It is an admin key, for package admin. If Platform.Store has a
	// key with this ID and Secret, that one is used unchanged; so is its app.
	Key, Secret, App string

	// Platform configures the platform. Store and Queues are in memory and Users
	// in Store, unless they are set. Explain is always on, so that the refusal of
	// a signature says why, and so is PushLoopback, for receivers in the test. Now is the clock that [Server.Advance] moves, and
	// Override is called for calls that no [Server.Handle] answers. Unless
	// OAuth.LoginFailures is set, a thousand logins may fail.
	Platform platform.Config

	// Memory bounds the queues; when Platform.Queues is set, it does not. Its
	// Bindings are those that all keys begin with. If they are nil, the default
	// queues of [Server.Key] and of those that the test adds begin with #.
	Memory memory.Config

	// Pipe uses pipes in memory instead of TCP, so that the server can be used
	// inside of [testing/synctest.Test]. Only clients with the HTTPClient of
	// [Server.ClientConfig] reach it. Nothing is pushed then.
	Pipe bool

	// Logger gets the records of the platform and of the clients, unless
	// Platform.Logger is set. If nil, nothing is logged.
	Logger *slog.Logger

	// Patience is how long the Wait methods wait before they fail the test.
	// Zero means 10 seconds.
	Patience time.Duration
}

// bindings returns those that a key of the test begins with.
func (c *Config) bindings() []platform.Binding {
	if c.Memory.Bindings != nil {
		return c.Memory.Bindings
	}
	return []platform.Binding{{Pattern: "#"}}
}

func (c Config) withDefaults() Config {
	random := platform.NewKey("test")
	c.Key = cmp.Or(c.Key, random.ID)
	c.Secret = cmp.Or(c.Secret, random.Secret)
	c.App = cmp.Or(c.App, random.App)
	c.Patience = cmp.Or(c.Patience, 10*time.Second)
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Platform.Logger == nil {
		c.Platform.Logger = c.Logger
	}
	if c.Platform.Now == nil {
		c.Platform.Now = time.Now
	}
	if c.Platform.Store == nil {
		c.Platform.Store = new(memory.Store)
	}
	if c.Platform.Users == nil {
		users := platform.NewRegistry(c.Platform.Store)
		users.Iterations = platform.KeepHashes // as few as those of AddUser
		c.Platform.Users = users
	}
	if c.Platform.Queues == nil {
		c.Platform.Queues = memory.New(c.Memory)
	}
	c.Platform.OAuth.LoginFailures = cmp.Or(c.Platform.OAuth.LoginFailures, 1000)
	c.Platform.Explain, c.Platform.PushLoopback = true, true
	return c
}
