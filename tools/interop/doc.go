// Package interop holds nothing but tests: internal/socket against other
// WebSocket libraries, each in both roles. It is a module of its own, so that
// they are no dependency of anybody.
package interop
