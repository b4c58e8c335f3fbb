package jetstream

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/shopex/prism-go/platform"
)

// patience is how long one request to JetStream may take until it is repeated.
const patience = 2 * time.Second

var (
	errMoved    = errors.New("jetstream: the log has another record there")
	errNoRecord = errors.New("jetstream: the log has no such record")
)

// A journal is the log: one stream with one subject, whose records have the
// sequence numbers of the stream.
type journal struct {
	nc      *nats.Conn
	js      jetstream.JetStream
	stream  string
	subject string
	tail    string        // where the server repeats what it has stored; empty if no other engine writes
	readers chan struct{} // a value for each call that reads many records at once
	server  *server       // whose failure explains why there is no answer; nil for others
}

// mostReaders bounds how many calls read many records at the same time, as each
// makes the server and the client hold megabytes.
const mostReaders = 4

// restoringKey marks a log that is not wholly restored, in its metadata.
const restoringKey = "prism-restoring"

// config returns the config of a new stream, whose first record has the number first.
func (j *journal) config(replicas int, first uint64, log uint32) jetstream.StreamConfig {
	c := jetstream.StreamConfig{
		Name: j.stream, Subjects: []string{j.subject}, Storage: jetstream.FileStorage,
		Replicas: replicas, AllowDirect: true, MaxMsgs: -1, MaxBytes: -1, FirstSeq: first,
		Metadata: logMetadata(log),
	}
	if j.tail != "" {
		c.RePublish = &jetstream.RePublish{Source: j.subject, Destination: j.tail}
	}
	return c
}

// make makes the stream. An existing stream keeps its number of replicas.
func (j *journal) make(ctx context.Context, replicas int) (has int, err error) {
	stream, err := j.js.Stream(ctx, j.stream)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		stream, err = j.js.CreateStream(ctx, j.config(replicas, 1, newLog()))
	}
	if errors.Is(err, jetstream.ErrStreamNameAlreadyInUse) { // another engine has made it meanwhile
		stream, err = j.js.Stream(ctx, j.stream)
		if errors.Is(err, jetstream.ErrStreamNotFound) { // which a cluster may not show yet
			err = fmt.Errorf("%w: another engine is making it", platform.ErrUnavailable)
		}
	}
	if err != nil {
		return 0, fmt.Errorf("jetstream: stream %s: %w", j.stream, err)
	}
	c := stream.CachedInfo().Config
	if c.Metadata[restoringKey] != "" {
		return 0, fmt.Errorf("%w: if nobody is restoring to the servers now, delete the streams of %s there and restore again", ErrHalfRestored, j.stream)
	}
	return c.Replicas, nil
}

// An answer has those members of an answer of the JetStream API that matter here.
type answer struct {
	Seq   uint64 `json:"seq"`
	Error *struct {
		Code        int    `json:"err_code"`
		Description string `json:"description"`
	} `json:"error"`
	Message struct {
		Seq     uint64    `json:"seq"`
		Headers []byte    `json:"hdrs"`
		Data    []byte    `json:"data"`
		Time    time.Time `json:"time"`
	} `json:"message"`
	Created time.Time `json:"created"`
	Config  struct {
		Metadata map[string]string `json:"metadata"`
	} `json:"config"`
	State struct {
		First uint64 `json:"first_seq"`
		Last  uint64 `json:"last_seq"`
		Count uint64 `json:"messages"`
	} `json:"state"`
}

// The err_codes of the server that mean something here.
const (
	codeWrongLast  = 10071
	codeWrongLast2 = 10164 // the same, in newer servers
	codeNoMessage  = 10037
	codeNoSequence = 10043 // the same, where it was to be removed
	codeNotRemoved = 10057 // for the reason in the text, which may be that it was removed by another
)

func (j *journal) request(ctx context.Context, m *nats.Msg) (a answer, err error) {
	if err := j.server.lostError(); err != nil {
		return a, err
	}
	short, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	reply, err := j.nc.RequestMsgWithContext(short, m)
	switch {
	case err != nil && ctx.Err() != nil:
		return a, ctx.Err()
	case err != nil:
		return a, j.unavailable(err)
	}
	if err := json.Unmarshal(reply.Data, &a); err != nil {
		return a, fmt.Errorf("jetstream: %s answered what cannot be read: %w", m.Subject, err)
	}
	if a.Error == nil {
		return a, nil
	}
	switch code := a.Error.Code; {
	case code == codeWrongLast || code == codeWrongLast2:
		return a, errMoved
	case code == codeNoMessage || code == codeNoSequence,
		code == codeNotRemoved && a.Error.Description == "no message found":
		return a, errNoRecord
	}
	return a, fmt.Errorf("%w: JetStream answers %q (%d) to %s", platform.ErrUnavailable, a.Error.Description, a.Error.Code, m.Subject)
}

func (j *journal) ask(ctx context.Context, verb string, body any) (answer, error) {
	m := nats.NewMsg("$JS.API.STREAM." + verb + "." + j.stream)
	m.Data, _ = json.Marshal(body)
	return j.request(ctx, m)
}

// append stores a record behind the one with number last, or returns errMoved
// if that is not the last one. After any other error the record may be stored or
// not.
func (j *journal) append(ctx context.Context, last uint64, record []byte) (uint64, error) {
	m := nats.NewMsg(j.subject)
	m.Header.Set(jetstream.ExpectedLastSeqHeader, strconv.FormatUint(last, 10))
	m.Header.Set(jetstream.ExpectedStreamHeader, j.stream)
	m.Data = record
	a, err := j.request(ctx, m)
	return a.Seq, err
}

// read returns a record from any server that has it.
func (j *journal) read(ctx context.Context, seq uint64) ([]byte, error) {
	if err := j.server.lostError(); err != nil {
		return nil, err
	}
	short, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	m, err := j.nc.RequestWithContext(short, "$JS.API.DIRECT.GET."+j.stream, fmt.Appendf(nil, `{"seq":%d}`, seq))
	if err == nil && m.Header.Get("Status") == "" {
		return m.Data, nil
	}
	a, err := j.ask(ctx, "MSG.GET", map[string]any{"seq": seq}) // the leader has everything
	return a.Message.Data, err
}

// next returns the first record that is not before seq.
func (j *journal) next(ctx context.Context, seq uint64) (uint64, []byte, error) {
	return j.nextOf(ctx, j.subject, seq)
}

// nextOf is next among the subjects of filter.
func (j *journal) nextOf(ctx context.Context, filter string, seq uint64) (uint64, []byte, error) {
	a, err := j.ask(ctx, "MSG.GET", map[string]any{"seq": seq, "next_by_subj": filter})
	return a.Message.Seq, a.Message.Data, err
}

// latest asks for the newest message of a subject.
func (j *journal) latest(ctx context.Context, subject string) (answer, error) {
	return j.ask(ctx, "MSG.GET", map[string]any{"last_by_subj": subject})
}

// remove removes a message. With erase the server also overwrites its bytes in the
// files.
func (j *journal) remove(ctx context.Context, seq uint64, erase bool) error {
	_, err := j.ask(ctx, "MSG.DELETE", map[string]any{"seq": seq, "no_erase": !erase})
	return err
}

// lastOf returns the number of the newest message with a subject of filter, or
// [errNoRecord].
func (j *journal) lastOf(ctx context.Context, filter string) (uint64, error) {
	a, err := j.latest(ctx, filter)
	return a.Message.Seq, err
}

// last returns the number of the newest record, and whether there is any.
func (j *journal) last(ctx context.Context) (seq uint64, any bool, err error) {
	a, err := j.ask(ctx, "INFO", struct{}{})
	return a.State.Last, a.State.Count > 0, err
}

// purge removes the records before seq.
func (j *journal) purge(ctx context.Context, seq uint64) error {
	_, err := j.ask(ctx, "PURGE", map[string]any{"seq": seq})
	return err
}

// scan calls learn for every record that exists when it begins, and returns the
// number of the last one. The number of an empty log need not be 0.
func (j *journal) scan(ctx context.Context, learn func(seq uint64, record []byte) error) (last uint64, err error) {
	last, any, err := j.last(ctx)
	if err != nil || !any {
		return last, err
	}
	return last, j.each(ctx, j.subject, last, func(m jetstream.Msg, meta *jetstream.MsgMetadata) error {
		return learn(meta.Sequence.Stream, m.Data())
	})
}

const (
	// quietTime is how long nothing may come while the log is read, until the leader
	// is asked whether anything is left.
	quietTime = 3 * time.Second
	// mostQuiet times in a row are too many.
	mostQuiet = 10
)

// each calls visit for every message of filter up to the number last. It may read
// from a replica that lags behind: only the leader knows that nothing is left.
func (j *journal) each(ctx context.Context, filter string, last uint64, visit func(jetstream.Msg, *jetstream.MsgMetadata) error) error {
	select {
	case j.readers <- struct{}{}:
		defer func() { <-j.readers }()
	case <-ctx.Done():
		return ctx.Err()
	}
	messages, release, err := j.messages(ctx, filter)
	if err != nil {
		return j.readError(ctx, err)
	}
	defer release()
	read, silent := uint64(0), 0
	for read < last {
		m, meta, err := nextMessage(ctx, messages)
		switch {
		case errors.Is(err, errQuiet) && silent < mostQuiet:
			silent++
		case err != nil:
			return j.readError(ctx, err)
		default:
			if err := visit(m, meta); err != nil {
				return err
			}
			read, silent = meta.Sequence.Stream, 0
			if meta.NumPending > 0 {
				continue
			}
		}
		if more, err := j.anyLeft(ctx, filter, read, last); err != nil || !more {
			return err
		}
	}
	return nil
}

// messages reads filter from the beginning. release removes the consumer, for which
// the server would otherwise keep a buffer for minutes.
func (j *journal) messages(ctx context.Context, filter string) (messages jetstream.MessagesContext, release func(), err error) {
	consumer, err := j.js.OrderedConsumer(ctx, j.stream, jetstream.OrderedConsumerConfig{FilterSubjects: []string{filter}})
	if err != nil {
		return nil, nil, err
	}
	remove := func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
		defer cancel()
		_ = j.js.DeleteConsumer(ctx, j.stream, consumer.CachedInfo().Name)
	}
	// In bytes, as a client drops what exceeds 64 MiB of unread messages. The
	// heartbeat reveals a pull that was lost.
	messages, err = consumer.Messages(jetstream.PullMaxBytes(16<<20), jetstream.PullHeartbeat(time.Second))
	if err != nil {
		remove()
		return nil, nil, err
	}
	return messages, func() { messages.Stop(); remove() }, nil
}

var errQuiet = fmt.Errorf("%w: JetStream sends nothing of what it has", platform.ErrUnavailable)

func nextMessage(ctx context.Context, messages jetstream.MessagesContext) (jetstream.Msg, *jetstream.MsgMetadata, error) {
	short, cancel := context.WithTimeout(ctx, quietTime)
	defer cancel()
	m, err := messages.Next(jetstream.NextContext(short))
	switch {
	case err != nil && ctx.Err() == nil && short.Err() != nil:
		return nil, nil, errQuiet
	case err != nil:
		return nil, nil, err
	}
	meta, err := m.Metadata()
	return m, meta, err
}

// anyLeft asks the leader whether there is anything of filter behind read, up to
// last. The last one may have been removed meanwhile.
func (j *journal) anyLeft(ctx context.Context, filter string, read, last uint64) (bool, error) {
	if read >= last {
		return false, nil
	}
	seq, _, err := j.nextOf(ctx, filter, read+1)
	if errors.Is(err, errNoRecord) {
		return false, nil
	}
	return err == nil && seq <= last, err
}

// readError returns the error to report when the log could not be read.
func (j *journal) readError(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if errors.Is(err, platform.ErrUnavailable) {
		return err
	}
	return fmt.Errorf("%w: JetStream cannot be read: %w", platform.ErrUnavailable, err)
}
