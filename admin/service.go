package admin

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/shopex/prism-go"
)

// A Service is a group of APIs of one backend, as its api.json describes it.
type Service struct {
	ID      string
	Prefix  string // the beginning of the paths of its APIs, below the base path of the platform
	Summary string
	Domain  string // whose apps may be bound to it
	Member  string // the ID of the member whose key imported it; empty if none did
	Source  string // where its api.json was fetched; empty if it was given as text
	Mode    string // path or param
	APIs    int    // how many it has

	// Backend and Sandbox are the addresses that calls go to; Sandbox may be empty.
	Backend, Sandbox string

	Online   bool // a service that is off line gets no calls
	Trusted  bool // its addresses may be in private networks and on the platform's machine
	Previous bool // RestoreService has an api.json to put back

	Config []ConfigValue
	Nodes  []string // the IDs of its nodes, sorted

	Created, Changed time.Time // to the millisecond
}

// A ConfigValue is a value of a service that is used in calls to its backend, such as the
// secret of the signature.
type ConfigValue struct {
	Name, Description string
	Secret            bool   // Value is not shown
	Set               bool   // it was set, or else has the default of the api.json
	Value             string // empty if Secret
}

// A Refresh says how to read the api.json of a service anew. The zero Refresh fetches it
// from the Source of the service, and replaces the one that the platform has unless a
// change would break callers.
type Refresh struct {
	File   []byte // the new api.json; nil fetches it
	Force  bool   // also with a change that breaks callers
	DryRun bool   // says what would change, and changes nothing
}

// A Refreshed is what a Refresh has done, or with DryRun would do.
type Refreshed struct {
	Service *Service
	Changes []Change // none if the file is as it was
}

// An Import says what to import: URL or File.
type Import struct {
	URL   string // of an api.json or an api.txt, which the platform fetches
	File  []byte // the text of an api.json
	Force bool   // also with a change that breaks callers
}

// An Imported is what an Import has done.
type Imported struct {
	Services []*Service
	Changes  []Change // of those that were there already
}

// Import imports the service that an api.json describes, or those of an api.txt, which is a
// list of such files. A service is off line until SetOnline. One that was imported from the
// same address before is refreshed, and one that has the prefix of File.
//
// If the address cannot be read the error matches [ErrFetchFailed]. It is a [*FaultyFile]
// if a file is not valid, and a [*BreakingChange] if one that was imported before would
// break callers; nothing is imported then. It matches [ErrPrefixTaken] if another service
// of the domain has the prefix.
func (c *Client) Import(ctx context.Context, from Import) (*Imported, error) {
	params := prism.Params{"url": from.URL}
	if from.File != nil {
		params = prism.Params{"file": string(from.File)}
	}
	if from.Force {
		params["force"] = 1
	}
	var doc importDoc
	if err := c.post(ctx, "platform/service/import", params, &doc); err != nil {
		return nil, err
	}
	return &Imported{doc.services(), doc.Changes}, nil
}

// ImportService is Import from an address.
func (c *Client) ImportService(ctx context.Context, address string) ([]*Service, error) {
	done, err := c.Import(ctx, Import{URL: address})
	if err != nil {
		return nil, err
	}
	return done.Services, nil
}

// ImportFile is Import of the text of an api.json.
func (c *Client) ImportFile(ctx context.Context, text []byte) (*Service, error) {
	done, err := c.Import(ctx, Import{File: text})
	if err != nil {
		return nil, err
	}
	return done.Services[0], nil
}

// RefreshService reads the api.json of a service anew. As everywhere in this package, id
// is the ID of the service or its prefix. With a change that would break callers the error
// is a [*BreakingChange], unless how says Force or DryRun. The earlier file is kept:
// RestoreService puts it back.
func (c *Client) RefreshService(ctx context.Context, id string, how Refresh) (*Refreshed, error) {
	params := prism.Params{"Id": id}
	if how.File != nil {
		params["file"] = string(how.File)
	}
	if how.Force {
		params["force"] = 1
	}
	if how.DryRun {
		params["dry_run"] = 1
	}
	var doc importDoc
	if err := c.post(ctx, "platform/service/refresh", params, &doc); err != nil {
		return nil, err
	}
	return &Refreshed{doc.services()[0], doc.Changes}, nil
}

// RestoreService puts the api.json back that the last refresh has replaced, and keeps the
// one that it replaces: a second RestoreService undoes the first.
func (c *Client) RestoreService(ctx context.Context, id string) (*Service, error) {
	return c.service(ctx, "platform/service/restore", prism.Params{"Id": id})
}

// Services returns the services of the domain, or those of the member whose key the client
// has, sorted by prefix.
func (c *Client) Services(ctx context.Context) ([]*Service, error) {
	var docs []serviceDoc
	if err := c.get(ctx, "platform/service/list", nil, &docs); err != nil {
		return nil, err
	}
	return servicesOf(docs), nil
}

// Service returns the service with this ID or prefix.
func (c *Client) Service(ctx context.Context, id string) (*Service, error) {
	var doc serviceDoc
	if err := c.get(ctx, "platform/service/info", prism.Params{"Id": id}, &doc); err != nil {
		return nil, err
	}
	return doc.service(), nil
}

// ServiceFile returns the api.json of a service, in the platform's spelling.
func (c *Client) ServiceFile(ctx context.Context, id string) ([]byte, error) {
	var text string
	err := c.get(ctx, "platform/service/file", prism.Params{"Id": id}, &text)
	return []byte(text), err
}

// DeleteService removes a service, and the bindings of apps to it.
func (c *Client) DeleteService(ctx context.Context, id string) error {
	return c.post(ctx, "platform/service/delete", prism.Params{"Id": id}, nil)
}

// SetOnline brings a service on line or off line. Who calls an API of a service that is off
// line, and is bound to it, gets 503 api_offline.
func (c *Client) SetOnline(ctx context.Context, id string, online bool) error {
	call := "platform/manageapi/offline"
	if online {
		call = "platform/manageapi/online"
	}
	return c.put(ctx, call, prism.Params{"Id": id})
}

// SetBackend makes calls go to another backend than the api.json says, and those of the
// sandbox to another one; an empty address is that of the api.json.
func (c *Client) SetBackend(ctx context.Context, id, backend, sandbox string) error {
	return c.put(ctx, "platform/manageapi/backend", prism.Params{"Id": id, "backend": backend, "sandbox": sandbox})
}

// MoveSource makes the services that were imported from the address origin refresh from
// address. It fetches nothing. The error matches [prism.ErrNotFound] if there is none.
func (c *Client) MoveSource(ctx context.Context, origin, address string) error {
	return c.put(ctx, "platform/manageapi/modify/remoteurl", prism.Params{"origin": origin, "url": address})
}

// SetConfig sets a config value of a service. Those that the api.json calls secret, and
// those that sign, are shown to nobody after that.
func (c *Client) SetConfig(ctx context.Context, id, name, value string) error {
	return c.put(ctx, "platform/service/config/set", prism.Params{"Id": id, "key": name, "value": value})
}

// SetNode makes or replaces a node of a service: calls with the parameter node_id go out
// with these values in place of the config values, and to the address that the value
// "@url" has, if there is one.
func (c *Client) SetNode(ctx context.Context, id, node string, values map[string]string) error {
	data := []byte("{}")
	if len(values) > 0 {
		var err error
		if data, err = json.Marshal(values); err != nil {
			return err
		}
	}
	return c.put(ctx, "platform/manageapi/node/add", prism.Params{"api": id, "node_id": node, "data": string(data)})
}

// RemoveNode removes a node of a service. There need not be one.
func (c *Client) RemoveNode(ctx context.Context, id, node string) error {
	return c.put(ctx, "platform/manageapi/node/remove", prism.Params{"api": id, "node_id": node})
}

func (c *Client) service(ctx context.Context, path string, params prism.Params) (*Service, error) {
	var doc serviceDoc
	if err := c.post(ctx, path, params, &doc); err != nil {
		return nil, err
	}
	return doc.service(), nil
}

// An importDoc is the answer of an import or a refresh.
type importDoc struct {
	APIs    []serviceDoc `json:"apis"`
	Changes []Change     `json:"changes"`
}

// UnmarshalJSON refuses an answer without a service.
func (d *importDoc) UnmarshalJSON(text []byte) error {
	type plain importDoc
	if err := json.Unmarshal(text, (*plain)(d)); err != nil {
		return err
	}
	if len(d.APIs) == 0 {
		return errors.New("an answer with services in the member apis was expected")
	}
	return nil
}

func (d *importDoc) services() []*Service { return servicesOf(d.APIs) }

func servicesOf(docs []serviceDoc) []*Service {
	services := make([]*Service, len(docs))
	for i := range docs {
		services[i] = docs[i].service()
	}
	return services
}

// A serviceDoc is a service in the members of the platform's answer.
type serviceDoc struct {
	ID         string `json:"Id"`
	Path       string
	Summary    string
	DomainID   string `json:"DomainId"`
	MemberID   string `json:"MemberId"`
	URL        string `json:"Url"`
	Mode       string
	APINum     int    `json:"ApiNum"`
	BackendURL string `json:"BackendUrl"`
	SandboxURL string `json:"SandboxUrl"`

	Online, Trusted, Previous bool

	Config  []ConfigValue
	NodeIDs []string `json:"NodeIds"`

	CreateTime, ChangeTime time.Time
}

// UnmarshalJSON refuses what is no service.
func (d *serviceDoc) UnmarshalJSON(text []byte) error {
	type plain serviceDoc
	if err := json.Unmarshal(text, (*plain)(d)); err != nil {
		return err
	}
	if d.ID == "" {
		return errors.New("a service with the member Id was expected")
	}
	return nil
}

func (d *serviceDoc) service() *Service {
	return &Service{
		ID: d.ID, Prefix: d.Path, Summary: d.Summary, Domain: d.DomainID, Member: d.MemberID,
		Source: d.URL, Mode: d.Mode, APIs: d.APINum, Backend: d.BackendURL, Sandbox: d.SandboxURL,
		Online: d.Online, Trusted: d.Trusted, Previous: d.Previous,
		Config: d.Config, Nodes: d.NodeIDs, Created: d.CreateTime, Changed: d.ChangeTime,
	}
}
