// Package enginetest holds the promises of [platform.Queues] and
// [platform.Store] as tests, which every engine runs:
//
//	func TestQueues(t *testing.T) {
//		enginetest.Queues(t, func(t testing.TB, bounds platform.QueueBounds) platform.Queues {
//			return memory.New(bounds)
//		})
//	}
//
//	func TestStore(t *testing.T) {
//		enginetest.Store(t, func(testing.TB) platform.Store { return new(memory.Store) })
//	}
//
// The suites use the interfaces only, so they also fit an engine whose data is on disk
// or on other machines. About time they only expect that what is promised happens
// within half a minute.
package enginetest
