// Package storetest holds the promises of [platform.Store] as tests, which
// every engine runs:
//
//	func TestStore(t *testing.T) {
//		storetest.Run(t, func(testing.TB) platform.Store { return memory.NewStore() })
//	}
//
// The suite asks through the interface only, so it also fits an engine whose
// records are on disk or on other machines. It presumes nothing about time but
// that a record which has expired is gone within half a minute.
package storetest
