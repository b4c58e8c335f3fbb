// Package wire turns the commands and deliveries of the message channel into
// bytes and back (protocol chapter 3). It does no I/O and serves client and
// platform alike, so the two cannot drift apart: strict in what it writes,
// and on reading tolerant exactly where published SDKs are known to differ.
// The protocol is docs/protocol.md, which has frames in hex.
package wire
