package platform

import (
	"cmp"
	"maps"
	"net/url"
	"slices"

	"github.com/shopex/prism-go/apijson"
)

// A serviceDoc is a service in an answer. Its first members are those that published
// tools know; some of them have the same value in each service, as this platform does not
// use them.
type serviceDoc struct {
	ID            string            `json:"Id"`
	GUID          string            `json:"Guid"`
	LinkedResID   string            `json:"LinkedResId"`
	URL           string            `json:"Url"` // where the api.json was fetched
	BackendURL    string            `json:"BackendUrl"`
	DomainID      string            `json:"DomainId"`
	MemberID      string            `json:"MemberId"` // of the member whose key imported it
	LastMemberID  string            `json:"LastMemberId"`
	Path          string            `json:"Path"` // the prefix
	Online        bool              `json:"Online"`
	Appling       bool              `json:"Appling"`
	ApplingResult string            `json:"ApplingResult"`
	IsLocal       bool              `json:"IsLocal"` // the api.json was given as text
	IsLinked      bool              `json:"IsLinked"`
	TodayCount    int               `json:"TodayCount"`
	ConfigValues  map[string]string `json:"ConfigValues"` // as service/config/get; null if none is set
	ResCache      any               `json:"ResCache"`
	AccessRole    string            `json:"AccessRole"`
	NodeNum       int               `json:"NodeNum"`

	Summary    string      `json:"Summary"`
	Mode       string      `json:"Mode"`
	APINum     int         `json:"ApiNum"`
	SandboxURL string      `json:"SandboxUrl"`
	Trusted    bool        `json:"Trusted"`
	Previous   bool        `json:"Previous"` // there is an api.json that service/restore puts back
	Config     []configDoc `json:"Config"`
	NodeIDs    []string    `json:"NodeIds"`
	CreateTime string      `json:"CreateTime"`
	ChangeTime string      `json:"ChangeTime"`
}

// A configDoc is a config value in an answer.
type configDoc struct {
	Name        string
	Description string
	Secret      bool
	Set         bool   // or else it has the default
	Value       string // empty if it is secret
}

// newServiceDoc shows no secret.
func newServiceDoc(s *Service) serviceDoc {
	file, err := apijson.Parse(s.File)
	if err != nil {
		file = &apijson.Service{} // was stored by another version
	}
	return serviceDocOf(s, file)
}

// serviceDocOf is newServiceDoc with the file of the service, which was read before.
func serviceDocOf(s *Service, file *apijson.Service) serviceDoc {
	return serviceDoc{
		ID: s.ID, GUID: s.Exchange() + "-" + s.ID, URL: s.Source, BackendURL: cmp.Or(s.Backend, file.URL),
		DomainID: s.Exchange(), MemberID: s.App, Path: s.Prefix, Online: s.Online, IsLocal: s.Source == "",
		ConfigValues: shownConfig(s, file), NodeNum: len(s.Nodes),
		Summary: file.Summary, Mode: string(file.Mode), APINum: len(file.APIs), SandboxURL: cmp.Or(s.Sandbox, file.SandboxURL),
		Trusted: s.Trusted, Previous: len(s.Previous) > 0, Config: configDocs(s, file),
		NodeIDs:    append([]string{}, slices.Sorted(maps.Keys(s.Nodes))...),
		CreateTime: s.Created.UTC().Format(createdLayout), ChangeTime: s.Changed.UTC().Format(createdLayout),
	}
}

// hidden stands in answers for a secret that is set.
const hidden = "********"

// shownConfig returns the config values that are set; nil if none is.
func shownConfig(s *Service, file *apijson.Service) map[string]string {
	if len(s.Config) == 0 {
		return nil
	}
	shown := maps.Clone(s.Config)
	for name := range shown {
		if isSecret(file, name) {
			shown[name] = hidden
		}
	}
	return shown
}

// configDocs returns the config values of the api.json, and those that were set beside
// them.
func configDocs(s *Service, file *apijson.Service) []configDoc {
	docs := []configDoc{}
	unlisted := maps.Clone(s.Config)
	for _, v := range file.ConfigValues {
		docs = append(docs, newConfigDoc(s, file, v.Name, v.Description, v.Default))
		delete(unlisted, v.Name)
	}
	for _, name := range slices.Sorted(maps.Keys(unlisted)) {
		docs = append(docs, newConfigDoc(s, file, name, "", ""))
	}
	return docs
}

func newConfigDoc(s *Service, file *apijson.Service, name, description, value string) configDoc {
	doc := configDoc{Name: name, Description: description, Secret: isSecret(file, name), Value: value}
	if set, ok := s.Config[name]; ok {
		doc.Set, doc.Value = true, set
	}
	if doc.Secret {
		doc.Value = ""
	}
	return doc
}

// isSecret reports whether a config value is shown to nobody. Of one that the api.json
// does not have nobody knows what it is.
func isSecret(file *apijson.Service, name string) bool {
	if slices.Contains([]string{"token", "secret", "client_secret", "app_secret"}, name) { // by which backends verify signatures
		return true
	}
	i := slices.IndexFunc(file.ConfigValues, func(v apijson.ConfigValue) bool { return v.Name == name })
	return i < 0 || file.ConfigValues[i].Secret
}

// addressesOf returns the hosts that calls to a service may go to, sorted, as scheme and
// host.
func addressesOf(s *Service) ([]string, error) {
	file, err := apijson.Parse(s.File)
	if err != nil {
		return nil, err
	}
	all := []string{originOf(cmp.Or(s.Backend, file.URL)), originOf(cmp.Or(s.Sandbox, file.SandboxURL))}
	for _, values := range s.Nodes {
		if address := values["@url"]; address != "" {
			all = append(all, originOf(address))
		}
	}
	slices.Sort(all)
	return slices.Compact(all), nil
}

func originOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return address
	}
	return u.Scheme + "://" + u.Host
}
