package jetstream

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	nats "github.com/nats-io/nats-server/v2/server"

	busy "github.com/shopex/prism-go/internal/patience"
	"github.com/shopex/prism-go/platform"
)

func TestAConfigThatCannotWorkIsRefused(t *testing.T) {
	for _, row := range []struct {
		config Config
		says   string
	}{
		{Config{}, "either Dir"},
		{Config{Dir: "data", URL: "nats://127.0.0.1"}, "either Dir"},
		{Config{Dir: "data", Creds: "prism.creds"}, "Creds belong to URL"},
		{Config{URL: "nats://127.0.0.1,nats://user:hunter2@[::1"}, "address 2 of URL"},
		{Config{Dir: "data", QueueBounds: platform.QueueBounds{Bindings: make([]platform.Binding, mostFirstBindings+1)}}, "at most 1000"},
		{Config{URL: "nats://127.0.0.1", Name: "a.b"}, "letters, digits and dashes"},
		{Config{URL: "nats://127.0.0.1", Creds: filepath.Join(t.TempDir(), "prism.creds")}, "prism.creds"},
	} {
		_, err := Open(t.Context(), row.config)
		if err == nil || !strings.Contains(err.Error(), row.says) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%+v: %v", row.config, err)
		}
	}
}

// Either the password for the servers is wrong, or no server runs.
func TestServersThatCannotBeReachedAreUnavailable(t *testing.T) {
	o := serverOptions(t)
	o.Users = []*nats.User{{Username: "prism", Password: "right"}}
	s := startExternal(t, o)
	wrong := strings.Replace(s.ClientURL(), "nats://", "nats://prism:hunter2@", 1)
	right := strings.Replace(s.ClientURL(), "nats://", "nats://prism:right@", 1)
	open(t, Config{URL: right})
	for _, url := range []string{wrong, "nats://prism:hunter2@127.0.0.1:1"} {
		began := time.Now()
		_, err := Open(t.Context(), Config{URL: url, Logger: quiet(t)})
		if !errors.Is(err, platform.ErrUnavailable) || strings.Contains(err.Error(), "hunter2") {
			t.Error(err)
		}
		if took := time.Since(began); took > busy.Of(10*time.Second) {
			t.Errorf("took %v", took)
		}
	}
}
