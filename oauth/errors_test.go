package oauth

import (
	"errors"
	"fmt"
	"testing"

	"github.com/shopex/prism-go"
)

func TestLoginErrorNamesItsReasonAndItsCause(t *testing.T) {
	cause := &prism.Error{Method: "POST", Path: "token", Code: "invalid_grant", Status: 400}
	err := fmt.Errorf("page: %w", &LoginError{Reason: ReasonCodeRefused, Err: fmt.Errorf("%w: %w", ErrLoginRequired, cause)})
	var login *LoginError
	var answered *prism.Error
	if !errors.As(err, &login) || login.Reason != ReasonCodeRefused || !errors.As(err, &answered) || !errors.Is(err, ErrLoginRequired) {
		t.Errorf("out of reach: %v", err)
	}
	if want := "page: oauth: login: code_refused: the user has to log in: prism: POST token: invalid_grant (HTTP 400)"; err.Error() != want {
		t.Errorf("got %s", err)
	}
	if got := (&LoginError{Reason: ReasonStateMissing}).Error(); got != "oauth: login: state_missing" {
		t.Errorf("without a cause: %s", got)
	}
}
