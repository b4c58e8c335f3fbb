// Package sign makes and checks the signature of a call to the Prism platform. The
// client signs with it, and the platform and the backends behind it verify with it.
//
// Comments that name a chapter of the protocol mean docs/protocol.md of this
// module, which has requests with their strings to sign.
//
// # The rule
//
// The signature is the MD5, as 32 hex digits with letters in capitals, of the
// string to sign (protocol chapter 2):
//
//	secret & METHOD & esc(path) & esc(headers) & esc(query) & esc(form) & secret
//
// The seven parts are joined by "&" without spaces. An absent part is empty,
// and its "&" stays.
//
//   - path is decoded and includes the base path: /api/platform/notify/status.
//   - headers are Authorization and those whose names start with X-Api-, by
//     their canonical names, as X-Api-Foo for x-api-foo. Others do not count.
//   - query and form are the decoded parameters of the URL and of the body,
//     without the one named sign.
//   - headers, query and form are name=value pairs joined by "&" and sorted by
//     name in byte order. A name with several values gives several pairs, in
//     the order of the values.
//   - esc is the percent-encoding of RFC 3986. Letters, digits and "-._~" stay
//     as they are, every other byte becomes %XX with capital letters. A space is
//     %20, never "+".
//
// # For a caller
//
// Add client_id, sign_method=md5 and sign_time, the Unix time in seconds, to
// the parameters; then send what [Sign] returns as the parameter sign. Sign what
// the server will see after decoding: values as they are, not escaped.
//
// # For a verifier
//
// Put the request as it was received into a [Request], with the path as it
// stood in the request line as RawPath, and ask [Verify]. That the signature
// fits says nothing about its age: compare sign_time with the clock as well.
// For a signature that does not fit, [Check] and [Diagnose] say what the client did
// instead, and [Explain] recognises the published SDKs alone. [Mask] hides the secrets of the string to sign, so that it
// can be shown: comparing the strings of both sides is the quickest way to the cause.
//
// # Older backends
//
// A platform signs its calls to a backend, too: with the same signature, or with [ECOS] or
// [ShopEx] for backends that verify those.
//
// # What the signature does not cover
//
// The host, other headers, and bodies that are not forms are not signed. Pairs
// are joined before they are escaped, so a=1 beside b=2 is signed like the single
// value a="1&b=2". Both need the secret, yet a verifier must read parameters only
// from where they were signed.
//
// All functions may be called from any number of goroutines.
package sign
