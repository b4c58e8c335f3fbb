package platform

import (
	"cmp"
	"net/http"
	"strings"

	"github.com/shopex/prism-go/internal/code"
)

// ErrorCodes says what the member error.code of a refused call is. Empty, the User-Agent
// of the caller decides: the published SDK for PHP, which begins it with "PrismSDK/PHP",
// gets the numbers, because it passes the code to an exception that takes nothing else;
// everybody else gets the words.
type ErrorCodes string

const (
	// WordCodes are the words of this package, such as "forbidden_api", with the HTTP
	// statuses listed there. The number of the original platform, if it has one, is
	// error.prism_code beside it.
	WordCodes ErrorCodes = "word"
	// PrismCodes are the numbers of the original platform, such as "0040309", with its
	// HTTP statuses; what it has no number for is "0040000".
	PrismCodes ErrorCodes = "prism"
)

func (e ErrorCodes) valid() bool { return e == "" || e == WordCodes || e == PrismCodes }

// phpUserAgent begins the User-Agent of the published SDK for PHP.
const phpUserAgent = "PrismSDK/PHP"

// codesFor returns how errors are coded for a caller: as its key says, or else the
// settings, or else its User-Agent.
func (p *Platform) codesFor(r *http.Request, c *call) ErrorCodes {
	if chosen := cmp.Or(c.codes, p.cfg.ErrorCodes); chosen != "" {
		return chosen
	}
	if strings.HasPrefix(r.UserAgent(), phpUserAgent) {
		return PrismCodes
	}
	return WordCodes
}

// inOriginal returns the failure as the original platform coded it.
func (f *failure) inOriginal() (status int, doc *errorDoc) {
	original, ok := code.OriginalOf(f.code)
	status = f.status
	if ok {
		status = original.Status
	}
	return status, &errorDoc{Code: original.Number, Message: f.message, Data: f.data}
}

// inWords returns the failure with our code, and that of the original platform beside it.
func (f *failure) inWords() (status int, doc *errorDoc) {
	doc = &errorDoc{Code: f.code, Message: f.message, Data: f.data}
	if original, ok := code.OriginalOf(f.code); ok {
		doc.PrismCode = original.Number
	}
	return f.status, doc
}
