// Package interop holds nothing but tests against what others have written: internal/socket
// against other WebSocket libraries, each in both roles, and what apijson exports against a
// reader of OpenAPI. It is a module of its own, so that they are no dependency of anybody.
package interop
