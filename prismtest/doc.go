// Package prismtest is a real Prism platform inside a test, as
// [net/http/httptest] is a real HTTP server.
//
// # A whole test
//
//	func TestOrdersAreShipped(t *testing.T) {
//		srv := prismtest.NewServer(t) // closed with the test
//		shop := NewShop(srv.Client()) // the code to be tested: it consumes orders
//		go shop.Run(t.Context())
//
//		srv.Publish("order.new", `{"id": 7}`)
//		srv.WaitAcks(1) // returns as soon as the order was handled
//
//		srv.Cut() // every connection breaks
//		srv.Publish("order.new", `{"id": 8}`)
//		srv.WaitAcks(2) // the shop came back
//
//		if got := shop.Shipped(); !slices.Equal(got, []int{7, 8}) {
//			t.Errorf("shipped %v", got)
//		}
//	}
//
// # What it is
//
// The platform is that of package platform, over the engine of package
// platform/memory, behind a real HTTP server. It checks signatures, routes,
// redelivers and refuses like any other. Refused signatures come with an
// explanation.
//
// All keys of a server are of one domain and share its exchange: what one of them
// publishes reaches the queues of every key that are bound to it, once each. The app of
// [Server.Key] may publish and listen to everything, and a key that a test adds begins
// with # like the first one, so a second key gets a copy of all messages.
// [Server.AddApp] makes an app that may do less.
//
// # Look and wait
//
// A [Server] lists what it has seen, in order: [Server.Calls],
// [Server.Connections], [Server.Published], [Server.Deliveries], [Server.Acks], [Server.Parks]
// and more; [Server.Peek] shows what a queue holds. For what it lists there is a Wait
// method each, which returns as soon as there is the number that the test expects, and
// [Server.WaitUntil] waits for anything else. None of them sleeps for a fixed time. When
// it takes longer than [Config].Patience they fail the test and say what was seen instead.
//
// What has happened is listed before the peer can know of it, with three
// exceptions: a call is listed when its answer is written, an acknowledgement
// when it has arrived, and a connection when it is accepted. So wait for these.
//
// # Answers of your own
//
// [Server.Handle] answers the calls of an API as the test wants it, whether the
// platform has that API or not. [Server.HandleOnce] gives several answers one
// after the other:
//
//	srv.HandleOnce("systrade", prismtest.Fail(503, "busy", "try later"), prismtest.Answer("done"))
//
// # Users
//
// [Server.AddUser] adds users, and [Server.AllowRedirect] the redirect addresses of the
// application under test, which [Server.Site] serves. [Server.SignIn] logs a user in as a
// browser does: from the page to the platform's login form and back to the page.
// [Server.SignOut] ends the session at the platform without the application, and
// [Server.Advance] makes tokens and sessions expire. A test that only needs calls of a
// user, and no pages, gets a token by [Server.AccessToken].
//
//	srv.AddUser(platform.User{ID: "u1", Login: "lin"}, "open sesame")
//	site := srv.Site(shop)
//	srv.AllowRedirect(site+"/callback")
//	browser := srv.Browser()
//	resp := srv.SignIn(browser, site+"/orders", "lin", "open sesame") // shows the orders
//
// # Faults
//
// [Server.Cut] breaks all connections, [Server.Stall] makes them half-open,
// [Server.Freeze] stops the whole platform, [Server.Refuse] closes new
// connections, [Server.Delay] makes all slow, [Server.Duplicate] stores messages
// twice, [Server.LoseAcks] loses acknowledgements, [Server.Restart] is an update
// of the platform, and [Server.Advance] moves its clock.
//
// # Virtual time
//
// With [Config].Pipe the server works inside of [testing/synctest.Test]: no
// test waits for the next ping or for a backoff. All of it, the clients as well,
// must be made inside of the bubble, and consumers and publishers must have
// ended when the bubble does. Applications are served by [Server.Site] there.
//
//	synctest.Test(t, func(t *testing.T) {
//		srv := prismtest.NewServerConfig(t, prismtest.Config{Pipe: true})
//		...
//		srv.Stall()
//		time.Sleep(time.Hour) // takes no time
//	})
//
// # What it does not do
//
// It has no disk and no other process: messages are gone with the test. TLS
// and HTTP/2 are not offered.
package prismtest
