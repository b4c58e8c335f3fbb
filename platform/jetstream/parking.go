package jetstream

import (
	"context"
	"errors"

	"github.com/shopex/prism-go/platform"
)

func (e *Engine) ConsumeAlone(ctx context.Context, owner, topic, name string) (platform.Consumer, error) {
	return nil, errors.ErrUnsupported
}

func (e *Engine) Park(ctx context.Context, owner, topic, reason, by string, ids ...platform.MessageID) (int, error) {
	return 0, errors.ErrUnsupported
}

func (e *Engine) Parked(ctx context.Context, owner, topic string, after platform.MessageID, n int) ([]platform.Parked, error) {
	return nil, errors.ErrUnsupported
}

func (e *Engine) Unpark(ctx context.Context, owner, topic string, ids ...platform.MessageID) (int, error) {
	return 0, errors.ErrUnsupported
}

func (e *Engine) Discard(ctx context.Context, owner, topic string, ids ...platform.MessageID) (int, error) {
	return 0, errors.ErrUnsupported
}

func (c *consumer) Fail(ctx context.Context, reason string, ids ...uint64) ([]uint64, error) {
	return nil, errors.ErrUnsupported
}
