// Package admin provisions the apps, keys and services of a Prism platform: it creates, shows
// and deletes them, and sets which routing keys an app may publish and listen to. It
// also disables users, and ends their sessions and tokens.
//
//	provision := admin.New(client) // client has an admin key
//	app, err := provision.CreateApp(ctx, admin.NewApp{
//		Name:    "Shop",
//		Publish: admin.Matching("order.#"), // and nothing else
//		Listen:  admin.Matching("stock.*"),
//	})
//	...
//	key, err := provision.CreateKey(ctx, app.ID, admin.NewKey{
//		Notes:    "production",
//		Bindings: []string{"stock.*"}, // of its default queue
//	})
//	...
//	save(key.ID, key.Secret)
//
// An admin key provisions the apps of its own app's domain, and the keys of
// these. Those of other domains are unknown to it. A key that was made with
// these calls is no admin key: the operator of the platform makes those.
//
// A change takes effect at once, also for open connections. Where several processes
// serve one platform, the open connections of the others follow within a second, or
// when their store can be reached again.
//
// An error that the platform answered is a [*prism.Error]. It matches
// [prism.ErrNotFound] for an app or a key that does not exist, and
// [prism.ErrForbidden] if the client's key is no admin key or a bound is reached.
// [ErrExists], [ErrInUse], [ErrTooManyApps] and [ErrTooManyKeys] say more.
package admin
