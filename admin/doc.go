// Package admin provisions the apps and keys of a Prism platform: it makes,
// shows and deletes them, and says which routing keys an app may publish and
// listen to. It takes away what users and keys hold, too.
//
//	provision := admin.New(client) // client has an admin key
//	app, err := provision.CreateApp(ctx, admin.NewApp{Name: "Shop"})
//	...
//	key, err := provision.CreateKey(ctx, app.ID, admin.NewKey{Notes: "production"})
//	...
//	save(key.ID, key.Secret)
//
// An admin key provisions the apps of its own app's domain, and the keys of
// these. Those of other domains are unknown to it. A key that was made with
// these calls is no admin key: the operator of the platform makes those.
//
// What is changed counts at once, also for connections that are open. Where
// several processes serve one platform, the open connections of the others
// follow within a second, or when their store can be reached again.
//
// An error that the platform answered is a [*prism.Error]. It matches
// [prism.ErrNotFound] for an app or a key that is not there, and
// [prism.ErrForbidden] if the client's key is no admin key or a bound is
// reached; [ErrExists], [ErrInUse], [ErrTooManyApps] and [ErrTooManyKeys] say
// what else was wrong.
package admin
