package platform

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/shopex/prism-go/apijson"
)

// A Service is a group of APIs of one backend, which calls of its domain reach through the
// gateway: an api.json and what the operator has set for it.
type Service struct {
	ID      string // 1 to 64 letters, digits, - and _
	Domain  string // whose apps may be bound to it; empty is "default"
	App     string // the ID of the app whose key imported it; empty if the operator did
	Source  string // the URL of the api.json; empty if it was given as text
	File    []byte // the api.json, as [apijson.Service.Format] writes it
	Online  bool   // a service that is off line gets no calls
	Trusted bool   // its backend may be in a private network or on this machine

	Backend, Sandbox string // replace the addresses of File; none if empty

	Config map[string]string            // values of config values that were set
	Nodes  map[string]map[string]string // by node_id: what replaces values of Config, and "@url" the address

	Previous []byte `json:",omitzero"` // the File before the last refresh
	Created  time.Time
	Changed  time.Time
}

// An APIBinding lets the keys of an app call APIs of a service.
type APIBinding struct {
	Service string        // its ID
	Path    string        // "*" for all of its APIs, else a method ID or the path of an API
	Limit   apijson.Limit // the zero one leaves those of the api.json
}

// ErrUnknownService is returned for the ID of a service that the platform does not have.
var ErrUnknownService = errors.New("platform: unknown service")

const (
	kindService = "service"
	kindNote    = "note"
	noteService = "service"
)

// Service returns the service with this ID, or [ErrUnknownService].
func (r *Registry) Service(ctx context.Context, id string) (Service, error) {
	s, _, err := loadRecord[Service](ctx, r.store, kindService, id)
	if errors.Is(err, ErrNoRecord) {
		return Service{}, ErrUnknownService
	}
	if err != nil {
		return Service{}, err
	}
	return *s, nil
}

// Services returns all services, sorted by ID.
func (r *Registry) Services(ctx context.Context) ([]Service, error) {
	all, err := listRecords[Service](ctx, r.store, kindService)
	slices.SortFunc(all, func(a, b Service) int { return strings.Compare(a.ID, b.ID) })
	return all, err
}

// A changeNote is a record whose revision grows whenever something changes of which
// platforms keep a copy. So they see by one record whether they have to look.
type changeNote struct {
	Changes uint64
}

func (r *Registry) noteChange(ctx context.Context, name string) error {
	ctx, cancel := finishing(ctx)
	defer cancel()
	return putRecord(ctx, r.store, kindNote, name, func(old *changeNote) (*changeNote, error) {
		if old == nil {
			old = new(changeNote)
		}
		return &changeNote{old.Changes + 1}, nil
	})
}

// changeRevision returns the revision of a note, 0 if there is none.
func (r *Registry) changeRevision(ctx context.Context, name string) (uint64, error) {
	_, revision, err := loadRecord[changeNote](ctx, r.store, kindNote, name)
	if errors.Is(err, ErrNoRecord) {
		return 0, nil
	}
	return revision, err
}

// SaveService stores a service, in place of the one that had the same ID. It returns an
// error if the api.json cannot be read, or if another service of the domain has its prefix.
// It counts at once at platforms of the same process that are told of it, and elsewhere
// within a second.
func (r *Registry) SaveService(ctx context.Context, s Service) error { return errors.ErrUnsupported }

// UpdateService changes the service with this ID and returns the new one. It returns
// [ErrUnknownService] if there is none. change may be called several times.
func (r *Registry) UpdateService(ctx context.Context, id string, change func(*Service) error) (Service, error) {
	return Service{}, errors.ErrUnsupported
}

// DeleteService removes a service and all bindings of apps to it.
func (r *Registry) DeleteService(ctx context.Context, id string) error { return errors.ErrUnsupported }

// BindAPI lets the keys of an app call APIs, in place of the binding with the same Service
// and Path. It returns [ErrUnknownApp] or [ErrUnknownService].
func (r *Registry) BindAPI(ctx context.Context, app string, b APIBinding) error {
	return errors.ErrUnsupported
}

// UnbindAPI takes a binding away. There need not be one.
func (r *Registry) UnbindAPI(ctx context.Context, app, service, path string) error {
	return errors.ErrUnsupported
}
