// Package platform is the Prism open platform as an [http.Handler]: signed API
// calls, the queue calls, the message channel and the OAuth server, over the
// engines that its user brings.
//
// Comments that name a chapter of the protocol mean docs/protocol.md of this
// module. Its chapter 7 has what this platform adds to Prism.
//
// # Embedding
//
// A [Platform] needs a [Store], in which a [Registry] keeps the keys, and [Queues],
// which hold the messages; with [Users], such as a Registry, it logs people in,
// too. Package platform/memory has them for one process.
//
//	key := platform.NewKey("shop")
//	key.Bindings = []platform.Binding{{Pattern: "#"}} // its default queue gets everything
//	store, err := memory.NewStore(key)
//	if err != nil {
//		log.Fatal(err)
//	}
//	p, err := platform.New(platform.Config{Store: store, Queues: memory.New(memory.Config{})})
//	if err != nil {
//		log.Fatal(err)
//	}
//	if err := p.Reconcile(context.Background()); err != nil {
//		log.Fatal(err)
//	}
//	log.Fatal(http.ListenAndServe("127.0.0.1:8080", p))
//
// Without Bindings, of the key or of [QueueBounds], the queues of a key get nothing until
// the key binds them. [Platform.Reconcile] makes them, also for keys that were not used
// yet.
//
// Give it a server of its own, or the root of a mux: it answers under
// [Config].BasePath, and the signature covers the whole path. A middleware that
// strips or rewrites the path breaks signatures. Behind a reverse proxy set
// [Config].TrustedProxies and [Config].PublicURL. Set the server's ReadHeaderTimeout; its
// other timeouts do not affect channel connections.
//
// To stop, call [Platform.Shutdown] and the Shutdown of the http.Server.
//
// # The life of a call
//
// Every call is read within bounds, verified (protocol chapter 2), offered to
// [Config].Override, and then routed: to the platform's own APIs, else to
// [Config].Backend. The answer is the platform's envelope with X-Request-Id,
// and a Date by the platform's clock. These are the codes of its errors:
//
//	400 invalid_query, invalid_form, invalid_body   what was sent cannot be read
//	400 ambiguous_forwarded                         two kinds of proxy headers that contradict
//	400 duplicate_parameter                         a reserved parameter came twice
//	400 missing_parameter, invalid_parameter        the message names it
//	400 invalid_handshake                           also with other statuses
//	400 invalid_session                             of session_check
//	400 unknown_redirect_uri                        of /oauth/authorize; 404 of provisioning
//	400 too_many_redirects                          of provisioning
//	400 fetch_failed, faulty_file                   an api.json; error.data.faults has the places
//	400 invalid_request, invalid_grant,
//	    unsupported_grant_type                      of /oauth/token
//	    unsupported_response_type                   of /oauth/authorize, in the address of the app
//	401 missing_client_id, unknown_key, invalid_key,
//	    key_expired, secret_changed                 the key
//	401 missing_sign, invalid_sign_method,
//	    invalid_sign, invalid_secret                the proof
//	401 missing_sign_time, invalid_sign_time,
//	    sign_time_expired                           the time
//	401 repeated_sign                               a change that this signature has made already
//	401 invalid_token                               the call needs a user
//	401 wrong_password                              of the login page
//	403 secret_over_http                            secret mode where others can read it
//	403 too_many_topics, too_many_bindings
//	403 too_many_queues                             for one routing key
//	403 forbidden_routing_key                       the app may not publish or listen to it
//	403 forbidden_admin, forbidden_users,
//	    too_many_apps, too_many_keys,
//	    too_many_services                           of provisioning; forbidden_admin also
//	                                                of queue calls with of
//	403 forbidden_api                               the app is not bound to this API
//	403 user_required                               the API needs a user
//	403 cross_site, form_expired                    a form that is not of this page
//	404 unknown_api, unknown_topic,
//	    unknown_binding, unknown_call, unknown_message
//	404 unknown_app, unknown_key, unknown_user,
//	    unknown_service                             what the call is about
//	405 method_not_allowed                          with Allow
//	408 request_timeout                             the form came too slowly
//	409 app_exists, in_use, member_exists,
//	    prefix_taken                                of provisioning
//	409 breaking_change                             of an api.json; error.data.changes lists them
//	413 request_too_large, message_too_large        414 for a query,
//	                                                431 for a header
//	426 upgrade_required                            a plain call of the channel
//	429 queue_full, too_many_connections,
//	    too_many_failures, too_many_changes         with Retry-After
//	429 rate_limited                                the limit of an API; with Retry-After
//	499 canceled                                    the caller had gone; seen in log and trace only
//	500 internal_error                              the cause is in the log only
//	503 shutting_down, overloaded                   with Retry-After
//	502 bad_gateway                                 a backend cannot be reached, or broke off
//	503 api_offline                                 the service is off line
//	503 unavailable                                 an engine returned ErrUnavailable; with Retry-After
//	504 backend_timeout                             a backend did not answer in time
//
// # The message channel
//
// BasePath/platform/notify and BasePath/notify take WebSocket connections
// (protocol chapter 3). What a client can rely on:
//
//   - A ping is answered only when everything sent before it is stored, so its
//     pong proves that. Messages that arrive together are stored together. A
//     publish that is refused ends the connection: no later one is stored, and no
//     ping behind it is answered.
//   - Deliveries carry the tags 1, 2, 3 ... in the order in which they arrive,
//     each as one unfragmented frame: text if it is UTF-8, else binary.
//   - When a connection ends, in whatever way, its unacknowledged messages are
//     back in their queues before the platform's close frame is sent.
//   - A window bounds what is unacknowledged ([Limits].Window and WindowBytes),
//     small for peers that have not sent a ping.
//
// The close frame says why: 1002 for frames that break the protocol, 1003 for
// an unknown command, 1007 for text that had to be UTF-8, 1008 for what is
// not allowed, such as an empty routing key or one that the app may not publish,
// and for a key that was deleted, has expired or got another secret, 1009 for what is too big, 1011
// for a failure of the platform, 1013 for a full queue or an engine that is not
// available (try again later), 1001 when the platform shuts down, 4404 when a consumed
// topic was dropped. A handshake with the parameter existing=1 is of a consumer that
// has consumed before: it gets 4404, too, where consume would make the topic.
//
// # Who gets a message
//
// The domain of an app is an exchange. A message that a key publishes goes, stored once,
// to every queue of the domain, of whichever key, with a binding that matches its routing
// key, if the app of the publisher may publish it and the app of the queue may listen to
// it. A message for which there is no such queue is dropped: the answer of notify/write,
// notify/status of the publisher, [PublishEvent] and [Stats] show that. notify/write with a
// topic goes straight into that queue.
//
// A publisher waits for no other key: its own full queues refuse, and those of others drop
// their oldest message, as far as [QueueLimits] do not say otherwise. Each key lowers the
// limits of its queues with notify/queue/limit; admin keys raise them. notify/peek shows
// what is in a queue and takes nothing.
//
// A message counts how often it was tried: deliveries say so, consumers say when they
// have failed, and a connection that ends has tried its oldest delivery. What has reached
// QueueLimits.MaxAttempts is parked; see [Queues]. The calls notify/queue/park, parked,
// unpark and discard are about parked messages.
//
// For an admin key, the calls about queues have the
// parameter of, which names another key of its domain: they are about the queues of that.
//
// Platforms tell the engine what they know of a key when they use its queues and when it
// changes; see [Platform.Reconcile].
//
// # Provisioning
//
// A key with Admin makes and deletes the apps of its app's domain, and the keys
// of these, by platform/app/..., platform/key/... and platform/manageapp/...;
// package admin is a client of these calls. They say, too, which routing keys an
// app may publish and listen to; a new app may do neither until they say so. What they
// change counts at once, also on the connections that are open and for queues that nobody
// uses; what is in a queue stays there. What another platform over the same Store
// changes counts within a second, or later if the Store takes more than milliseconds to
// answer.
//
// When a key is deleted, its connections end, and then its queues are removed. A call
// to another platform within that second may make a queue again, which belongs to no
// key and no domain.
//
// While the Store is not available, calls and new connections are refused. Open
// connections go on with the last known state: what was deleted or forbidden at another
// platform counts when the Store is available again. The connections of a key that
// expires meanwhile end nevertheless, within three seconds if the Store hangs.
//
// A provisioning call that changes something counts once for each signature, at
// all platforms over the Store. A secret is shown when it is made, by
// platform/key/create and platform/key/rotate; then the old one may stay valid for a
// while. If Users is a [Registry], platform/user/... list users and end their sessions
// and tokens, for the admin keys of the domain default.
//
// # Logging in
//
// With [Config].Users there is an OAuth server beside BasePath (protocol chapter
// 4): /oauth for /api. /oauth/authorize and /oauth/logout are pages for
// browsers, and so is /oauth/done, for the end of a login in a program that has no pages
// itself; /oauth/token is called by apps, signed as every call, and answers
// without the envelope: {"access_token": ...} or {"error": CODE,
// "error_description": TEXT}. What an app can rely on:
//
//   - A code is valid once, for [OAuth].CodeLife, for the key and the redirect_uri
//     that it was asked for, and with the code_verifier if there was a
//     code_challenge. A second use ends the tokens that the first one gave.
//   - A refresh gives a new refresh token. The old one is no longer valid: of two
//     refreshes at the same moment one is refused, and a later use of it ends all
//     tokens of that login. Access tokens stay valid until they expire, the last
//     eight of a login.
//   - platform/oauth/session_check lets the session live on for
//     [OAuth].SessionIdle. A refresh works also when the session is idle.
//   - A session ends with [OAuth].SessionLife, however much it is used, and when
//     its user is deleted or disabled or gets another password, as far as Users is
//     a [UserEpochs]. A key that is made again under the same ID has no part in it.
//   - A logout ends the session, and with it each refresh token, access token and
//     session_check of every app that the user was logged in to.
//
// An access token is for the key that got it. A call with a valid one is made for
// its user: platform/oauth/user returns the user, and a Backend gets it in
// X-Api-Oauth. A call with any other token is served as a call without one.
//
// # Living with published SDKs
//
// The SDKs for Python, PHP, Go, Java, JavaScript and C# work unchanged as far
// as what they send can be understood (protocol chapter 6). Where it cannot, the
// refusal names the dialect.
package platform
