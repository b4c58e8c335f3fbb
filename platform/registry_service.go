package platform

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/shopex/prism-go/apijson"
	"github.com/shopex/prism-go/internal/gateway"
)

// A service is three kinds of records: the service, its api.json in parts, and for each
// domain which service has which prefix. A service is there only if it has a file and its
// domain says that it has its prefix. So when a process is killed while it saves one, the
// service is whole or absent, and a prefix is no absent one's.
const (
	kindService  = "service"
	kindPrefixes = "prefixes" // by domain
)

// A storedService is a service as it is stored.
type storedService struct {
	Service
	File, Previous storedFile   // in place of those of Service
	Generation     uint64       // the newest of its files
	Unused         []storedFile // files of before, which may not be removed yet
}

// prefixes has the IDs of the services of a domain by their prefixes.
type prefixes map[string]string

// Service returns the service with this ID, or [ErrUnknownService].
func (r *Registry) Service(ctx context.Context, id string) (Service, error) {
	s, _, err := r.wholeService(ctx, id)
	if err != nil {
		return Service{}, instead(err, ErrUnknownService)
	}
	return *s, nil
}

// Services returns all services, sorted by ID.
func (r *Registry) Services(ctx context.Context) ([]Service, error) {
	var all []Service
	err := r.eachService(ctx, func(*Service) bool { return true }, func(s Service) { all = append(all, s) })
	if err != nil {
		return nil, err
	}
	return all, nil
}

// eachService calls do for the services that are wanted, in the order of their IDs, and
// has the files of one at a time in memory. wanted sees services without their files.
func (r *Registry) eachService(ctx context.Context, wanted func(*Service) bool, do func(Service)) error {
	stored, err := r.storedServices(ctx)
	if err != nil {
		return err
	}
	for i := range stored {
		if !wanted(&stored[i].Service) {
			continue
		}
		whole, err := r.Service(ctx, stored[i].ID)
		if errors.Is(err, ErrUnknownService) {
			continue // deleted meanwhile
		}
		if err != nil {
			return err
		}
		do(whole)
	}
	return nil
}

// ServiceOf returns the service of a domain that has this prefix, or [ErrUnknownService].
// An empty domain is "default".
func (r *Registry) ServiceOf(ctx context.Context, domain, prefix string) (Service, error) {
	all, err := r.prefixes(ctx, cmp.Or(domain, defaultDomain))
	if err != nil {
		return Service{}, err
	}
	return r.Service(ctx, all[prefix])
}

// storedServices returns the services that are there, sorted by ID.
func (r *Registry) storedServices(ctx context.Context) ([]storedService, error) {
	all, err := listRecords[storedService](ctx, r.store, kindService)
	if err != nil {
		return nil, err
	}
	domains := make(map[string]prefixes)
	for _, s := range all {
		domain := s.Exchange()
		if domains[domain] == nil {
			if domains[domain], err = r.prefixes(ctx, domain); err != nil {
				return nil, err
			}
		}
	}
	all = slices.DeleteFunc(all, func(s storedService) bool { return !s.in(domains[s.Exchange()]) })
	slices.SortFunc(all, func(a, b storedService) int { return strings.Compare(a.ID, b.ID) })
	return all, nil
}

// prefixes returns the prefixes of a domain.
func (r *Registry) prefixes(ctx context.Context, domain string) (prefixes, error) {
	p, _, err := loadRecord[prefixes](ctx, r.store, kindPrefixes, domain)
	if errors.Is(err, ErrNoRecord) {
		return prefixes{}, nil
	}
	if err != nil {
		return nil, err
	}
	return *p, nil
}

// wholeService returns a service with its files, and the record of it. The error matches
// [ErrNoRecord] when there is none.
func (r *Registry) wholeService(ctx context.Context, id string) (*Service, *storedService, error) {
	for range maxConflicts {
		stored, _, err := loadRecord[storedService](ctx, r.store, kindService, id)
		if err != nil {
			return nil, nil, err
		}
		if err := r.isThere(ctx, stored); err != nil {
			return nil, nil, err
		}
		whole, err := r.withFiles(ctx, stored)
		if !errors.Is(err, ErrNoRecord) { // else it was changed, and its files of before are gone
			return whole, stored, err
		}
	}
	return nil, nil, fmt.Errorf("platform: the files of the service %q are missing", id)
}

// in reports whether a service is there, where its domain has these prefixes.
func (s *storedService) in(all prefixes) bool {
	return s.File.Generation > 0 && all[s.Prefix] == s.ID
}

// isThere returns [ErrNoRecord] if a service is not there.
func (r *Registry) isThere(ctx context.Context, s *storedService) error {
	all, err := r.prefixes(ctx, s.Exchange())
	if err == nil && !s.in(all) {
		return ErrNoRecord
	}
	return err
}

func (r *Registry) withFiles(ctx context.Context, stored *storedService) (*Service, error) {
	whole := stored.Service
	var err error
	if whole.File, err = r.loadFile(ctx, whole.ID, stored.File); err != nil {
		return nil, err
	}
	if whole.Previous, err = r.loadFile(ctx, whole.ID, stored.Previous); err != nil {
		return nil, err
	}
	return &whole, nil
}

// SaveService stores a service, in place of the one that had the same ID. It returns an
// error if the api.json cannot be read or has more than [MaxServiceFile] bytes, and one
// that matches [ErrPrefixTaken] if another service of the domain has its prefix. The
// service counts within a second at every platform over the Store.
func (r *Registry) SaveService(ctx context.Context, s Service) error {
	_, err := r.putService(ctx, s.ID, func(*Service) (*Service, error) { return &s, nil })
	return err
}

// UpdateService changes the service with this ID and returns the new one. It returns
// [ErrUnknownService] if there is none, and the errors of SaveService. No change that is
// made at the same moment is lost: change is then called again with the new service. If
// it returns an error, or does not change the service, nothing is stored. If it changes
// File and not Previous, the File of before becomes Previous. The ID cannot be changed.
func (r *Registry) UpdateService(ctx context.Context, id string, change func(*Service) error) (Service, error) {
	s, err := r.putService(ctx, id, func(old *Service) (*Service, error) {
		if old == nil {
			return nil, ErrUnknownService
		}
		now := old.clone()
		if err := change(now); err != nil {
			return nil, err
		}
		now.ID = id
		if !bytes.Equal(now.File, old.File) && bytes.Equal(now.Previous, old.Previous) {
			now.Previous = old.File
		}
		if equalService(old, now) {
			return nil, nil
		}
		return now, nil
	})
	if err != nil {
		return Service{}, err
	}
	return *s, nil
}

// RestoreService puts the Previous file of a service in the place of its File, and the
// other way round. It returns [ErrUnknownService], or an error if there is no Previous.
func (r *Registry) RestoreService(ctx context.Context, id string) (Service, error) {
	return r.UpdateService(ctx, id, func(s *Service) error {
		if !s.restore() {
			return fmt.Errorf("platform: the service %q has no api.json of before", id)
		}
		return nil
	})
}

// restore makes File and Previous change places. It reports whether there is a Previous.
func (s *Service) restore() bool {
	there := len(s.Previous) > 0
	if there {
		s.File, s.Previous = s.Previous, s.File
	}
	return there
}

func (s *Service) clone() *Service {
	now := *s
	now.Config, now.Nodes = maps.Clone(s.Config), maps.Clone(s.Nodes)
	for id, values := range now.Nodes {
		now.Nodes[id] = maps.Clone(values)
	}
	return &now
}

func equalService(a, b *Service) bool {
	before, err := json.Marshal(a)
	after, err2 := json.Marshal(b)
	return err == nil && err2 == nil && bytes.Equal(before, after)
}

// check returns an error if a service may not be stored, and completes it.
func (s *Service) check() error {
	if len(s.ID) > idBytes || !isID(s.ID) {
		return fmt.Errorf("platform: the ID of a service must be 1 to %d letters, digits, - and _", idBytes)
	}
	if len(s.File) > MaxServiceFile {
		return fmt.Errorf("platform: the api.json of a service has %d bytes; at most %d are allowed", len(s.File), MaxServiceFile)
	}
	file, err := apijson.Parse(s.File)
	if err != nil {
		return err
	}
	if s.File = file.Format(); len(s.File) > MaxServiceFile {
		return fmt.Errorf("platform: the api.json of a service has %d bytes when it is stored; at most %d are allowed", len(s.File), MaxServiceFile)
	}
	if len(s.Previous) > MaxServiceFile {
		return fmt.Errorf("platform: the previous api.json of a service has %d bytes; at most %d are allowed", len(s.Previous), MaxServiceFile)
	}
	if _, err := gateway.Compile(file, s.backend()); err != nil {
		return fmt.Errorf("platform: no call could be sent to the service: %w", err)
	}
	s.Prefix = file.Prefix
	if first, _, _ := strings.Cut(s.Prefix, "/"); first == "platform" || s.Prefix == "notify" {
		return fmt.Errorf("platform: the prefix %q is the platform's own: give the service another one", s.Prefix)
	}
	return nil
}

// putService stores what change returns for a service; old is nil if there is none. When
// change returns nil, the service stays as it is. Once begun it does not stop when ctx
// ends, but after half a minute.
func (r *Registry) putService(ctx context.Context, id string, change func(old *Service) (*Service, error)) (*Service, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	ctx, cancel := finishing(ctx)
	defer cancel()
	for range maxConflicts {
		s, err := r.tryService(ctx, id, change)
		if !errors.Is(err, ErrConflict) {
			return s, err
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
	}
	return nil, errors.New("platform: the store reports a conflict over a service each time")
}

// tryService is putService, which returns [ErrConflict] if the service was changed
// meanwhile.
func (r *Registry) tryService(ctx context.Context, id string, change func(old *Service) (*Service, error)) (*Service, error) {
	d, err := r.draft(ctx, id)
	if err != nil {
		return nil, err
	}
	now, err := change(d.before)
	if err != nil {
		return nil, err
	}
	if now == nil {
		return d.before, nil
	}
	if err := now.check(); err != nil {
		return nil, err
	}
	now.Changed = time.Now().UTC()
	if now.Created.IsZero() {
		now.Created = now.Changed
	}
	if err := r.prepare(ctx, d, now); err != nil {
		return nil, err
	}
	return now, r.publishDraft(ctx, d, now)
}

// A draft is a service that is being changed.
type draft struct {
	old      *storedService // the record; nil if there is none
	revision uint64
	before   *Service // nil if there is no service
}

func (r *Registry) draft(ctx context.Context, id string) (*draft, error) {
	d := &draft{}
	var err error
	d.old, d.revision, err = loadRecord[storedService](ctx, r.store, kindService, id)
	if errors.Is(err, ErrNoRecord) {
		return d, nil
	}
	if err != nil {
		return nil, err
	}
	switch err := r.isThere(ctx, d.old); {
	case errors.Is(err, ErrNoRecord):
		return d, nil
	case err != nil:
		return nil, err
	}
	d.before, err = r.withFiles(ctx, d.old)
	if errors.Is(err, ErrNoRecord) {
		err = ErrConflict
	}
	return d, err
}

// prepare makes the record of a service that is not there, without a file: what a process
// that is killed before the service is there leaves can be found by that. It removes the
// bindings to an earlier service with this ID.
func (r *Registry) prepare(ctx context.Context, d *draft, now *Service) (err error) {
	if d.before != nil {
		return nil
	}
	if err := errors.Join(r.unbindService(ctx, now.ID), r.sweepServices(ctx)); err != nil {
		return err
	}
	empty := &storedService{Service: *now}
	if d.old != nil {
		empty.Generation = d.old.Generation
	}
	d.old = empty
	d.revision, err = storeRecord(ctx, r.store, kindService, now.ID, empty, d.revision, 0)
	return err
}

// leftAfter is when what was not completed is taken to be left by a process that was
// killed. No saving takes as long.
const leftAfter = time.Hour

// sweepServices removes what processes that were killed have left of services.
func (r *Registry) sweepServices(ctx context.Context) error {
	all, err := listRecords[storedService](ctx, r.store, kindService)
	for _, s := range all {
		if time.Since(s.Changed) < leftAfter {
			continue
		}
		if left := r.isThere(ctx, &s); errors.Is(left, ErrNoRecord) {
			err = errors.Join(err, r.removeService(ctx, &s))
		} else {
			err = errors.Join(err, left)
		}
	}
	return err
}

// removeService removes the records of a service that is not there.
func (r *Registry) removeService(ctx context.Context, s *storedService) error {
	left, err := r.unfinished(ctx, s)
	if err != nil {
		return err
	}
	if err := r.deleteFiles(ctx, s.ID, slices.Concat(left, s.Unused, s.files())...); err != nil {
		return err
	}
	return deleteRecord(ctx, r.store, kindService, s.ID)
}

// publishDraft stores the files of a service, takes its prefix, stores the service, and
// removes what it had before.
func (r *Registry) publishDraft(ctx context.Context, d *draft, now *Service) error {
	if err := r.deleteFiles(ctx, now.ID, d.old.Unused...); err != nil { // as a process may have been killed that was to do it
		return err
	}
	next := &storedService{Service: *now, Generation: d.old.Generation}
	written, err := r.writeFiles(ctx, d, next)
	if err != nil {
		return err
	}
	next.Unused = unused(d.old, next)
	if err := r.takePrefix(ctx, next.Exchange(), next.Prefix, next.ID); err != nil {
		return errors.Join(err, r.deleteFiles(ctx, next.ID, written...))
	}
	err = saveRecord(ctx, r.store, kindService, next.ID, next, d.revision, 0)
	if errors.Is(err, ErrConflict) {
		return errors.Join(err, r.deleteFiles(ctx, next.ID, written...))
	}
	if err != nil {
		return err // it may be stored or not
	}
	if err := r.confirmPrefix(ctx, d, next); err != nil {
		return err
	}
	return errors.Join(r.noteChange(ctx, noteService), r.tidy(ctx, d.old, next))
}

// writeFiles stores those files of next that are not stored yet, and returns them.
func (r *Registry) writeFiles(ctx context.Context, d *draft, next *storedService) (written []storedFile, err error) {
	for _, file := range []struct {
		text []byte
		to   *storedFile
	}{{next.Service.File, &next.File}, {next.Service.Previous, &next.Previous}} {
		if *file.to = d.stored(file.text); len(file.text) == 0 || file.to.Generation > 0 {
			continue
		}
		if *file.to, err = r.saveFile(ctx, next.ID, next.Generation, file.text); err != nil {
			return nil, errors.Join(err, r.deleteFiles(ctx, next.ID, written...))
		}
		next.Generation = file.to.Generation
		written = append(written, *file.to)
	}
	return written, nil
}

// stored returns where a text is that the service has already; the zero storedFile if it
// is new.
func (d *draft) stored(text []byte) storedFile {
	switch {
	case d.before == nil:
		return storedFile{}
	case bytes.Equal(text, d.before.File):
		return d.old.File
	case bytes.Equal(text, d.before.Previous):
		return d.old.Previous
	}
	return storedFile{}
}

// takePrefix writes down that a service has a prefix. That a service that is not there
// has it does not count.
func (r *Registry) takePrefix(ctx context.Context, domain, prefix, id string) error {
	return putRecord(ctx, r.store, kindPrefixes, domain, func(old *prefixes) (*prefixes, error) {
		all := prefixes{}
		if old != nil {
			all = *old
		}
		owner := all[prefix]
		if owner == id {
			return nil, nil
		}
		if used, err := r.usesPrefix(ctx, owner, domain, prefix); err != nil {
			return nil, err
		} else if used {
			return nil, fmt.Errorf("%w: %q is of the service %s", ErrPrefixTaken, prefix, owner)
		}
		all[prefix] = id
		return &all, nil
	})
}

func (r *Registry) usesPrefix(ctx context.Context, id, domain, prefix string) (bool, error) {
	if id == "" {
		return false, nil
	}
	s, _, err := loadRecord[storedService](ctx, r.store, kindService, id)
	if errors.Is(err, ErrNoRecord) {
		return false, nil
	}
	return err == nil && s.Exchange() == domain && s.in(prefixes{prefix: id}), err
}

// confirmPrefix undoes the saving of a service whose prefix another one has taken before
// the service was saved.
func (r *Registry) confirmPrefix(ctx context.Context, d *draft, next *storedService) error {
	lost := r.isThere(ctx, next)
	if !errors.Is(lost, ErrNoRecord) {
		return lost
	}
	lost = fmt.Errorf("%w: %q", ErrPrefixTaken, next.Prefix)
	if d.before == nil {
		return errors.Join(lost, r.removeService(ctx, next))
	}
	_, err := updateRecord(ctx, r.store, kindService, next.ID, 0, func(s *storedService) (bool, error) {
		mine := s.Generation == next.Generation && s.Changed.Equal(next.Changed)
		if mine {
			*s = *d.old
			s.Generation = next.Generation
		}
		return mine, nil
	})
	return errors.Join(lost, err)
}

// unused returns the files of old that next does not have, and those of the generations
// between them, which processes that were killed have left.
func unused(old, next *storedService) (files []storedFile) {
	files = old.files()
	for g := old.Generation + 1; g < next.Generation; g++ {
		files = append(files, storedFile{Generation: g, Parts: maxParts})
	}
	return slices.DeleteFunc(files, func(f storedFile) bool {
		return f.Generation == 0 || f.Generation == next.File.Generation || f.Generation == next.Previous.Generation
	})
}

// tidy removes what a service had before it was changed: its prefix, and files.
func (r *Registry) tidy(ctx context.Context, old, next *storedService) error {
	if old.Exchange() != next.Exchange() || old.Prefix != next.Prefix {
		if err := r.leavePrefix(ctx, old.Exchange(), old.Prefix, old.ID); err != nil {
			return err
		}
	}
	return r.deleteFiles(ctx, next.ID, next.Unused...)
}

// leavePrefix makes a prefix free if a service has it.
func (r *Registry) leavePrefix(ctx context.Context, domain, prefix, id string) error {
	return putRecord(ctx, r.store, kindPrefixes, domain, func(old *prefixes) (*prefixes, error) {
		if old == nil || (*old)[prefix] != id {
			return nil, nil
		}
		delete(*old, prefix)
		return old, nil
	})
}

// DeleteService removes a service and all bindings of apps to it. There need not be one.
// Once begun it does not stop when ctx ends, but after half a minute; after an error
// another DeleteService completes it.
func (r *Registry) DeleteService(ctx context.Context, id string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	ctx, cancel := finishing(ctx)
	defer cancel()
	s, _, err := loadRecord[storedService](ctx, r.store, kindService, id)
	if errors.Is(err, ErrNoRecord) {
		return r.unbindService(ctx, id)
	}
	if err != nil {
		return err
	}
	if err := r.leavePrefix(ctx, s.Exchange(), s.Prefix, id); err != nil { // from here on it is absent
		return err
	}
	if err := errors.Join(r.noteChange(ctx, noteService), r.unbindService(ctx, id)); err != nil {
		return err
	}
	return r.removeService(ctx, s)
}

// leaveServices makes the services that an app has imported those of the operator, so
// that no later app with its ID has them.
func (r *Registry) leaveServices(ctx context.Context, app string) error {
	all, err := r.storedServices(ctx)
	for _, s := range all {
		if s.App != app {
			continue
		}
		_, left := r.UpdateService(ctx, s.ID, func(s *Service) error {
			if s.App == app {
				s.App = ""
			}
			return nil
		})
		if !errors.Is(left, ErrUnknownService) {
			err = errors.Join(err, left)
		}
	}
	return err
}
