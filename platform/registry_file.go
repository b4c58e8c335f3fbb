package platform

import (
	"context"
	"errors"
	"strconv"
)

// The api.json of a service is kept in parts, as the value of a record has less room.

const (
	kindFile  = "file"
	partBytes = 400 << 10
	maxParts  = (MaxServiceFile + partBytes - 1) / partBytes
)

// A storedFile says where a file of a service is. Each file that is written has a
// generation of its own. So nothing that a reader is reading is overwritten.
type storedFile struct {
	Generation uint64 // 0 if there is no file
	Parts      int
	Bytes      int
}

func (s *storedService) files() []storedFile { return []storedFile{s.File, s.Previous} }

func partName(id string, generation uint64, part int) string {
	return id + "\x00" + strconv.FormatUint(generation, 10) + "\x00" + strconv.Itoa(part)
}

// saveFile stores a file of a service under a generation after this one that nobody else
// uses.
func (r *Registry) saveFile(ctx context.Context, id string, after uint64, text []byte) (storedFile, error) {
	for generation := after + 1; generation < after+maxConflicts; generation++ {
		file := storedFile{Generation: generation, Bytes: len(text)}
		var err error
		for rest := text; len(rest) > 0 && err == nil; file.Parts++ {
			n := min(len(rest), r.partBytes)
			_, err = r.store.Save(ctx, kindFile, digest(partName(id, generation, file.Parts)), rest[:n], 0, 0)
			rest = rest[n:]
		}
		if err == nil {
			return file, nil
		}
		if !errors.Is(err, ErrConflict) {
			return storedFile{}, err
		}
	}
	return storedFile{}, ErrConflict
}

// loadFile returns a file of a service. The error matches [ErrNoRecord] if it was removed.
func (r *Registry) loadFile(ctx context.Context, id string, file storedFile) ([]byte, error) {
	var text []byte
	for part := range file.Parts {
		record, err := r.store.Load(ctx, kindFile, digest(partName(id, file.Generation, part)))
		if err != nil {
			return nil, err
		}
		text = append(text, record.Value...)
	}
	return text, nil
}

// deleteFiles removes files of a service, the first part of each last, as that says that
// the generation is used.
func (r *Registry) deleteFiles(ctx context.Context, id string, files ...storedFile) error {
	for _, file := range files {
		for part := file.Parts - 1; part >= 0; part-- {
			if err := deleteRecord(ctx, r.store, kindFile, partName(id, file.Generation, part)); err != nil {
				return err
			}
		}
	}
	return nil
}

// unfinished returns the files that processes which were killed have written for a
// service.
func (r *Registry) unfinished(ctx context.Context, s *storedService) (files []storedFile, err error) {
	for g := s.Generation + 1; ; g++ {
		_, err := r.store.Load(ctx, kindFile, digest(partName(s.ID, g, 0)))
		if errors.Is(err, ErrNoRecord) {
			return files, nil
		}
		if err != nil {
			return nil, err
		}
		files = append(files, storedFile{Generation: g, Parts: maxParts})
	}
}
