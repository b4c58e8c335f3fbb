package platform

import (
	"cmp"
	"context"
	"errors"
	"time"

	"github.com/shopex/prism-go/apijson"
)

// A Service is a group of APIs of one backend, which calls of its domain reach through the
// gateway: an api.json and what the operator has set for it.
type Service struct {
	ID      string // 1 to 64 letters, digits, - and _
	Domain  string // whose apps may be bound to it; empty is "default"
	Prefix  string // that of File; saving the service sets it
	App     string // the ID of the app whose key imported it; empty if the operator did
	Source  string // the URL of the api.json; empty if it was given as text
	File    []byte // the api.json, as [apijson.Service.Format] writes it
	Online  bool   // a service that is off line gets no calls
	Trusted bool   // its backend may be in a private network or on this machine

	Backend, Sandbox string // replace the addresses of File; none if empty

	Config map[string]string            // values of config values that were set
	Nodes  map[string]map[string]string // by node_id: what replaces values of Config, and "@url" the address

	Previous []byte // the File before the last one; empty if there was none
	Created  time.Time
	Changed  time.Time
}

// An APIBinding lets the keys of an app call APIs of a service.
type APIBinding struct {
	Service string        // its ID
	Path    string        // "*" for all of its APIs, else a method ID or the path of an API
	Limit   apijson.Limit // the zero one leaves those of the api.json
}

var (
	// ErrUnknownService is returned for the ID of a service that the platform does not have.
	ErrUnknownService = errors.New("platform: unknown service")
	// ErrPrefixTaken is matched by the error for a prefix that another service of the
	// domain has.
	ErrPrefixTaken = errors.New("platform: another service of the domain has this prefix")
)

// MaxServiceFile is how many bytes the api.json of a service may have.
const MaxServiceFile = 4 << 20

// Exchange returns the domain of the service, under the name that [App.Exchange] gives it.
func (s *Service) Exchange() string { return cmp.Or(s.Domain, defaultDomain) }

// The notes of what has changed.
const (
	kindNote    = "note"
	noteService = "service"
)

// A changeNote is a record whose revision grows whenever something changes of which
// platforms keep a copy. So they see by one record whether they have to look.
type changeNote struct {
	Changes uint64
}

func (r *Registry) noteChange(ctx context.Context, name string) error {
	ctx, cancel := finishing(ctx)
	defer cancel()
	if name == noteService && r.servicesChanged != nil {
		defer r.servicesChanged()
	}
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
