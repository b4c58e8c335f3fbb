// Package oauth logs the users of a web application in with the Prism open
// platform, keeps them in and lets them out (protocol chapter 4, in
// docs/protocol.md of this module).
//
// # Pages behind the login
//
//	login, err := oauth.New(client, oauth.Config{CallbackURL: "https://shop.example/auth/callback"})
//	...
//	defer login.Close()
//	http.Handle("/", login.Require(app))
//	http.Handle("POST /logout", login.Logout())
//
// Inside of app, [User] tells who is there, [UserClient] calls APIs in that
// user's name, and [UserToken] is the token itself. [Login.Recognize] is for pages
// that everybody may see. The address of the
// callback has to be registered with the platform, and so has the one that
// [Config].AfterLogout gives.
//
// # By hand
//
// Programs that are no web application, or keep their users in another way,
// call the steps themselves: [Login.AuthCodeURL] is where to send the browser,
// [Login.Exchange] turns the code that it brings back into a [Token],
// [Login.Refresh] renews it, [Login.CheckSession] asks whether the user has
// signed out elsewhere, and [Login.LogoutURLFor] is where that is done.
// [Login.TokenSource] is the bridge to golang.org/x/oauth2.
//
// # Time
//
// The platform gives the end of a token's life as a Unix time. It is read on
// the platform's clock, by the Date of the answer, so that the local clock may
// be wrong as long as it goes evenly.
//
// # Secrets
//
// Tokens, codes and session ids are in no error and in no log record. A [Token]
// that is printed or logged shows whose it is and until when, and no more; its
// JSON, which is for keeping it, shows everything.
package oauth
