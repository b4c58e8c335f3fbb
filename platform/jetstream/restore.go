package jetstream

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/shopex/prism-go/platform"
)

// ErrNotEmpty is returned by [Restore] for a place that has something already.
var ErrNotEmpty = errors.New("jetstream: a backup is restored to an empty place only")

// errDamaged is the begin of what is said of a backup that is not whole.
var errDamaged = errors.New("jetstream: the backup is damaged or not whole")

// Restore brings a backup to an empty Dir, or to servers at URL that have
// nothing under Name. It reads r to its end, into a temporary file, before it
// stores anything, and removes what it has stored if it fails. Where it is
// killed, [Open] refuses the place with [ErrHalfRestored]. An engine
// that is opened there goes on where the backup was made; messages that were
// unacknowledged are delivered again.
func Restore(ctx context.Context, config Config, r io.Reader) error {
	config, err := config.withDefaults()
	if err != nil {
		return err
	}
	spool, err := os.CreateTemp("", "prism-restore-")
	if err != nil {
		return fmt.Errorf("jetstream: room for the backup: %w", err)
	}
	if os.Remove(spool.Name()) != nil { // at once, as a killed process would leave the secrets there; not every system can
		defer func() { _ = os.Remove(spool.Name()) }()
	}
	defer spool.Close()
	if err := readBackup(io.TeeReader(r, spool), nil); err != nil {
		return err
	}
	if _, err := spool.Seek(0, io.SeekStart); err != nil {
		return err
	}
	if config.Dir == "" {
		return restoreTo(ctx, config, spool)
	}
	return restoreDir(ctx, config, spool)
}

// restoreDir restores into the directory, which no engine opens until all is there.
func restoreDir(ctx context.Context, config Config, r io.Reader) error {
	s, err := takeSite(config.Dir)
	if err != nil {
		return err
	}
	config.Dir, config.restoring, config.noReserve = s.dir, true, true
	config.SyncInterval = time.Hour // the mark says that it is not whole, and finish syncs every file
	err = restoreTo(ctx, config, r)
	if err == nil {
		err = s.finish()
	}
	if err != nil {
		return errors.Join(err, s.clear())
	}
	return nil
}

func restoreTo(ctx context.Context, config Config, r io.Reader) (err error) {
	e := newEngine(config)
	defer func() { err = errors.Join(err, e.hangUp()) }()
	if err := e.connect(); err != nil {
		return err
	}
	if err := e.layOut(); err != nil {
		return err
	}
	for _, stream := range []string{e.journal.stream, bucketStream(config.Name)} {
		switch _, err := e.journal.js.Stream(ctx, stream); {
		case err == nil:
			return fmt.Errorf("%w: there is a stream %s", ErrNotEmpty, stream)
		case !errors.Is(err, jetstream.ErrStreamNotFound):
			return fmt.Errorf("%w: stream %s: %w", platform.ErrUnavailable, stream, err)
		}
	}
	restored := &restored{ctx: ctx, e: e, mark: rand.Text()}
	err = readBackup(r, restored)
	if err == nil {
		err = restored.finish()
	}
	if err != nil {
		return errors.Join(err, restored.undo())
	}
	return nil
}

// A restored stores the parts of a backup.
type restored struct {
	ctx    context.Context
	e      *Engine
	mark   string // of the log that it makes
	config jetstream.StreamConfig
	made   []string // streams
	last   uint64   // the number of the log's newest record

	pending []jetstream.PubAckFuture // records whose storing is not confirmed yet
	bytes   int                      // of them
}

// begin makes the log with a mark, so that no engine opens it yet. Who makes it at
// the same moment has another mark.
func (s *restored) begin(first uint64) (err error) {
	j := s.e.journal
	s.last, s.config = first-1, j.config(s.e.config.Replicas, first)
	marked := s.config
	marked.Metadata = map[string]string{restoringKey: s.mark}
	if _, err := j.js.CreateStream(s.ctx, marked); err != nil {
		return fmt.Errorf("jetstream: stream %s: %w", j.stream, err)
	}
	s.made = append(s.made, j.stream, bucketStream(s.e.config.Name))
	s.e.files, err = openStore(s.ctx, j.js, &s.e.config, s.e.server, 1)
	return err
}

// finish takes the mark away.
func (s *restored) finish() error {
	if err := s.settle(0); err != nil {
		return err
	}
	_, err := s.e.journal.js.UpdateStream(s.ctx, s.config)
	if err != nil {
		return fmt.Errorf("jetstream: stream %s: %w", s.e.journal.stream, err)
	}
	return nil
}

func (s *restored) part(kind byte, part []byte) (err error) {
	if kind == partLog {
		return s.append(part)
	}
	if err := s.settle(0); err != nil {
		return err
	}
	return s.e.files.restore(s.ctx, part)
}

// So much of the log may be on its way. A restore that waited for each record took as
// many round trips.
const (
	mostPending      = 256
	mostPendingBytes = 16 << 20
)

// append stores a record of the log behind the others.
func (s *restored) append(record []byte) error {
	if s.bytes+len(record) > mostPendingBytes || len(s.pending) >= mostPending {
		if err := s.settle(mostPending / 2); err != nil {
			return err
		}
	}
	if s.bytes+len(record) > mostPendingBytes {
		if err := s.settle(0); err != nil {
			return err
		}
	}
	j := s.e.journal
	stored, err := j.js.PublishAsync(j.subject, record, jetstream.WithExpectLastSequence(s.last), jetstream.WithExpectStream(j.stream))
	if err != nil {
		return fmt.Errorf("jetstream: storing the backup: %w", err)
	}
	s.last++
	s.pending = append(s.pending, stored)
	s.bytes += len(record)
	return nil
}

// settle waits until no more than so many records are on their way.
func (s *restored) settle(most int) error {
	for len(s.pending) > most {
		select {
		case <-s.pending[0].Ok():
		case err := <-s.pending[0].Err():
			return fmt.Errorf("jetstream: storing the backup: %w", err)
		case <-s.ctx.Done():
			return s.ctx.Err()
		}
		s.bytes -= len(s.pending[0].Msg().Data)
		s.pending = s.pending[1:]
	}
	return nil
}

// undo removes the streams, also when it was the end of the context that made
// the restoring fail.
func (s *restored) undo() error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(s.ctx), patience)
	defer cancel()
	js := s.e.journal.js
	var failed error
	for _, stream := range s.made {
		if err := js.DeleteStream(ctx, stream); err != nil && !errors.Is(err, jetstream.ErrStreamNotFound) {
			failed = errors.Join(failed, fmt.Errorf("jetstream: what was restored of %s is still there: %w", stream, err))
		}
	}
	return failed
}

// readBackup gives the parts of a backup to s, or only checks it when s is
// nil.
func readBackup(r io.Reader, s *restored) error {
	in := newBackupReader(r)
	first, err := in.head()
	if err != nil {
		return err
	}
	if s != nil {
		if err := s.begin(first); err != nil {
			return err
		}
	}
	return in.each(func(kind byte, part []byte) (err error) {
		switch kind {
		case partRecord:
			_, err = decodeSaved(part)
		case partLog:
			_, _, err = decodeRecord(1, part)
		default:
			err = fmt.Errorf("%w: it has a part of an unknown kind", errDamaged)
		}
		if err == nil && s != nil {
			err = s.part(kind, part)
		}
		return err
	})
}

// largestPart is more than an engine writes in one record.
const largestPart = 16<<20 + reserve

type backupReader struct {
	r   *bufio.Reader
	sum hash.Hash
}

func newBackupReader(r io.Reader) *backupReader {
	return &backupReader{bufio.NewReaderSize(r, 64<<10), sha256.New()}
}

func (in *backupReader) head() (first uint64, err error) {
	head := make([]byte, len(backupMagic)+8)
	if err := in.full(head); err != nil {
		return 0, err
	}
	switch magic := string(head[:len(backupMagic)]); {
	case magic == backupMagic:
	case magic[:len(magic)-2] == backupMagic[:len(magic)-2]:
		return 0, errors.New("jetstream: the backup is of a newer version: restore it with the program that wrote it, or a newer one")
	default:
		return 0, errors.New("jetstream: this is no backup of a platform")
	}
	first = binary.BigEndian.Uint64(head[len(backupMagic):])
	if first == 0 || first >= 1<<52 {
		return 0, fmt.Errorf("%w: the log cannot begin at %d", errDamaged, first)
	}
	return first, nil
}

// each calls take for each part before the last, which has to be right.
func (in *backupReader) each(take func(kind byte, part []byte) error) error {
	for {
		before := in.sum.Sum(nil)
		kind, part, err := in.part()
		if err == nil && kind == partEnd {
			return in.ends(before, part)
		}
		if err == nil {
			err = take(kind, part)
		}
		if err != nil {
			return err
		}
	}
}

// part returns the next part. A length is not believed: no more is allocated
// than arrives.
func (in *backupReader) part() (kind byte, part []byte, err error) {
	head := make([]byte, 5)
	if err := in.full(head); err != nil {
		return 0, nil, err
	}
	size := int64(binary.BigEndian.Uint32(head[1:]))
	if size > largestPart {
		return 0, nil, fmt.Errorf("%w: a part of %d bytes cannot be", errDamaged, size)
	}
	var buffer bytes.Buffer
	n, err := io.Copy(io.MultiWriter(&buffer, in.sum), io.LimitReader(in.r, size))
	if err != nil {
		return 0, nil, fmt.Errorf("jetstream: reading the backup: %w", err)
	}
	if n < size {
		return 0, nil, fmt.Errorf("%w: it ends early", errDamaged)
	}
	return head[0], buffer.Bytes(), nil
}

func (in *backupReader) full(b []byte) error {
	_, err := io.ReadFull(in.r, b)
	in.sum.Write(b)
	switch {
	case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Errorf("%w: it ends early", errDamaged)
	case err != nil:
		return fmt.Errorf("jetstream: reading the backup: %w", err)
	}
	return nil
}

func (in *backupReader) ends(want, sum []byte) error {
	if !bytes.Equal(want, sum) {
		return fmt.Errorf("%w: its checksum is not right", errDamaged)
	}
	if _, err := in.r.ReadByte(); !errors.Is(err, io.EOF) {
		return fmt.Errorf("%w: something follows its end", errDamaged)
	}
	return nil
}
