package platform

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/shopex/prism-go/apijson"
	"github.com/shopex/prism-go/internal/code"
	"github.com/shopex/prism-go/internal/gateway"
	"github.com/shopex/prism-go/internal/guard"
)

// The calls about services, which are called APIs by published tools: admin keys make them
// for their domain, and members who provide for the services that they have imported.

// The bounds of the services of a domain. Every process keeps what its calls need of them,
// which takes about as much memory as the files, and the store keeps the files, with
// those before the last refresh.
const (
	maxServices  = 1000
	serviceBytes = 64 << 20
)

// An importDoc is the answer of an import or a refresh. Its first members are those that
// published tools read.
type importDoc struct {
	APIs    []serviceDoc `json:"apis"`
	Found   int          `json:"found"`
	ID      string       `json:"id"` // of the first
	Message string       `json:"message"`
	Changes []changeDoc  `json:"changes"`
	Routes  []apiDoc     `json:"routes,omitempty"` // of a dry run: where the calls of each API would go
}

// mostRoutes bounds how many APIs a dry run shows.
const mostRoutes = 1000

// A changeDoc is a difference between two versions of an api.json.
type changeDoc struct {
	Service  string `json:"service"` // its prefix
	API      string `json:"api"`     // the method ID; empty if it is about the service
	Breaking bool   `json:"breaking"`
	Text     string `json:"text"`
}

// An importing is an import or a refresh on its way.
type importing struct {
	p       *Platform
	c       *call
	app     string // of the services that are new
	adds    bool   // services that are not there are added
	force   bool
	dry     bool // nothing is changed
	message strings.Builder
	doc     importDoc
}

func (p *Platform) newImporting(c *call) (*importing, error) {
	im := &importing{p: p, c: c, doc: importDoc{APIs: []serviceDoc{}, Changes: []changeDoc{}}}
	var err error
	if im.force, err = flag(c.params(), "force"); err != nil {
		return nil, err
	}
	im.dry, err = flag(c.params(), "dry_run")
	return im, err
}

// serviceImport imports the api.json at an address or in the call, or those of a list.
// A file in the call refreshes the service that has its prefix. Nothing is imported if one
// of them has a fault, or a prefix is taken.
func (p *Platform) serviceImport(ctx context.Context, c *call) (any, error) {
	im, err := p.newImporting(c)
	if err != nil {
		return nil, err
	}
	if im.app, err = p.importsFor(ctx, c); err != nil {
		return nil, err
	}
	im.adds = true
	sources, err := im.read(ctx)
	if err != nil {
		return nil, err
	}
	return im.put(ctx, sources)
}

// importsFor returns the ID of the app to which a new service belongs: that of a member.
// An admin key may name one.
func (p *Platform) importsFor(ctx context.Context, c *call) (string, error) {
	id, err := optional(c.params(), "app_id", idBytes)
	if err != nil {
		return "", err
	}
	if id != "" && id != c.app.ID {
		app, err := p.namedApp(ctx, c)
		if err != nil {
			return "", err
		}
		if c.key.Admin && app.Email != "" {
			return app.ID, nil
		}
	}
	if c.key.Admin {
		return "", nil
	}
	return c.app.ID, nil
}

// serviceRefresh reads the api.json of a service, or those of a list, anew.
func (p *Platform) serviceRefresh(ctx context.Context, c *call) (any, error) {
	im, err := p.newImporting(c)
	if err != nil {
		return nil, err
	}
	if !c.params().Has("Id") {
		if im.app, err = p.importsFor(ctx, c); err != nil {
			return nil, err
		}
		sources, err := im.read(ctx)
		if err != nil {
			return nil, err
		}
		im.adds = len(sources) > 1 // a list may have grown
		return im.put(ctx, sources)
	}
	s, err := p.namedService(ctx, c, "Id")
	if err != nil {
		return nil, err
	}
	again, err := im.readAgain(ctx, s)
	if err != nil {
		return nil, err
	}
	return im.put(ctx, []apiFile{*again})
}

// put stores what was read.
func (im *importing) put(ctx context.Context, sources []apiFile) (any, error) {
	if err := im.plan(ctx, sources); err != nil {
		return nil, err
	}
	if !im.dry {
		im.doc.APIs = im.doc.APIs[:0]
		for i := range sources {
			s, err := im.store(ctx, &sources[i])
			if err != nil {
				return nil, serviceFailure(err)
			}
			im.doc.APIs = append(im.doc.APIs, newServiceDoc(s))
		}
	}
	im.doc.Found, im.doc.Message = len(im.doc.APIs), im.message.String()
	if len(im.doc.APIs) > 0 {
		im.doc.ID = im.doc.APIs[0].ID
	}
	return im.doc, nil
}

// plan finds out which services are there already, and what of the sources cannot be
// stored: nothing is stored then.
func (im *importing) plan(ctx context.Context, sources []apiFile) error {
	stored, err := im.p.registry.storedServices(ctx)
	if err != nil {
		return err
	}
	there := newServiceIDs(im.c, stored)
	before := there.allBytes()
	for i := range sources {
		if err := im.planOne(ctx, &sources[i], there); err != nil {
			return err
		}
	}
	if after := there.allBytes(); len(there.byPrefix) > maxServices || after > max(before, im.p.registry.serviceBytes) {
		return &failure{
			status: http.StatusForbidden, code: code.TooManyServices,
			message: fmt.Sprintf("this domain may have %d services, whose api.json files, with those before the last refresh, may have %d bytes together; delete one with platform/service/delete",
				maxServices, im.p.registry.serviceBytes),
		}
	}
	if !im.force && !im.dry && slices.ContainsFunc(im.doc.Changes, func(c changeDoc) bool { return c.Breaking }) {
		return im.breaking()
	}
	return nil
}

// serviceIDs are the IDs of the services of a domain, and how large they are.
type serviceIDs struct {
	byPrefix  map[string]string
	ownSource map[string]string // of those that the caller provides, by the address of the file
	ownPrefix map[string]string
	bytes     map[string]int // of the files, by ID
}

func (there *serviceIDs) allBytes() (sum int) {
	for _, n := range there.bytes {
		sum += n
	}
	return sum
}

func newServiceIDs(c *call, stored []storedService) *serviceIDs {
	there := &serviceIDs{map[string]string{}, map[string]string{}, map[string]string{}, map[string]int{}}
	for _, s := range stored {
		if s.Exchange() != c.app.Exchange() {
			continue
		}
		there.byPrefix[s.Prefix] = s.ID
		there.bytes[s.ID] = s.File.Bytes + s.Previous.Bytes
		if !c.provides(&s.Service) {
			continue
		}
		there.ownPrefix[s.Prefix] = s.ID
		if s.Source != "" {
			there.ownSource[s.Source] = s.ID
		}
	}
	return there
}

// of returns the ID of the service that a file describes anew, or an empty one: that of
// the same address, or of the same prefix if the file was given as text.
func (there *serviceIDs) of(s *apiFile) string {
	if s.url != "" {
		return there.ownSource[s.url]
	}
	return there.ownPrefix[s.file.Prefix]
}

func (im *importing) planOne(ctx context.Context, s *apiFile, there *serviceIDs) error {
	if s.id == "" {
		s.id = there.of(s)
	}
	switch {
	case s.id != "" || im.adds:
	case s.url == "":
		return serviceFailure(ErrUnknownService)
	default:
		return unknownSource()
	}
	made := Service{ID: s.id, Domain: im.c.app.Exchange(), App: im.app, Source: s.url, File: s.text, Trusted: im.c.isOperator()}
	if made.ID == "" {
		made.ID = randomText(keyIDLength)
	}
	if err := made.check(); err != nil { // of an update, too, as the check is of the file
		return serviceFailure(err)
	}
	s.text = made.File // as it is stored, so that an unchanged one replaces nothing
	if other := there.byPrefix[made.Prefix]; other != "" && other != made.ID {
		return prefixTaken(made.Prefix)
	}
	there.byPrefix[made.Prefix] = made.ID
	if s.id == "" {
		s.made = &made
		there.bytes[made.ID] = len(s.text)
		im.preview(&made, s.file)
		im.doc.APIs = append(im.doc.APIs, newServiceDoc(&made))
		return nil
	}
	now, err := im.p.registry.Service(ctx, s.id)
	if err != nil {
		return serviceFailure(err)
	}
	if err := im.compare(&now, s); err != nil {
		return err
	}
	im.preview(&now, s.file)
	if !bytes.Equal(s.text, now.File) {
		there.bytes[now.ID] = len(s.text) + len(now.File)
	}
	im.doc.APIs = append(im.doc.APIs, newServiceDoc(&now))
	return nil
}

// compare notes what a source would change of a service.
func (im *importing) compare(now *Service, s *apiFile) error {
	before, err := apijson.Parse(now.File)
	if err != nil {
		return err
	}
	for _, change := range apijson.Diff(before, s.file) {
		im.doc.Changes = append(im.doc.Changes, changeDoc{now.Prefix, change.API, change.Breaking, change.Text})
	}
	return nil
}

func (im *importing) breaking() *failure {
	count := 0
	for _, change := range im.doc.Changes {
		if change.Breaking {
			count++
		}
	}
	return &failure{
		status: http.StatusConflict, code: code.BreakingChange,
		message: fmt.Sprintf("%d changes would break callers, and nothing was changed; error.data lists them, and force=1 makes them anyway", count),
		data:    map[string]any{"changes": im.doc.Changes},
	}
}

// store adds the service of a source, or changes the one that is there.
func (im *importing) store(ctx context.Context, s *apiFile) (*Service, error) {
	if s.made != nil {
		if err := im.p.registry.SaveService(ctx, *s.made); err != nil {
			return nil, err
		}
		made, err := im.p.registry.Service(ctx, s.made.ID)
		im.tell(&made, s.file, "added")
		return &made, err
	}
	now, err := im.p.updateService(ctx, im.c, s.id, func(now *Service) error {
		if s.url != "" {
			now.Source = s.url
		}
		now.File = s.text
		return nil
	})
	if err == nil {
		im.tell(&now, s.file, "refreshed")
	}
	return &now, err
}

// tell says to people what became of a file, and why no call would reach its backend.
func (im *importing) tell(s *Service, file *apijson.Service, did string) {
	fmt.Fprintf(&im.message, "  Api: [%s](%d) %s.\n", file.Prefix, len(file.APIs), did)
	im.compile(s, file)
}

// preview notes of a dry run where the gateway would send the calls of a file.
func (im *importing) preview(s *Service, file *apijson.Service) {
	if !im.dry {
		return
	}
	compiled := im.compile(s, file)
	if compiled == nil {
		return
	}
	if s.Created.IsZero() { // it has no ID yet
		compiled.ID = ""
	}
	if len(file.APIs) == 0 {
		im.doc.Routes = append(im.doc.Routes, im.p.newAPIDoc(compiled, nil, true))
	}
	for i := range file.APIs {
		if len(im.doc.Routes) == mostRoutes {
			return
		}
		im.doc.Routes = append(im.doc.Routes, im.p.newAPIDoc(compiled, &file.APIs[i], true))
	}
}

// compile returns a service with another file as the gateway would have it; it says to
// people why no call would reach its backend.
func (im *importing) compile(s *Service, file *apijson.Service) *gateway.Service {
	compiled, err := gateway.Compile(file, s.backend())
	if err == nil {
		var u *url.URL
		if u, err = guard.ParseAddress(cmp.Or(s.Backend, file.URL)); err == nil {
			err = im.p.networks(s.Trusted).CheckHost(u)
		}
	}
	if err != nil {
		fmt.Fprintf(&im.message, "  No call reaches its backend: %v.\n", err)
	}
	return compiled
}

func (p *Platform) serviceRestore(ctx context.Context, c *call) (any, error) {
	s, err := p.changeService(ctx, c, "Id", func(s *Service) error {
		if !s.restore() {
			return badRequest(code.InvalidParameter, "this service has no api.json of before: it was not refreshed yet")
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return newServiceDoc(s), nil
}

// serviceList reads one file at a time: together they may be large.
func (p *Platform) serviceList(ctx context.Context, c *call) (any, error) {
	docs := []serviceDoc{}
	err := p.registry.eachService(ctx, c.provides, func(s Service) { docs = append(docs, newServiceDoc(&s)) })
	if err != nil {
		return nil, err
	}
	slices.SortFunc(docs, func(a, b serviceDoc) int { return strings.Compare(a.Path, b.Path) })
	return docs, nil
}

func (p *Platform) serviceInfo(ctx context.Context, c *call) (any, error) {
	s, err := p.namedService(ctx, c, "Id")
	if err != nil {
		return nil, err
	}
	file, err := p.parsed(ctx, s)
	if err != nil {
		return newServiceDoc(s), nil
	}
	return serviceDocOf(s, file), nil
}

func (p *Platform) serviceFile(ctx context.Context, c *call) (any, error) {
	s, err := p.namedService(ctx, c, "Id")
	if err != nil {
		return nil, err
	}
	return string(s.File), nil
}

func (p *Platform) serviceDelete(ctx context.Context, c *call) (any, error) {
	s, err := p.namedService(ctx, c, "Id")
	if err != nil {
		return nil, err
	}
	return true, p.registry.DeleteService(ctx, s.ID)
}

// namedService returns the service that a parameter names by its ID or its prefix. For a
// service that the caller does not provide the error is the same as if there were none.
func (p *Platform) namedService(ctx context.Context, c *call, param string) (*Service, error) {
	name, err := required(c.params(), param, prefixBytes)
	if err != nil {
		return nil, err
	}
	s, err := p.registry.Service(ctx, name)
	if errors.Is(err, ErrUnknownService) || err == nil && !c.provides(&s) {
		s, err = p.registry.ServiceOf(ctx, c.app.Exchange(), strings.Trim(name, "/"))
	}
	if err == nil && !c.provides(&s) {
		err = ErrUnknownService
	}
	if err != nil {
		return nil, serviceFailure(err)
	}
	return &s, nil
}

const prefixBytes = 256

// changeService changes the service that a parameter names.
func (p *Platform) changeService(ctx context.Context, c *call, param string, change func(*Service) error) (*Service, error) {
	s, err := p.namedService(ctx, c, param)
	if err != nil {
		return nil, err
	}
	now, err := p.updateService(ctx, c, s.ID, change)
	if err != nil {
		return nil, serviceFailure(err)
	}
	return &now, nil
}

// updateService changes a service. The addresses of a service that may be in private
// networks are changed only by who may let it be there.
func (p *Platform) updateService(ctx context.Context, c *call, id string, change func(*Service) error) (Service, error) {
	return p.registry.UpdateService(ctx, id, func(s *Service) error {
		if !c.provides(s) { // it was deleted, and made again by somebody else
			return ErrUnknownService
		}
		if !s.Trusted || c.isOperator() {
			return change(s)
		}
		before, err := addressesOf(s)
		if err != nil {
			return err
		}
		if err := change(s); err != nil {
			return err
		}
		after, err := addressesOf(s)
		if err != nil {
			return err
		}
		if !slices.Equal(before, after) {
			return adminOnly("the addresses of this service may be in private networks, as the operator or an admin key of the domain default has imported it: only such a key may change them")
		}
		return nil
	})
}

// provides reports whether the caller manages a service: an admin key those of its
// domain, and a member those that it has imported.
func (c *call) provides(s *Service) bool {
	return s.Exchange() == c.app.Exchange() && (c.key.Admin || s.App == c.app.ID)
}

// serviceFailure makes errors of the registry answers.
func serviceFailure(err error) error {
	var faults apijson.Faults
	switch {
	case errors.Is(err, ErrUnknownService):
		return &failure{status: http.StatusNotFound, code: code.UnknownService, message: "this domain has no service with this ID or prefix that the key manages; platform/service/list names those that it manages"}
	case errors.Is(err, ErrPrefixTaken):
		return &failure{status: http.StatusConflict, code: code.PrefixTaken, message: "another service of the domain has this prefix; refresh that one, or give this one another prefix"}
	case errors.As(err, &faults):
		return faultyFile("", faults)
	}
	return err
}

func prefixTaken(prefix string) *failure {
	return &failure{
		status: http.StatusConflict, code: code.PrefixTaken,
		message: fmt.Sprintf("another service of the domain has the prefix %q; refresh that one, or give this one another prefix", shorten(prefix, 64)),
	}
}

func unknownSource() *failure {
	return &failure{
		status: http.StatusNotFound, code: code.UnknownService,
		message: "this key manages no service that was imported from this address; platform/service/list names those that it manages, and platform/service/import imports",
	}
}
