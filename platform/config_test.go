package platform_test

import (
	"testing"
	"time"

	"github.com/shopex/prism-go/platform"
	"github.com/shopex/prism-go/platform/memory"
)

func TestNewRefusesWhatCannotWork(t *testing.T) {
	rows := []struct {
		name   string
		change func(*platform.Config)
		words  []string
	}{
		{"no store", func(c *platform.Config) { c.Store = nil }, []string{"Store", "memory"}},
		{"no queues", func(c *platform.Config) { c.Queues = nil }, []string{"Queues"}},
		{"base with a query", func(c *platform.Config) { c.BasePath = "/api?x" }, []string{"BasePath"}},
		{"negative time", func(c *platform.Config) { c.PingInterval = -time.Second }, []string{"PingInterval"}},
		{"negative limit", func(c *platform.Config) { c.Limits.Window = -1 }, []string{"Window", "-1"}},
		{"small window too large", func(c *platform.Config) { c.Limits.SmallWindow = 300 }, []string{"SmallWindow", "256"}},
		{"no room for a form", func(c *platform.Config) { c.Limits.RequestBody, c.Limits.FormsInFlight = 2, 1 }, []string{"RequestBody"}},
		{"negative life", func(c *platform.Config) { c.OAuth.TokenLife = -time.Hour }, []string{"OAuth.TokenLife", "second"}},
		{"a life below the seconds of Unix times", func(c *platform.Config) { c.OAuth.RefreshLife = time.Millisecond }, []string{"OAuth.RefreshLife"}},
		{"negative failures", func(c *platform.Config) { c.OAuth.LoginFailures = -1 }, []string{"OAuth.LoginFailures"}},
		{"a base path that begins nowhere", func(c *platform.Config) { c.BasePath = "api" }, []string{"BasePath", "/api"}},
		{"APIs where the OAuth server lies", func(c *platform.Config) { c.Users, c.BasePath = nobody(), "/prism/oauth" }, []string{"BasePath", "OAuth"}},
		{"routing key beyond its length field", func(c *platform.Config) { c.Limits.RoutingKey = 70000 }, []string{"RoutingKey", "65535"}},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			cfg := platform.Config{Store: new(memory.Store), Queues: newQueues(memory.Config{})}
			row.change(&cfg)
			_, err := platform.New(cfg)
			if err == nil {
				t.Fatal("accepted")
			}
			contains(t, err.Error(), row.words...)
		})
	}
}
