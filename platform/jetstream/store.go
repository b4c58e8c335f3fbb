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
	eraser   *eraser  // nil where the bucket forbids it
	removals removals // of records that replace others
	patience time.Duration
}

var _ platform.Store = (*Store)(nil)

func openStore(ctx context.Context, js jetstream.JetStream, c *Config, server *server, first uint64) (*Store, error) {
	erases, err := makeBucket(ctx, js, c, first)
	if err != nil {
		return nil, err
	}
	s := &Store{patience: c.Patience, records: &journal{
		nc: js.Conn(), js: js, stream: bucketStream(c.Name), subject: bucketSubject(c.Name), server: server,
		readers: make(chan struct{}, mostReaders),
	}}
	if erases {
		s.eraser = newEraser(s.records, c)
	}
	return s, nil
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
	a, err := s.records.latest(ctx, subject)
	header := a.header()
	switch {
	case errors.Is(err, errNoRecord) || err == nil && isOver(a.Message.Data, header, a.Message.Time):
		return platform.Record{}, platform.ErrNoRecord
	case err != nil:
		return platform.Record{}, err
	}
	if over, removed, err := ends(header, a.Message.Time); err == nil && !removed.IsZero() && over.Equal(removed) {
		s.removals.add(a.Message.Seq, removed)
	}
	return platform.Record{Value: a.Message.Data[1:], Revision: a.Message.Seq}, nil
}

// insist calls ask, and repeats it for Config.Patience while there is no answer, as
// the servers may be choosing a leader. ask must be safe to repeat.
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

// subject returns the subject of a record.
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
	// An empty value is what is left of a record that was deleted or has expired.
	m.Data = append([]byte{format}, value...)
	replaced, err := s.replaced(ctx, m.Subject, revision, ttl)
	if err != nil {
		return 0, err
	}
	setEnd(m, ttl, replaced)
	seq, err := s.put(ctx, m, revision)
	for tries := 0; errors.Is(err, errMoved) && revision == 0 && tries < mostPasses; tries++ {
		seq, err = s.putOverRest(ctx, m, ttl)
	}
	if errors.Is(err, errMoved) {
		return 0, platform.ErrConflict
	}
	if err == nil && ttl > 0 && m.Header.Get(endHeader) == "" {
		s.removals.add(seq, time.Now().Add(ceilSeconds(ttl)))
	}
	return seq, err
}

// putOverRest stores a record in the place of one that was deleted or has expired.
// JetStream may remove what is left of that one at any time.
func (s *Store) putOverRest(ctx context.Context, m *nats.Msg, ttl time.Duration) (uint64, error) {
	rest, err := s.records.latest(ctx, m.Subject)
	switch {
	case errors.Is(err, errNoRecord):
	case err != nil:
		return 0, err
	case !rest.over():
		return 0, platform.ErrConflict
	}
	removed, err := rest.outlive()
	if err != nil {
		return 0, err
	}
	setEnd(m, ttl, removed)
	return s.put(ctx, m, rest.Message.Seq)
}

// replaced returns until when JetStream keeps the record with this revision, if a
// record that expires takes its place.
func (s *Store) replaced(ctx context.Context, subject string, revision uint64, ttl time.Duration) (until time.Time, err error) {
	if revision == 0 || ttl == 0 || s.eraser == nil {
		return until, nil
	}
	if until, known := s.removals.pop(revision); known {
		return until, nil
	}
	a, err := s.records.latest(ctx, subject)
	switch {
	case errors.Is(err, errNoRecord) || err == nil && (a.Message.Seq != revision || a.over()):
		return until, platform.ErrConflict
	case err != nil:
		return until, err
	}
	return a.outlive()
}

// put stores a message if the newest one of its subject has the number last. It has
// that one erased.
func (s *Store) put(ctx context.Context, m *nats.Msg, last uint64) (uint64, error) {
	m.Header.Set(jetstream.ExpectedLastSubjSeqHeader, strconv.FormatUint(last, 10))
	a, err := s.records.request(ctx, m)
	if last > 0 && !errors.Is(err, errMoved) {
		s.eraser.add(m.Subject)
	}
	return a.Seq, err
}

// Delete removes a record. There need not be one.
func (s *Store) Delete(ctx context.Context, kind, id string) error {
	subject := s.subject(kind, id)
	if s.eraser == nil {
		_, err := s.records.ask(ctx, "PURGE", map[string]any{"filter": subject})
		return err
	}
	for {
		a, err := s.records.latest(ctx, subject)
		if errors.Is(err, errNoRecord) || err == nil && len(a.Message.Data) == 0 {
			return nil
		}
		if err != nil {
			return err
		}
		m := nats.NewMsg(subject) // without a value
		removed, err := a.removed()
		if err != nil {
			return err
		}
		if left := time.Until(removed); left > 0 {
			m.Header.Set(outliveHeader, inSeconds(ceilSeconds(left)))
		}
		if _, err = s.put(ctx, m, a.Message.Seq); !errors.Is(err, errMoved) {
			return err
		}
	}
}

// List returns the records of a kind, by id.
func (s *Store) List(ctx context.Context, kind string) (all map[string]platform.Record, err error) {
	err = s.insist(ctx, func(context.Context) error { // with ctx, as a long list may take longer than Patience
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
		switch {
		case err != nil:
		case isOver(m.Data(), m.Headers(), meta.Timestamp):
			delete(all, string(id)) // an older value may be there, to be erased
		default:
			all[string(id)] = platform.Record{Value: m.Data()[1:], Revision: meta.Sequence.Stream}
		}
		return nil
	})
	return all, err
}

// mostPasses bounds the passes of a listing, in case records are saved all the time.
const mostPasses = 5

// eachLatest calls visit for the messages of filter, of which the latest one of each
// subject counts. A message that is saved meanwhile is behind the end, so eachLatest
// calls begin and reads everything again, until nothing was saved during a pass.
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
