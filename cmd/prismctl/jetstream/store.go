package jetstream

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/shopex/prism-go/platform"
)

// Store is [platform.Store] over a bucket of JetStream. It keeps nothing in
// memory, so every engine sees at once what another one has stored. Its
// methods may be called from any number of goroutines; while JetStream cannot
// be reached they return errors that are [platform.ErrUnavailable].
type Store struct {
	bucket  jetstream.KeyValue
	records *journal
}

var _ platform.Store = (*Store)(nil)

func openStore(ctx context.Context, js jetstream.JetStream, c *Config, server *server) (*Store, error) {
	name := c.Name + "-records"
	kv, err := bucket(ctx, js, jetstream.KeyValueConfig{Bucket: name, Replicas: c.Replicas, LimitMarkerTTL: time.Second})
	if err != nil {
		return nil, err
	}
	return &Store{bucket: kv, records: &journal{
		nc: js.Conn(), js: js, stream: "KV_" + name, subject: "$KV." + name + ".", server: server,
	}}, nil
}

func bucket(ctx context.Context, js jetstream.JetStream, c jetstream.KeyValueConfig) (jetstream.KeyValue, error) {
	c.Storage = jetstream.FileStorage
	kv, err := js.KeyValue(ctx, c.Bucket)
	if errors.Is(err, jetstream.ErrBucketNotFound) {
		kv, err = js.CreateKeyValue(ctx, c)
	}
	if err != nil {
		return nil, fmt.Errorf("jetstream: bucket %s: %w", c.Bucket, err)
	}
	return kv, nil
}

// Load returns a record, or [platform.ErrNoRecord].
func (s *Store) Load(ctx context.Context, kind, id string) (platform.Record, error) {
	a, err := s.records.ask(ctx, "MSG.GET", map[string]any{"last_by_subj": s.subject(kind, id)})
	switch {
	case errors.Is(err, errNoRecord) || err == nil && len(a.Message.Data) == 0:
		return platform.Record{}, platform.ErrNoRecord
	case err != nil:
		return platform.Record{}, err
	}
	return platform.Record{Value: a.Message.Data[1:], Revision: a.Message.Seq}, nil
}

// subject is where a record is.
func (s *Store) subject(kind, id string) string {
	return s.records.subject + kind + "." + hex.EncodeToString([]byte(id))
}

// Save stores a record for ttl, rounded up to seconds, or without an end; see
// [platform.Store].
// When the error is neither nil nor [platform.ErrConflict] the record may be
// stored or not.
func (s *Store) Save(ctx context.Context, kind, id string, value []byte, revision uint64, ttl time.Duration) (uint64, error) {
	if ttl < 0 {
		return 0, fmt.Errorf("jetstream: a record cannot live for %v", ttl)
	}
	m := nats.NewMsg(s.subject(kind, id))
	// An empty value is what JetStream leaves of one that has expired.
	m.Data = append([]byte{format}, value...)
	m.Header.Set(jetstream.ExpectedLastSubjSeqHeader, strconv.FormatUint(revision, 10))
	if ttl > 0 {
		m.Header.Set(jetstream.MsgTTLHeader, strconv.FormatInt(int64((ttl+time.Second-1)/time.Second), 10)+"s")
	}
	a, err := s.records.request(ctx, m)
	if errors.Is(err, errMoved) && revision == 0 {
		if marker, ok := s.marker(ctx, m.Subject); ok {
			m.Header.Set(jetstream.ExpectedLastSubjSeqHeader, strconv.FormatUint(marker, 10))
			a, err = s.records.request(ctx, m)
		}
	}
	if errors.Is(err, errMoved) {
		return 0, platform.ErrConflict
	}
	return a.Seq, err
}

// marker returns the revision of what JetStream left of an expired record.
func (s *Store) marker(ctx context.Context, subject string) (uint64, bool) {
	a, err := s.records.ask(ctx, "MSG.GET", map[string]any{"last_by_subj": subject})
	if errors.Is(err, errNoRecord) {
		return 0, true
	}
	return a.Message.Seq, err == nil && len(a.Message.Data) == 0
}

// Delete removes a record. There need not be one.
func (s *Store) Delete(ctx context.Context, kind, id string) error {
	_, err := s.records.ask(ctx, "PURGE", map[string]any{"filter": s.subject(kind, id)})
	return err
}

// List returns the records of a kind, by id.
func (s *Store) List(ctx context.Context, kind string) (map[string]platform.Record, error) {
	ctx, cancel := context.WithTimeout(ctx, listTime)
	defer cancel()
	watch, err := s.bucket.Watch(ctx, kind+".*", jetstream.IgnoreDeletes())
	if err != nil {
		return nil, s.records.unavailable(err)
	}
	defer watch.Stop()
	all := make(map[string]platform.Record)
	for {
		select {
		case entry, open := <-watch.Updates():
			if !open {
				return nil, s.records.unavailable(errors.New("the watch ended"))
			}
			if entry == nil {
				return all, nil
			}
			collect(all, entry, kind)
		case <-ctx.Done():
			return nil, s.records.unavailable(ctx.Err())
		}
	}
}

// listTime is more than enough for the keys of a large platform.
const listTime = 30 * time.Second

// collect leaves out what JetStream keeps of an expired record.
func collect(all map[string]platform.Record, entry jetstream.KeyValueEntry, kind string) {
	id, err := hex.DecodeString(entry.Key()[len(kind)+1:])
	if err == nil && len(entry.Value()) > 0 {
		all[string(id)] = platform.Record{Value: entry.Value()[1:], Revision: entry.Revision()}
	}
}
