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
	"maps"
	"os"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/shopex/prism-go/platform"
)

// ErrNotEmpty is returned by [Restore] for a directory with files in it, and for
// servers that already have streams of that name.
var ErrNotEmpty = errors.New("jetstream: a backup is restored to an empty place only")

// errDamaged begins the errors for a backup that is damaged or not complete.
var errDamaged = errors.New("jetstream: the backup is damaged or not whole")

// Restore brings a backup to an empty Dir, or to servers at URL that have
// nothing under Name. It reads r to its end, into a temporary file, before it
// stores anything, and removes what it has stored if it fails. If the process is
// killed meanwhile, [Open] returns [ErrHalfRestored] afterwards. An engine that is
// opened there continues from the backup; messages that were unacknowledged are
// delivered again, under their IDs.
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
	s, err := claimTarget(config.Dir)
	if err != nil {
		return err
	}
	config.Dir, config.restoring, config.noReserve = s.dir, true, true
	config.SyncInterval = time.Hour // the mark says that it is not complete, and finish syncs every file
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
	defer func() { err = errors.Join(err, e.shutDown()) }()
	if err := e.connect(); err != nil {
		return err
	}
	if err := e.openJournal(); err != nil {
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
	to := &restorer{ctx: ctx, e: e, mark: rand.Text()}
	err = readBackup(r, to)
	if err == nil {
		err = to.finish()
	}
	if err != nil {
		return errors.Join(err, to.undo())
	}
	return nil
}

// A restorer stores the parts of a backup.
type restorer struct {
	ctx    context.Context
	e      *Engine
	mark   string // of the log that it makes
	config jetstream.StreamConfig
	made   []string // streams
	last   uint64   // the number of the log's newest record

	pending []jetstream.PubAckFuture // records whose storing is not confirmed yet
	bytes   int                      // of them
}

// begin makes the log with a mark, so that no engine opens it yet. A restore that
// makes it at the same moment has another mark, so only one of them succeeds.
func (s *restorer) begin(first uint64, log uint32) (err error) {
	j := s.e.journal
	s.last, s.config = first-1, j.config(s.e.config.Replicas, first, log)
	marked := s.config
	marked.Metadata = maps.Clone(s.config.Metadata)
	marked.Metadata[restoringKey] = s.mark
	if _, err := j.js.CreateStream(s.ctx, marked); err != nil {
		return fmt.Errorf("jetstream: stream %s: %w", j.stream, err)
	}
	s.made = append(s.made, j.stream, bucketStream(s.e.config.Name))
	s.e.files, err = openStore(s.ctx, j.js, &s.e.config, s.e.server, 1)
	return err
}

// finish removes the mark.
func (s *restorer) finish() error {
	if err := s.awaitPending(0); err != nil {
		return err
	}
	_, err := s.e.journal.js.UpdateStream(s.ctx, s.config)
	if err != nil {
		return fmt.Errorf("jetstream: stream %s: %w", s.e.journal.stream, err)
	}
	return nil
}

func (s *restorer) part(kind byte, part []byte) (err error) {
	if kind == partLog {
		return s.append(part)
	}
	if err := s.awaitPending(0); err != nil {
		return err
	}
	return s.e.files.restore(s.ctx, part)
}

// Bounds of the records that are sent and not confirmed yet. Without them in flight a
// restore would take a round trip for each record.
const (
	mostPending      = 256
	mostPendingBytes = 16 << 20
)

// append stores a record of the log behind the others.
func (s *restorer) append(record []byte) error {
	if s.bytes+len(record) > mostPendingBytes || len(s.pending) >= mostPending {
		if err := s.awaitPending(mostPending / 2); err != nil {
			return err
		}
	}
	if s.bytes+len(record) > mostPendingBytes {
		if err := s.awaitPending(0); err != nil {
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

// awaitPending waits until at most so many records are not confirmed.
func (s *restorer) awaitPending(most int) error {
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

// undo removes the streams, even if the restore failed because its context ended.
func (s *restorer) undo() error {
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

// readBackup passes the parts of a backup to s. When s is nil, it only checks the
// backup.
func readBackup(r io.Reader, s *restorer) error {
	in := newBackupReader(r)
	first, log, err := in.head()
	if err != nil {
		return err
	}
	if s != nil {
		if err := s.begin(first, log); err != nil {
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

// largestPart is larger than any record that an engine writes.
const largestPart = 16<<20 + reserve

type backupReader struct {
	r   *bufio.Reader
	sum hash.Hash
}

func newBackupReader(r io.Reader) *backupReader {
	return &backupReader{bufio.NewReaderSize(r, 64<<10), sha256.New()}
}

// head returns the number of the first record, and the Log. The messages of a backup of
// an earlier version had no IDs before, so any Log will do.
func (in *backupReader) head() (first uint64, log uint32, err error) {
	head := make([]byte, len(backupMagic)+8)
	if err := in.full(head); err != nil {
		return 0, 0, err
	}
	switch magic := string(head[:len(backupMagic)]); {
	case magic == backupMagic:
		var b [4]byte
		if err := in.full(b[:]); err != nil {
			return 0, 0, err
		}
		log = binary.BigEndian.Uint32(b[:])
	case magic == backupMagicOld:
		log = newLog()
	case magic[:len(magic)-2] == backupMagic[:len(magic)-2]:
		return 0, 0, errors.New("jetstream: the backup is of a newer version: restore it with the program that wrote it, or a newer one")
	default:
		return 0, 0, errors.New("jetstream: this is no backup of a platform")
	}
	first = binary.BigEndian.Uint64(head[len(backupMagic):])
	if first == 0 || first >= 1<<52 {
		return 0, 0, fmt.Errorf("%w: the log cannot begin at %d", errDamaged, first)
	}
	return first, log, nil
}

// each calls visit for each part before the last one, and checks the checksum.
func (in *backupReader) each(visit func(kind byte, part []byte) error) error {
	for {
		before := in.sum.Sum(nil)
		kind, part, err := in.part()
		if err == nil && kind == partEnd {
			return in.ends(before, part)
		}
		if err == nil {
			err = visit(kind, part)
		}
		if err != nil {
			return err
		}
	}
}

// part returns the next part. It does not trust the length: it allocates no more
// memory than bytes arrive.
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
