// Package push sends messages to receivers that have an HTTP server and no SDK: one POST
// for each message, signed as Standard Webhooks (https://www.standardwebhooks.com) says.
//
// An address of a receiver may come from anybody, and so may what a receiver answers. So
// addresses are checked when they are dialed, redirects are not followed, and what is
// read of an answer is bounded.
package push
