package engine

import (
	"errors"
	"fmt"
	"testing"

	"github.com/shopex/prism-go/cmd/prismctl/internal/settings"
	"github.com/shopex/prism-go/platform/jetstream"
)

func TestWhatTheEngineRefusesIsSaidInOneSentence(t *testing.T) {
	s := &settings.Storage{Data: "/data"}
	for cause, want := range map[error]string{
		jetstream.ErrInUse:        "another program works on /data: stop it, or choose another directory by --data",
		jetstream.ErrHalfRestored: "a backup was not wholly restored to /data: if nobody is restoring to it now, delete what is in it and restore again",
		jetstream.ErrNewerVersion: "/data was written by a newer prismctl: run that version or a later one",
	} {
		err := notOpened(s, fmt.Errorf("%w: and much more", cause))
		if err.Error() != want || !errors.Is(err, cause) {
			t.Errorf("%v is said as %v", cause, err)
		}
	}
}
