package memory_test

import (
	"testing"

	"github.com/shopex/prism-go/internal/leak"
	"github.com/shopex/prism-go/platform"
	"github.com/shopex/prism-go/platform/enginetest"
	"github.com/shopex/prism-go/platform/memory"
)

func TestMain(m *testing.M) { leak.Main(m) }

func TestKeepsThePromisesOfAnEngine(t *testing.T) {
	enginetest.Queues(t, func(_ testing.TB, c enginetest.Config) platform.Queues {
		config := memory.Config{
			MaxMessages:      c.MaxMessages,
			MaxBytes:         c.MaxBytes,
			MaxOwnerMessages: c.MaxOwnerMessages, MaxOwnerBytes: c.MaxOwnerBytes,
			MaxTotalMessages: c.MaxTotalMessages, MaxTotalBytes: c.MaxTotalBytes,
			MaxTopics:   c.MaxTopics,
			MaxBindings: c.MaxBindings,
			MaxAge:      c.MaxAge,
		}
		for _, b := range c.Bindings {
			config.Bindings = append(config.Bindings, memory.Binding(b))
		}
		return memory.New(config)
	})
}

func TestKeepsThePromisesOfAStore(t *testing.T) {
	enginetest.Store(t, func(testing.TB) platform.Store { return memory.NewStore() })
}
