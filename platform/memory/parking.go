package memory

import (
	"context"
	"errors"

	"github.com/shopex/prism-go/platform"
)

func (q *Queues) ConsumeAlone(ctx context.Context, owner, topic, name string) (platform.Consumer, error) {
	return nil, errors.ErrUnsupported
}

func (q *Queues) Park(ctx context.Context, owner, topic, reason, by string, ids ...platform.MessageID) (int, error) {
	return 0, errors.ErrUnsupported
}

func (q *Queues) Parked(ctx context.Context, owner, topic string, after platform.MessageID, n int) ([]platform.Parked, error) {
	return nil, errors.ErrUnsupported
}

func (q *Queues) Unpark(ctx context.Context, owner, topic string, ids ...platform.MessageID) (int, error) {
	return 0, errors.ErrUnsupported
}

func (q *Queues) Discard(ctx context.Context, owner, topic string, ids ...platform.MessageID) (int, error) {
	return 0, errors.ErrUnsupported
}

func (c *consumer) Fail(ctx context.Context, reason string, ids ...uint64) ([]uint64, error) {
	return nil, errors.ErrUnsupported
}
