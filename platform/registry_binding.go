package platform

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// mostBindings bounds the bindings of an app to APIs, which are part of its record.
const mostBindings = 2000

func checkBindings(all []APIBinding) error {
	if len(all) > mostBindings {
		return fmt.Errorf("platform: an app has at most %d bindings to APIs; bind * instead of single ones", mostBindings)
	}
	for _, b := range all {
		if err := b.check(); err != nil {
			return err
		}
	}
	return nil
}

// check returns an error if a binding may not be stored.
func (b *APIBinding) check() error {
	switch {
	case b.Path == "":
		return errors.New(`platform: a binding needs a Path: "*", a method ID, or the path of an API`)
	case len(b.Path) > pathBytes:
		return fmt.Errorf("platform: the path of a binding has at most %d bytes", pathBytes)
	case b.Limit.Count < 0 || b.Limit.Per < 0 || (b.Limit.Count == 0) != (b.Limit.Per == 0):
		return errors.New("platform: a limit needs a count and a time, both positive")
	case b.Limit.Per%time.Second != 0 || b.Limit.Per > maxLife:
		return errors.New("platform: the time of a limit must be whole seconds")
	}
	return nil
}

const pathBytes = 256

// BindAPI lets the keys of an app call APIs of a service of its domain, in place of the
// binding with the same Service and Path. It counts for the next call. The error is
// [ErrUnknownApp], [ErrUnknownService], also for a service of another domain, or says what
// is wrong with the binding. An app has at most 2,000 bindings.
func (r *Registry) BindAPI(ctx context.Context, app string, b APIBinding) error {
	if err := b.check(); err != nil {
		return err
	}
	if err := r.mayBind(ctx, app, b.Service); err != nil {
		return err
	}
	ctx, cancel := finishing(ctx)
	defer cancel()
	_, err := r.UpdateApp(ctx, app, func(a *App) error {
		i := slices.IndexFunc(a.APIs, b.same)
		if i >= 0 {
			a.APIs[i] = b
		} else {
			a.APIs = append(a.APIs, b)
		}
		return checkBindings(a.APIs)
	})
	if err != nil {
		return err
	}
	err = r.mayBind(ctx, app, b.Service) // it may have been deleted meanwhile
	if errors.Is(err, ErrUnknownService) {
		return errors.Join(err, r.UnbindAPI(ctx, app, b.Service, b.Path))
	}
	return err
}

func (r *Registry) mayBind(ctx context.Context, app, service string) error {
	a, err := r.App(ctx, app)
	if err != nil {
		return err
	}
	s, _, err := loadRecord[storedService](ctx, r.store, kindService, service)
	if err != nil {
		return instead(err, ErrUnknownService)
	}
	if s.Exchange() != a.Exchange() {
		return ErrUnknownService
	}
	if err := r.isThere(ctx, s); err != nil {
		return instead(err, ErrUnknownService)
	}
	return nil
}

// same reports whether two bindings are for the same.
func (b APIBinding) same(other APIBinding) bool {
	return b.Service == other.Service && b.Path == other.Path
}

// UnbindAPI takes a binding away, so that the next call is refused. There need not be
// one. It returns [ErrUnknownApp] if there is no such app.
func (r *Registry) UnbindAPI(ctx context.Context, app, service, path string) error {
	_, err := r.unbind(ctx, app, APIBinding{Service: service, Path: path}.same)
	return err
}

// unbind takes bindings away in one change, and returns them.
func (r *Registry) unbind(ctx context.Context, app string, which func(APIBinding) bool) (taken []APIBinding, err error) {
	_, err = r.UpdateApp(ctx, app, func(a *App) error {
		taken = nil // the change is made again if another one came between
		a.APIs = slices.DeleteFunc(a.APIs, func(b APIBinding) bool {
			if !which(b) {
				return false
			}
			taken = append(taken, b)
			return true
		})
		return nil
	})
	return taken, err
}

// unbindService takes all bindings to a service away.
func (r *Registry) unbindService(ctx context.Context, id string) error {
	ofService := func(b APIBinding) bool { return b.Service == id }
	apps, err := r.Apps(ctx)
	for _, app := range apps {
		if !slices.ContainsFunc(app.APIs, ofService) {
			continue
		}
		if _, left := r.unbind(ctx, app.ID, ofService); !errors.Is(left, ErrUnknownApp) {
			err = errors.Join(err, left)
		}
	}
	return err
}
