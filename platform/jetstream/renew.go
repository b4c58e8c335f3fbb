package jetstream

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// A bucket is renewed when it holds bytes that cannot be erased: when an earlier version
// made it, or when an erasure was cut short. Its records are saved into a file, its
// directory is removed, and a new bucket gets the records. Once the file is complete,
// each start goes on from there.

// savedFile returns the name of the file that has the records meanwhile. It holds the
// number that the new bucket begins with, and then parts as in a backup.
func savedFile(c *Config) string { return filepath.Join(c.Dir, c.Name+"-records") }

// needsRenewal reports whether an earlier process has left something to renew.
func needsRenewal(c *Config) bool { return exists(erasingMark(c)) || exists(savedFile(c)) }

func exists(name string) bool {
	_, err := os.Lstat(name)
	return err == nil
}

// renew replaces the bucket of Dir by a new one with the same records. If they cannot
// be saved, as on a full disk, the engine goes on with the old bucket.
func (c *Config) renew(ctx context.Context) (err error) {
	inner := *c
	if inner.held, err = claimDir(c); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, inner.held.Close()) }()
	inner.SyncInterval = time.Hour // a renewal that was cut short is done again, and everything is synced at the end
	err = inner.saveRecords(ctx)
	if err != nil && exists(savedFile(c)) { // going on with the old bucket would lose what it gets from now on
		return fmt.Errorf("jetstream: saving the records of %s: start again when the disk is in order: %w", c.Dir, err)
	}
	if err != nil {
		c.Logger.Warn("jetstream: what was deleted or replaced stays in the files until a later start", "error", err)
		c.keepBucket = true
		return nil
	}
	if err := inner.restoreRecords(ctx); err != nil {
		return fmt.Errorf("jetstream: renewing the records of %s: %w", c.Dir, err)
	}
	return nil
}

// saveRecords makes the file, unless it exists.
func (c *Config) saveRecords(ctx context.Context) error {
	if exists(savedFile(c)) {
		return nil
	}
	err := writeVersion(c.Dir, renewing) // first, as afterwards the disk may be full
	if err == nil {
		err = c.withStore(ctx, 1, func(s *Store) error { return s.saveTo(ctx, savedFile(c)) })
	}
	if err != nil && !exists(savedFile(c)) {
		err = errors.Join(err, writeVersion(c.Dir, version))
	}
	return err
}

// restoreRecords makes a new bucket from the file, and removes the file.
func (c *Config) restoreRecords(ctx context.Context) error {
	f, err := os.Open(savedFile(c))
	if err != nil {
		return err
	}
	defer f.Close()
	in := newBackupReader(f)
	head := make([]byte, 8)
	if err := in.full(head); err != nil {
		return err
	}
	if err := os.RemoveAll(bucketDir(c)); err != nil {
		return err
	}
	err = c.withStore(ctx, binary.BigEndian.Uint64(head), func(s *Store) error {
		return in.each(func(_ byte, part []byte) error { return s.restore(ctx, part) })
	})
	if err = errors.Join(err, f.Close()); err == nil {
		err = syncAll(c.Dir)
	}
	for _, name := range []string{erasingMark(c), savedFile(c)} {
		if err == nil {
			err = ignoreMissing(os.Remove(name))
		}
	}
	if err == nil { // or the file could come back, and with it these records in place of newer ones
		err = syncFile(c.Dir)
	}
	if err == nil {
		err = writeVersion(c.Dir, version)
	}
	return err
}

func ignoreMissing(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// withStore calls do with the Store of Dir, without starting the engine.
func (c *Config) withStore(ctx context.Context, first uint64, do func(*Store) error) (err error) {
	e := newEngine(*c)
	defer func() { err = errors.Join(err, e.shutDown()) }()
	if err := e.connect(); err != nil {
		return err
	}
	if err := e.openJournal(); err != nil {
		return err
	}
	var s *Store
	err = e.whenFormed(ctx, func(ctx context.Context) error {
		s, err = openStore(ctx, e.journal.js, &e.config, e.server, first)
		return err
	})
	if err != nil {
		return err
	}
	return do(s)
}

// saveTo writes all records to a file. The file gets its name when it is complete.
func (s *Store) saveTo(ctx context.Context, name string) (err error) {
	last, _, err := s.records.last(ctx)
	if err != nil {
		return err
	}
	half := name + ".new"
	f, err := os.OpenFile(half, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	b := newBackup(f)
	_, _ = b.w.Write(binary.BigEndian.AppendUint64(nil, last+1))
	err = b.records(ctx, s.records)
	err = errors.Join(err, b.end(), f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(half, name)
	}
	if err == nil {
		err = syncFile(filepath.Dir(name))
	}
	if err != nil {
		return errors.Join(err, ignoreMissing(os.Remove(half)), ignoreMissing(os.Remove(name)))
	}
	return nil
}

// restore stores a record of a backup, unless it has expired.
func (s *Store) restore(ctx context.Context, part []byte) error {
	r, err := decodeSaved(part)
	if err != nil {
		return err
	}
	var ttl time.Duration
	if !r.ends.IsZero() {
		if ttl = time.Until(r.ends); ttl <= 0 {
			return nil
		}
	}
	_, err = s.Save(ctx, r.kind, r.id, r.value, 0, ttl)
	return err
}
