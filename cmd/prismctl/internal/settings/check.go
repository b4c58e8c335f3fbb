package settings

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"slices"
	"time"

	"github.com/alecthomas/kong"
)

// checkLevel reports whether the level of the log, which is a setting of all
// commands, is one.
func checkLevel(k *kong.Context, from string) error {
	for _, flag := range settingsOf(k) {
		if level := flag.Target.String(); flag.Tag.Get("config") == "log-level" && level != "" {
			if _, err := Level(level); err != nil {
				return fmt.Errorf("%s: %w", from, err)
			}
		}
	}
	return nil
}

// mostHistory bounds keep-history: all of it is copied for a search, which others wait for.
const mostHistory = 64 << 20

func (s *Serve) check() error {
	switch {
	case s.ShowSecret:
		return errors.New("--show-secret: a secret is shown once, when it is made; if it is lost, give the key a new one by \"prismctl key rotate KEY\" with an admin key, or by a start with PRISM_KEY=KEY and a new PRISM_SECRET")
	case s.SignWindow < 0:
		return fmt.Errorf("%s must not be negative; 0 accepts any age", s.From["sign-window"])
	case s.SignWindowPast < 0:
		return fmt.Errorf("%s must not be negative; 0 accepts any age", s.From["sign-window-past"])
	case s.RefuseReplays && (s.SignWindow == 0 || s.SignWindowPast == 0):
		return fmt.Errorf("%s needs windows of signatures with an end, such as sign-window 10m", s.From["refuse-replays"])
	case !slices.Contains([]string{"auto", "word", "prism"}, s.ErrorCodes):
		return fmt.Errorf("%s: %q is no kind of error codes: use auto, word or prism", s.From["error-codes"], s.ErrorCodes)
	case !slices.Contains([]string{"auto", "on", "off"}, s.Console):
		return fmt.Errorf("%s: %q is none of auto, on and off", s.From["console"], s.Console)
	case s.SessionLife < time.Minute:
		return fmt.Errorf("%s must be a minute or more, such as 12h", s.From["session-life"])
	case s.KeepHistory < 0:
		return fmt.Errorf("%s must not be negative; 0 keeps nothing", s.From["keep-history"])
	case s.KeepHistory > mostHistory:
		return fmt.Errorf("%s must be %d (64 MiB) at most: each search for a message reads all of it", s.From["keep-history"], mostHistory)
	case s.Drain <= 0:
		return fmt.Errorf("%s must be more than 0, such as 10s", s.From["drain"])
	case s.DrainDelay < 0:
		return fmt.Errorf("%s must not be negative; 0 ends at once", s.From["drain-delay"])
	case (s.TLSCert == "") != (s.TLSKey == ""):
		return errors.New("tls-cert and tls-key go together: give both, or none")
	case s.LogFormat != "text" && s.LogFormat != "json":
		return fmt.Errorf("%s: %q is no format of a log: use text or json", s.From["log-format"], s.LogFormat)
	}
	return cmp.Or(
		checkAddress(s.From["listen"], s.Listen, false),
		checkAddress(s.From["admin-listen"], s.AdminListen, true),
		s.Storage.check(s.From),
		s.checkSync(),
		s.Front.check(s.From),
		s.Gateway.check(s.From, s.Nats),
		s.Elsewhere.check(s.From),
		s.checkUsersElsewhere(),
		s.Limits.check(s.From),
		s.checkBindings())
}

// checkBindings holds the bindings to the limits of those that callers make.
func (s *Serve) checkBindings() error {
	for i, b := range s.Lists.Bindings {
		if len(b.Pattern) > s.LimitsRoutingKey || len(b.Topic) > s.LimitsTopic {
			return fmt.Errorf("%s: a pattern has at most %d bytes and a topic %d (limits.routing-key, limits.topic)",
				nth(s.Whose["binding"], i, ""), s.LimitsRoutingKey, s.LimitsTopic)
		}
	}
	return nil
}

// checkUsersElsewhere refuses users of both kinds: those given could not log in.
func (s *Serve) checkUsersElsewhere() error {
	if s.Asked() && len(s.Lists.Users) > 0 {
		return fmt.Errorf("%s: users are given here, but another setting says that they are elsewhere (users-http-url, users-sql): give one of both", s.Whose["user"])
	}
	return nil
}

func checkAddress(from, address string, optional bool) error {
	if optional && address == "" {
		return nil
	}
	_, port, err := net.SplitHostPort(address)
	if err == nil {
		_, err = net.LookupPort("tcp", port)
	}
	if err != nil {
		return fmt.Errorf("%s: %w; write HOST:PORT, such as 127.0.0.1:8080", from, err)
	}
	return nil
}

func (s *Serve) checkSync() (err error) {
	if s.Sync == "always" {
		return nil
	}
	if s.Syncing, err = time.ParseDuration(s.Sync); err != nil || s.Syncing <= 0 {
		return fmt.Errorf("%s: %q is no time to sync: write always, or a time such as 100ms", s.From["sync"], s.Sync)
	}
	if s.Data == "" {
		return fmt.Errorf("%s: the time of syncing is that of a directory: set data too, or look into the configuration of your servers", s.From["sync"])
	}
	return nil
}
