package jetstream

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// A backup begins with backupMagic, the number of the first record of the log, and the
// Log of the IDs of its messages. Parts follow: a kind, a length and as many bytes. The
// last part is a SHA-256 over everything before it.
const (
	backupMagic    = "prism backup 2\n"
	backupMagicOld = "prism backup 1\n" // without the Log
)

const (
	partLog    = 'L' // a record of the log; each has the next number
	partRecord = 'R' // a record of the Store: when it ends, its name, its value
	partEnd    = 'E'
)

// Backup writes a copy of all messages and records to w, as they are when it
// begins, while the engine works on. [Restore] reads it. The copy has the secrets
// of the keys in it.
//
// Another engine on the same servers may clean the log meanwhile. Then the
// copy would have a hole, so Backup returns an error; begin again.
func (e *Engine) Backup(ctx context.Context, w io.Writer) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(e.ctx, cancel)()
	e.headMu.RLock() // so that the head of the log stays
	defer e.headMu.RUnlock()
	b := newBackup(w)
	if err := b.log(ctx, e.journal); err != nil {
		return err
	}
	if err := b.records(ctx, e.files.records); err != nil {
		return err
	}
	return b.end()
}

// A backup is a backup that is being written. Flush returns any error of w.
type backup struct {
	w   *bufio.Writer
	sum hash.Hash
}

func newBackup(w io.Writer) *backup {
	sum := sha256.New()
	return &backup{bufio.NewWriterSize(io.MultiWriter(w, sum), 64<<10), sum}
}

func (b *backup) head(first uint64, log uint32) {
	_, _ = b.w.WriteString(backupMagic)
	_, _ = b.w.Write(binary.BigEndian.AppendUint64(nil, first))
	_, _ = b.w.Write(binary.BigEndian.AppendUint32(nil, log))
}

func (b *backup) part(kind byte, bytes []byte) {
	_ = b.w.WriteByte(kind)
	_, _ = b.w.Write(binary.BigEndian.AppendUint32(nil, uint32(len(bytes))))
	_, _ = b.w.Write(bytes)
}

func (b *backup) end() error {
	if err := b.w.Flush(); err != nil {
		return err
	}
	b.part(partEnd, b.sum.Sum(nil))
	return b.w.Flush()
}

func (b *backup) log(ctx context.Context, j *journal) error {
	a, err := j.ask(ctx, "INFO", struct{}{})
	if err != nil {
		return err
	}
	first := max(a.State.First, 1)
	b.head(first, a.log())
	next := first
	last, err := j.scan(ctx, func(seq uint64, record []byte) error {
		if seq != next {
			return fmt.Errorf("jetstream: the log was cleaned by another engine while it was copied; begin the backup again")
		}
		next++
		b.part(partLog, record)
		return nil
	})
	if err == nil && next <= last {
		err = fmt.Errorf("jetstream: the log was read to number %d and ends at %d; begin the backup again", next-1, last)
	}
	return err
}

func (b *backup) records(ctx context.Context, j *journal) error {
	parts := make(map[string][]byte) // of all passes, as a record that is saved all the time is in one of them only
	err := j.eachLatest(ctx, j.subject+">", func() {}, func(m jetstream.Msg, meta *jetstream.MsgMetadata) error {
		name := strings.TrimPrefix(m.Subject(), j.subject)
		if isOver(m.Data(), m.Headers(), meta.Timestamp) {
			delete(parts, name)
			return nil // what is left of one that was deleted or has expired
		}
		over, _, err := ends(m.Headers(), meta.Timestamp)
		if err != nil {
			return err
		}
		var unix uint64
		if !over.IsZero() {
			unix = uint64(over.Unix())
		}
		part := binary.BigEndian.AppendUint64(nil, unix)
		part = binary.BigEndian.AppendUint16(part, uint16(len(name)))
		part = append(append(part, name...), m.Data()...)
		parts[name] = part
		return nil
	})
	for _, name := range slices.Sorted(maps.Keys(parts)) {
		b.part(partRecord, parts[name])
	}
	return err
}

// isKind reports whether kind is a valid kind of record. It becomes a part of a
// subject, in which other characters have a meaning.
func isKind(kind string) bool {
	for _, r := range kind {
		if !(r == '-' || r == '_' || '0' <= r && r <= '9' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z') {
			return false
		}
	}
	return kind != "" && len(kind) <= 64
}

// A saved is a record of the Store in a backup.
type saved struct {
	kind, id string
	ends     time.Time // zero: never
	value    []byte
}

func decodeSaved(part []byte) (s saved, err error) {
	bad := fmt.Errorf("jetstream: the backup is damaged: a record of it cannot be read")
	if len(part) < 10 {
		return s, bad
	}
	ends, size := binary.BigEndian.Uint64(part), int(binary.BigEndian.Uint16(part[8:]))
	rest := part[10:]
	if len(rest) < size+1 || rest[size] != format || ends > 1<<40 {
		return s, bad
	}
	kind, coded, _ := strings.Cut(string(rest[:size]), ".")
	id, err := hex.DecodeString(coded)
	if err != nil || !isKind(kind) || len(id) == 0 {
		return s, bad
	}
	s = saved{kind: kind, id: string(id), value: rest[size+1:]}
	if ends > 0 {
		s.ends = time.Unix(int64(ends), 0)
	}
	return s, nil
}
