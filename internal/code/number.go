package code

// An Original is how the original gateway says something: a number of seven digits as
// text, and the HTTP status that comes with it.
type Original struct {
	Number string
	Status int
}

// Unforeseen is the number for what the original gateway has no other one for.
const Unforeseen = "0040000"

// originals are those of our codes that mean the same as a number of the original gateway.
// The number of what it has a single one for may be that of several of ours.
var originals = map[string]Original{
	MissingParameter: {"0040005", 404},
	MissingClientID:  {"0040005", 404},
	MissingSign:      {"0040005", 404},
	MissingSignTime:  {"0040005", 404},

	InvalidSign:       {NumberedInvalidSign, 403},
	InvalidSignMethod: {NumberedInvalidSign, 403},
	RepeatedSign:      {NumberedInvalidSign, 403},
	UnknownKey:        {NumberedUnknownKey, 404},
	KeyExpired:        {"0040303", 403},
	InvalidKey:        {"0040304", 403},
	InvalidSecret:     {"0040304", 403},
	SecretChanged:     {"0040304", 403},
	SecretOverHTTP:    {"0040304", 403},
	InvalidSignTime:   {"0040307", 403},
	SignTimeExpired:   {NumberedSignTimeExpired, 403},
	ForbiddenAPI:      {"0040309", 403},
	APIOffline:        {"0040309", 403},
	UserRequired:      {"0040310", 403},
	InvalidToken:      {"0040310", 403},
	OverLimit:         {"0040311", 403},
	WrongPassword:     {"0040312", 403},
	UnknownAPI:        {"0040400", 404},
	MethodNotAllowed:  {"0040400", 404},
	BadGateway:        {"0050400", 504},
	BackendTimeout:    {"0050400", 504},
	InternalError:     {Unforeseen, 400},
}

// OriginalOf returns how the original gateway says a code of ours. ok is false if it has
// nothing but [Unforeseen] for it; the status is zero then.
func OriginalOf(code string) (o Original, ok bool) {
	if o, ok = originals[code]; ok {
		return o, true
	}
	return Original{Number: Unforeseen}, false
}
