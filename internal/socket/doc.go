// Package socket holds WebSocket connections (RFC 6455) for both sides.
//
// A client makes a [Handshake], sends its header through any HTTP transport
// and finishes it with the answer; a server calls [Accept]. From then on both
// hold a [Conn], which hands over whole messages.
//
// One goroutine reads: [Conn.Read] joins fragments, answers pings and reports
// how the peer ended. Any number of goroutines write: [Conn.Write] puts a frame
// into a bounded queue, and the connection's only goroutine carries all that
// is waiting to the kernel in one system call.
//
// The package is lenient where the published SDKs of Prism need it (protocol
// chapter 6) and strict everywhere else. It knows no extensions and no
// subprotocols.
package socket
