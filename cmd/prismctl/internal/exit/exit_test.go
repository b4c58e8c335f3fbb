package exit

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/shopex/prism-go"
	"github.com/shopex/prism-go/notify"
)

func TestEachKindOfErrorHasItsStatus(t *testing.T) {
	for _, c := range []struct {
		err  error
		want int
	}{
		{nil, Done},
		{errors.New("whatever"), Refused},
		{With(Timeout, errors.New("late")), Timeout},
		{fmt.Errorf("queue: %w", With(Unreachable, errors.New("gone"))), Unreachable},
		{Usagef("there is no %s", "key"), Usage},
		{&prism.ParamError{}, Usage},
		{&notify.SizeError{}, Usage},
		{&prism.Error{Status: 401}, Refused},
		{fmt.Errorf("call: %w", context.DeadlineExceeded), Timeout},
		{context.Canceled, Interrupted},
		{With(Refused, context.Canceled), Refused}, // what was given counts
	} {
		if got := Of(c.err); got != c.want {
			t.Errorf("%v has status %d, want %d", c.err, got, c.want)
		}
	}
}

func TestAnErrorWithAStatusIsStillTheError(t *testing.T) {
	cause := errors.New("the disk is full")
	if err := With(Refused, cause); !errors.Is(err, cause) || err.Error() != cause.Error() {
		t.Errorf("%v", err)
	}
}
