package tour

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/shopex/prism-go"
	"github.com/shopex/prism-go/platform"
)

// leave stops the platform and removes what the tour has made, once.
func (s *story) leave() (err error) {
	ctx, cancel := context.WithTimeout(context.Background(), leaveTime)
	defer cancel()
	for _, client := range []*prism.Client{s.client, s.erpClient} {
		if client != nil {
			client.CloseIdleConnections()
		}
	}
	if h := s.host; h != nil {
		s.host = nil
		err = h.stop(ctx)
	}
	if e := s.engine; e != nil {
		s.engine = nil
		err = errors.Join(err, s.remove(ctx, e.Queues), e.Close())
	}
	return err
}

// remove removes what the tour has made, apart from what expires.
func (s *story) remove(ctx context.Context, queues platform.Queues) error {
	err := errors.Join(s.deleteService(ctx), s.registry.DeleteUser(ctx, s.key.App))
	for _, key := range []platform.Key{s.key, s.erp, s.admin} {
		err = errors.Join(err, s.registry.DeleteApp(ctx, key.App), queues.Forget(ctx, key.ID))
	}
	return errors.Join(err, s.made.remove(ctx))
}

func (s *story) deleteService(ctx context.Context) error {
	service, err := s.registry.ServiceOf(ctx, s.key.App, warehouse)
	switch {
	case errors.Is(err, platform.ErrUnknownService):
		return nil
	case err != nil:
		return err
	}
	return s.registry.DeleteService(ctx, service.ID)
}

// Kinds of records that a platform keeps although their app is deleted. Those of the tour
// are nobody else's, as its domain is its own.
const (
	callStatistics  = "callStats"
	queueStatistics = "queueStats"
	servicePrefixes = "prefixes"
)

// A madeRecords is a store that knows which records of these kinds the tour has made.
type madeRecords struct {
	platform.Store

	mu   sync.Mutex // guards made
	made map[record]bool
}

type record struct{ kind, id string }

// Save stores a record.
func (m *madeRecords) Save(ctx context.Context, kind, id string, value []byte, revision uint64, ttl time.Duration) (uint64, error) {
	stored, err := m.Store.Save(ctx, kind, id, value, revision, ttl)
	if err == nil && revision == 0 && (kind == callStatistics || kind == queueStatistics || kind == servicePrefixes) {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.made[record{kind, id}] = true
	}
	return stored, err
}

// remove removes these records. It is called when nobody uses the store any more.
func (m *madeRecords) remove(ctx context.Context) (err error) {
	for r := range m.made {
		err = errors.Join(err, m.Delete(ctx, r.kind, r.id))
	}
	return err
}
