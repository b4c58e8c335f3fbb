// Package oauth logs the users of a web application in with the Prism open
// platform, keeps them logged in and logs them out (protocol chapter 4, in
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
// In the handlers of app, [User] returns the logged-in user, [UserClient] a client
// that calls APIs in the name of that user, and [UserToken] the token itself.
// [Login.Recognize] is for pages that everybody may see. The address of the callback
// and that of [Config].AfterLogout must be registered with the platform.
//
// Several processes may serve the same users if they share a session store, with
// [Config].Sessions. A store that is a [Claimer] makes their refreshes faster.
//
// # By hand
//
// A program that is not a web application, or keeps its sessions in another way,
// takes the steps itself: it sends the browser to [Login.AuthCodeURL], exchanges the
// code of the callback for a [Token] with [Login.Exchange], refreshes it with
// [Login.Refresh], asks with [Login.CheckSession] whether the user has logged out
// elsewhere, and sends the browser to [Login.LogoutURLFor] for the logout.
// [Login.TokenSource] is for packages that use golang.org/x/oauth2.
//
// # Failures
//
// A login that fails, and a session that is lost, is a [*LoginError] with a
// [Reason]. It is logged by the Logger of the client, if the client has one, and
// given to [Config].OnError and, for the answer, [Config].ErrorPage.
//
// # Time
//
// The platform sends the expiry of a token as a Unix time on its own clock. It is
// converted to the local clock by the Date of the answer, so the local clock may be
// wrong, as long as it does not jump.
//
// # Secrets
//
// No error and no log record contains a token, a code or a session id. A [Token]
// that is printed or logged shows its user and its expiry only; its JSON, which is
// for storing it, contains everything.
package oauth
