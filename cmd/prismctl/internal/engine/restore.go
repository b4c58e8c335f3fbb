package engine

import (
	"context"
	"fmt"
	"io"
	"log/slog"

	"github.com/shopex/prism-go/cmd/prismctl/internal/settings"
	"github.com/shopex/prism-go/platform/jetstream"
)

// Restore brings a backup to the place that s names, which has to be empty.
func Restore(ctx context.Context, s *settings.Storage, log *slog.Logger, in io.Reader) error {
	if err := checkCreds(s); err != nil {
		return err
	}
	err := jetstream.Restore(ctx, jetstreamConfig(s, log), in)
	if err == nil {
		return nil
	}
	if told := known(s, err); told != nil {
		return fmt.Errorf("nothing was restored: %w", told)
	}
	return &refusal{err, "nothing was restored: " + withoutPackage(err)}
}
