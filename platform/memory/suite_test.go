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
	enginetest.Queues(t, func(_ testing.TB, bounds platform.QueueBounds) platform.Queues { return memory.New(bounds) })
}

func TestKeepsThePromisesOfAStore(t *testing.T) {
	enginetest.Store(t, func(testing.TB) platform.Store { return new(memory.Store) })
}
