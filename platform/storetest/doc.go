// Package storetest holds the promises of [platform.Store] as tests, which
// every engine runs:
//
//	func TestStore(t *testing.T) {
//		storetest.Run(t, func(t testing.TB, c storetest.Config) platform.Store {
//			s := memory.NewStore(c.Keys...)
//			s.AddApp(c.Apps...)
//			return s
//		})
//	}
//
// The suite asks through the interface only, so it also fits an engine whose
// records are on disk or on other machines. It presumes nothing about time but
// that a record which has expired is gone within half a minute.
package storetest
