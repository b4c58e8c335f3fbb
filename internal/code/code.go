// Package code has the codes by which a platform says why a call failed, and what
// they mean to a caller. The platform writes them, and the client reads them.
package code

import "strings"

// Codes of this module's platform, by the HTTP status that most of them have. The
// package comment of platform says when they are used.
const (
	AmbiguousForwarded      = "ambiguous_forwarded" // 400
	DuplicateParameter      = "duplicate_parameter"
	FaultyFile              = "faulty_file"
	FetchFailed             = "fetch_failed"
	InvalidBody             = "invalid_body"
	InvalidForm             = "invalid_form"
	InvalidGrant            = "invalid_grant"
	InvalidHandshake        = "invalid_handshake"
	InvalidParameter        = "invalid_parameter"
	InvalidQuery            = "invalid_query"
	InvalidRequest          = "invalid_request"
	InvalidSession          = "invalid_session"
	MissingParameter        = "missing_parameter"
	TooManyRedirects        = "too_many_redirects"
	UnknownRedirectURI      = "unknown_redirect_uri"
	UnsupportedGrantType    = "unsupported_grant_type"
	UnsupportedResponseType = "unsupported_response_type"

	InvalidKey        = "invalid_key" // 401
	InvalidSecret     = "invalid_secret"
	InvalidSign       = "invalid_sign"
	InvalidSignMethod = "invalid_sign_method"
	InvalidSignTime   = "invalid_sign_time"
	InvalidToken      = "invalid_token"
	KeyExpired        = "key_expired"
	MissingClientID   = "missing_client_id"
	MissingSign       = "missing_sign"
	MissingSignTime   = "missing_sign_time"
	RepeatedSign      = "repeated_sign"
	SecretChanged     = "secret_changed"
	SignTimeExpired   = "sign_time_expired"
	UnknownKey        = "unknown_key"
	WrongPassword     = "wrong_password"

	CrossSite           = "cross_site" // 403
	ForbiddenAdmin      = "forbidden_admin"
	ForbiddenAPI        = "forbidden_api"
	ForbiddenRoutingKey = "forbidden_routing_key"
	ForbiddenUsers      = "forbidden_users"
	FormExpired         = "form_expired"
	SecretOverHTTP      = "secret_over_http"
	TooManyApps         = "too_many_apps"
	TooManyBindings     = "too_many_bindings"
	TooManyKeys         = "too_many_keys"
	TooManyQueues       = "too_many_queues"
	TooManyServices     = "too_many_services"
	TooManyTopics       = "too_many_topics"
	UserRequired        = "user_required"

	UnknownAPI     = "unknown_api" // 404
	UnknownApp     = "unknown_app"
	UnknownBinding = "unknown_binding"
	UnknownCall    = "unknown_call"
	UnknownMessage = "unknown_message"
	UnknownService = "unknown_service"
	UnknownTopic   = "unknown_topic"
	UnknownUser    = "unknown_user"

	MethodNotAllowed = "method_not_allowed" // 405
	RequestTimeout   = "request_timeout"    // 408
	AppExists        = "app_exists"         // 409
	BreakingChange   = "breaking_change"
	InUse            = "in_use"
	MemberExists     = "member_exists"
	PrefixTaken      = "prefix_taken"
	MessageTooLarge  = "message_too_large" // 413
	RequestTooLarge  = "request_too_large"
	UpgradeRequired  = "upgrade_required" // 426

	QueueFull          = "queue_full" // 429
	OverLimit          = "rate_limited"
	TooManyChanges     = "too_many_changes"
	TooManyConnections = "too_many_connections"
	TooManyFailures    = "too_many_failures"

	Canceled      = "canceled"       // 499
	InternalError = "internal_error" // 500
	BadGateway    = "bad_gateway"    // 502
	APIOffline    = "api_offline"    // 503
	Overloaded    = "overloaded"
	ShuttingDown  = "shutting_down"
	Unavailable   = "unavailable"

	BackendTimeout = "backend_timeout" // 504
)

// Numbered codes of the original gateway.
const (
	NumberedInvalidSign     = "0040301"
	NumberedUnknownKey      = "0040302"
	NumberedSignTimeExpired = "0040308"
)

// A Meaning is what a code means to a caller, with any HTTP status.
type Meaning byte

const (
	Unclear      Meaning = iota // nothing that these can say
	Unauthorized                // the key, the signature, its time or the token was refused
	Forbidden                   // the key is known and may not do this
	NotFound                    // there is no such API
	RateLimited                 // too many calls
)

// numbered are the codes of the original gateway. Their HTTP statuses are sometimes
// misleading: 404 for an unknown key, 403 for a rate limit.
var numbered = map[string]Meaning{
	"0040005":               Unclear, // a parameter is missing
	NumberedInvalidSign:     Unauthorized,
	NumberedUnknownKey:      Unauthorized,
	"0040303":               Unauthorized, // key expired
	"0040304":               Unauthorized, // secret
	"0040305":               Unauthorized, // key without an app
	"0040306":               Forbidden,    // app disabled
	"0040307":               Unauthorized, // sign_time is no time
	NumberedSignTimeExpired: Unauthorized,
	"0040309":               Forbidden,    // the app may not call this API
	"0040310":               Unauthorized, // access token
	"0040311":               RateLimited,
	"0040312":               Unauthorized, // name and password of a user
	"0040400":               NotFound,     // no such API
	"0040401":               NotFound,     // no such method
}

// named are all others that mean something, which may come with HTTP 200.
var named = map[string]Meaning{
	UnknownKey:          Unauthorized,
	InvalidKey:          Unauthorized,
	"invalid_client":    Unauthorized,
	InvalidSecret:       Unauthorized,
	InvalidSign:         Unauthorized,
	InvalidToken:        Unauthorized,
	"token_expired":     Unauthorized,
	"unauthorized":      Unauthorized,
	KeyExpired:          Unauthorized,
	SecretChanged:       Unauthorized,
	MissingClientID:     Unauthorized,
	MissingSign:         Unauthorized,
	MissingSignTime:     Unauthorized,
	SignTimeExpired:     Unauthorized,
	"forbidden":         Forbidden,
	"access_denied":     Forbidden,
	"permission_denied": Forbidden,
	SecretOverHTTP:      Forbidden,
	"not_found":         NotFound,
	UnknownAPI:          NotFound,
	"-32601":            NotFound, // JSON-RPC: method not found
	"rate_limited":      RateLimited,
	"too_many_requests": RateLimited,
}

// Numbered returns what a code of the original gateway means; ok is false for
// all others.
func Numbered(c string) (m Meaning, ok bool) {
	m, ok = numbered[c]
	return m, ok
}

// Named returns what a code means that is not [Numbered]; ok is false if that is
// not known.
func Named(c string) (m Meaning, ok bool) {
	m, ok = named[c]
	return m, ok
}

// IsSignTime reports whether a code refuses the time of a signature.
func IsSignTime(c string) bool { return c == SignTimeExpired || c == NumberedSignTimeExpired }

// AboutCaller reports whether a code is about the application, its call or the platform,
// and not about a user.
func AboutCaller(c string) bool {
	return aboutCaller[c] || strings.HasPrefix(c, "-32") // JSON-RPC's own
}

var aboutCaller = map[string]bool{
	"0040000": true, "0040005": true, NumberedInvalidSign: true, NumberedUnknownKey: true, "0040303": true, "0040304": true,
	"0040305": true, "0040306": true, "0040307": true, NumberedSignTimeExpired: true, "0040309": true, "0040311": true,
	"0040400": true, "0040401": true, "0050400": true,
	UnknownKey: true, InvalidKey: true, MissingClientID: true, "invalid_client": true, "unauthorized_client": true,
	InvalidSecret: true, SecretOverHTTP: true, "unauthorized": true,
	MissingSign: true, InvalidSign: true, MissingSignTime: true, InvalidSignTime: true, SignTimeExpired: true,
	"forbidden": true, "access_denied": true, "permission_denied": true,
	"not_found": true, UnknownAPI: true, MethodNotAllowed: true,
	InvalidBody: true, InvalidForm: true, InvalidQuery: true, DuplicateParameter: true,
	RequestTimeout: true, RequestTooLarge: true, "rate_limited": true, "too_many_requests": true,
	InternalError: true, "server_error": true, "temporarily_unavailable": true,
}
