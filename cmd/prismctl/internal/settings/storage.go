package settings

import (
	"cmp"
	"errors"
	"fmt"

	"github.com/alecthomas/kong"
	"github.com/shopex/prism-go/platform/jetstream"
)

// Storage is the settings that say where messages and records are. Without any of
// them they are in memory.
type Storage struct {
	Data      string `is:"file" config:"data" placeholder:"DIR" help:"Keep messages, keys and logins in this directory."`
	Nats      string `config:"nats" placeholder:"URL[,URL]" help:"Keep them in JetStream on these servers, which several platforms may share."`
	NatsCreds string `is:"file" config:"nats-creds" placeholder:"FILE" help:"The credentials file for --nats."`
	Replicas  int    `config:"replicas" default:"1" placeholder:"N" help:"How many servers of --nats keep each message (${default}); it counts at the first start."`
}

func (s *Storage) check(from Sources) error {
	switch {
	case s.Data != "" && s.Nats != "":
		return fmt.Errorf("%s and %s are both set: messages are either in a directory or in JetStream", from["data"], from["nats"])
	case s.NatsCreds != "" && s.Nats == "":
		return fmt.Errorf("%s: credentials are for JetStream servers: set nats too", from["nats-creds"])
	case s.Replicas < 1 || s.Replicas > 5:
		return fmt.Errorf("%s: %d replicas; it must be 1 to 5", from["replicas"], s.Replicas)
	case s.Replicas > 1 && s.Nats == "":
		return fmt.Errorf("%s: replicas are for JetStream servers: set nats too", from["replicas"])
	}
	return nil
}

// InMemory reports whether nothing stays.
func (s *Storage) InMemory() bool { return s.Data == "" && s.Nats == "" }

// Where names the place for people, without what may be a password.
func (s *Storage) Where() string {
	if s.Data != "" {
		return s.Data
	}
	return jetstream.WithoutPassword(s.Nats)
}

// Settle fills the storage of a command that works on what is kept.
func (s *Storage) Settle(k *kong.Context, env func(string) string, config string) error {
	file, err := readSettings(cmp.Or(config, env("PRISM_CONFIG")))
	if err != nil {
		return err
	}
	from, err := settle(k, env, file)
	if err != nil {
		return err
	}
	if s.Data == "" && s.Nats == "" {
		return errors.New("it is not said where the messages are: give --data or --nats, or --config")
	}
	return s.check(from)
}

// SettleFlags is Settle for a command that takes what its flags say only.
func (s *Storage) SettleFlags(k *kong.Context) error {
	from, err := settle(k, func(string) string { return "" }, nil)
	if err != nil {
		return err
	}
	return s.check(from)
}
