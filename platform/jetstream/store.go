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
	records  *journal
	patience time.Duration
}

var _ platform.Store = (*Store)(nil)

func openStore(ctx context.Context, js jetstream.JetStream, c *Config, server *server) (*Store, error) {
	name := c.Name + "-records"
	err := makeBucket(ctx, js, jetstream.KeyValueConfig{Bucket: name, Replicas: c.Replicas, LimitMarkerTTL: time.Second})
	if err != nil {
		return nil, err
	}
	return &Store{patience: c.Patience, records: &journal{
		nc: js.Conn(), js: js, stream: bucketStream(c.Name), subject: "$KV." + name + ".", server: server,
		readers: make(chan struct{}, mostReaders),
	}}, nil
}

// bucketStream is the stream behind the bucket of records.
func bucketStream(name string) string { return "KV_" + name + "-records" }

func makeBucket(ctx context.Context, js jetstream.JetStream, c jetstream.KeyValueConfig) error {
	c.Storage = jetstream.FileStorage
	_, err := js.KeyValue(ctx, c.Bucket)
	if errors.Is(err, jetstream.ErrBucketNotFound) {
		_, err = js.CreateKeyValue(ctx, c)
	}
	if err != nil {
		return fmt.Errorf("jetstream: bucket %s: %w", c.Bucket, err)
	}
	return nil
}

// Load returns a record, or [platform.ErrNoRecord]. It asks again for
// Config.Patience while JetStream does not answer.
func (s *Store) Load(ctx context.Context, kind, id string) (r platform.Record, err error) {
	err = s.insist(ctx, func(ctx context.Context) error {
		r, err = s.load(ctx, s.subject(kind, id))
		return err
	})
	return r, err
}

func (s *Store) load(ctx context.Context, subject string) (platform.Record, error) {
	a, err := s.records.ask(ctx, "MSG.GET", map[string]any{"last_by_subj": subject})
	switch {
	case errors.Is(err, errNoRecord) || err == nil && len(a.Message.Data) == 0:
		return platform.Record{}, platform.ErrNoRecord
	case err != nil:
		return platform.Record{}, err
	}
	return platform.Record{Value: a.Message.Data[1:], Revision: a.Message.Seq}, nil
}

// insist asks, and asks again while there is no answer, for as long as there is
// patience: the servers may be about to choose a leader. It is for what may be
// done twice.
func (s *Store) insist(ctx context.Context, ask func(context.Context) error) error {
	patient, cancel := context.WithTimeout(ctx, s.patience)
	defer cancel()
	for {
		err := ask(patient)
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.Is(err, context.DeadlineExceeded):
			return errSlow
		case !errors.Is(err, platform.ErrUnavailable) || patient.Err() != nil:
			return err
		}
		select {
		case <-time.After(askAgain):
		case <-patient.Done():
		}
	}
}

const askAgain = 50 * time.Millisecond

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
		marker, there, failed := s.marker(ctx, m.Subject)
		switch {
		case failed != nil:
			return 0, failed
		case there:
			m.Header.Set(jetstream.ExpectedLastSubjSeqHeader, strconv.FormatUint(marker, 10))
			a, err = s.records.request(ctx, m)
		}
	}
	if errors.Is(err, errMoved) {
		return 0, platform.ErrConflict
	}
	return a.Seq, err
}

// marker returns the revision of what JetStream left of an expired record, if
// nothing else is there.
func (s *Store) marker(ctx context.Context, subject string) (revision uint64, there bool, err error) {
	a, err := s.records.ask(ctx, "MSG.GET", map[string]any{"last_by_subj": subject})
	if errors.Is(err, errNoRecord) {
		return 0, true, nil
	}
	return a.Message.Seq, err == nil && len(a.Message.Data) == 0, err
}

// Delete removes a record. There need not be one.
func (s *Store) Delete(ctx context.Context, kind, id string) error {
	_, err := s.records.ask(ctx, "PURGE", map[string]any{"filter": s.subject(kind, id)})
	return err
}

// List returns the records of a kind, by id.
func (s *Store) List(ctx context.Context, kind string) (all map[string]platform.Record, err error) {
	err = s.insist(ctx, func(context.Context) error { // however long it takes
		all, err = s.list(ctx, kind)
		return err
	})
	return all, err
}

func (s *Store) list(ctx context.Context, kind string) (all map[string]platform.Record, err error) {
	filter := s.records.subject + kind + ".*"
	err = s.records.eachLatest(ctx, filter, func() {
		all = make(map[string]platform.Record)
	}, func(m jetstream.Msg, meta *jetstream.MsgMetadata) error {
		id, err := hex.DecodeString(m.Subject()[len(filter)-1:])
		if err == nil && len(m.Data()) > 0 { // or it is what JetStream keeps of one that has expired
			all[string(id)] = platform.Record{Value: m.Data()[1:], Revision: meta.Sequence.Stream}
		}
		return nil
	})
	return all, err
}

// mostPasses are enough for whatever is not saved all the time.
const mostPasses = 5

// eachLatest calls visit for the latest message of each subject of filter. One
// that is saved meanwhile has gone from its place and is behind the end, so all is
// read again, after begin, until nothing was saved.
func (j *journal) eachLatest(ctx context.Context, filter string, begin func(), visit func(jetstream.Msg, *jetstream.MsgMetadata) error) error {
	begin()
	last, err := j.lastOf(ctx, filter)
	for pass := 0; err == nil && pass < mostPasses; pass++ {
		if err := j.each(ctx, filter, last, visit); err != nil {
			return err
		}
		before := last
		if last, err = j.lastOf(ctx, filter); err != nil || last == before {
			break
		}
		begin()
	}
	if errors.Is(err, errNoRecord) {
		return nil
	}
	return err
}
