// Package queuetest holds the promises of [platform.Queues] as tests, which
// every engine runs:
//
//	func TestQueues(t *testing.T) {
//		queuetest.Run(t, func(t testing.TB, c queuetest.Config) platform.Queues {
//			return memory.New(memory.Config{MaxMessages: c.MaxMessages, ...})
//		})
//	}
//
// The suite asks through the interface only, so it also fits an engine whose
// messages are on disk or on other machines. It presumes nothing about time
// but that what was promised happens within half a minute.
package queuetest
