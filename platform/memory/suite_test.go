package memory_test

import (
	"testing"

	"github.com/shopex/prism-go/internal/leak"
	"github.com/shopex/prism-go/platform"
	"github.com/shopex/prism-go/platform/memory"
	"github.com/shopex/prism-go/platform/queuetest"
	"github.com/shopex/prism-go/platform/storetest"
)

func TestMain(m *testing.M) { leak.Main(m) }

func TestKeepsThePromisesOfAnEngine(t *testing.T) {
	queuetest.Run(t, func(_ testing.TB, c queuetest.Config) platform.Queues {
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
	storetest.Run(t, func(testing.TB) platform.Store { return memory.NewStore() })
}
