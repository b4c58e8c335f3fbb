package console

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/shopex/prism-go/platform"
)

// The pages about APIs: services and what they have, how an API is called, and where its
// calls go. They are made of platform/service, platform/manageapi and platform/manageapp.

func (c *Console) apisRoutes() {
	c.page("/apis", "apis", (*request).apis)
	c.page("/apis/import", "import", (*request).importForm)
	c.action("/apis/import", (*request).importFile)
	c.page("/apis/{service}", "service", (*request).service)
	c.page("/apis/{service}/file", "file", (*request).serviceFile)
	c.page("/apis/{service}/api", "api", (*request).api)
	c.action("/apis/{service}/api", (*request).tryAPI)
	c.serviceChanges()
}

// apisShown is how many services, and how many APIs, a page has.
const apisShown = 100

type apiGroup struct {
	ID      string `json:"id"`
	Prefix  string `json:"prefix"`
	Summary string `json:"summary"`
	APIs    int    `json:"apis"`
	Online  bool   `json:"online"`
	Backend string `json:"backend,omitempty"`
}

type apiEntry struct {
	ServiceID   string   `json:"service_id"`
	Service     string   `json:"service"`
	API         string   `json:"api"`
	Summary     string   `json:"summary"`
	Methods     []string `json:"methods"`
	Path        string   `json:"path"`
	Param       string   `json:"param,omitempty"`
	Online      bool     `json:"online"`
	NeedsUser   bool     `json:"needs_user"`
	Backend     string   `json:"backend,omitempty"`
	SandboxPath string   `json:"sandbox_path,omitempty"`
	Sandbox     string   `json:"sandbox,omitempty"`
}

// Name returns the method ID, or what stands for all of a service.
func (a apiEntry) Name() string {
	if a.API == "" {
		return "*"
	}
	return a.API
}

type apisPage struct {
	Query         string     `json:"q"`
	Page          int        `json:"page"` // from 1
	Services      []apiGroup `json:"services"`
	ServicesTotal int        `json:"services_total"`
	APIs          []apiEntry `json:"apis"`
	Total         int        `json:"total"`
}

// Pages is how many pages there are.
func (p *apisPage) Pages() int {
	return (max(p.ServicesTotal, p.Total, 1) + apisShown - 1) / apisShown
}

// Link returns the query of another page of the same search.
func (p *apisPage) Link(by int) string {
	return "?" + url.Values{"q": {p.Query}, "page": {strconv.Itoa(p.Page + by)}}.Encode()
}

func (r *request) apis() (any, error) { return r.findAPIs("") }

// findAPIs reads a part of the APIs, of one service or of all, as the address says.
func (r *request) findAPIs(service string) (*apisPage, error) {
	page := &apisPage{Query: r.value("q")}
	page.Page, _ = strconv.Atoi(r.value("page"))
	page.Page = min(max(page.Page, 1), 1_000_000)
	params := url.Values{"q": {page.Query}, "limit": {strconv.Itoa(apisShown)}, "after": {strconv.Itoa((page.Page - 1) * apisShown)}}
	if service != "" {
		params.Set("Id", service)
	}
	return page, r.get("platform/service/apis", params, page)
}

// A serviceInfo is a service for those who manage it, as platform/service/info answers.
type serviceInfo struct {
	ID, Path, Summary, Mode          string
	URL                              string `json:"Url"`
	BackendURL                       string `json:"BackendUrl"`
	SandboxURL                       string `json:"SandboxUrl"`
	Online, Trusted, Previous        bool
	Config                           []configValue
	NodeIDs                          []string `json:"NodeIds"`
	CreateTime, ChangeTime, MemberID string
}

type configValue struct {
	Name, Description, Value string
	Secret, Set              bool
}

type boundApp struct {
	App          string `json:"app_id"`
	Path         string `json:"path"`
	LimitCount   int    `json:"limit_count"`
	LimitSeconds int64  `json:"limit_seconds"`
}

type servicePage struct {
	Service apiGroup     `json:"service"`
	Info    *serviceInfo `json:"info,omitempty"` // for those who manage it
	Bound   []boundApp   `json:"bound,omitempty"`
	*apisPage
}

// administers reports whether the person has the calls of admin keys.
func (r *request) administers() bool {
	return slices.Contains([]platform.Role{platform.OperatorRole, platform.AdminRole}, r.person.Role)
}

func (r *request) service() (any, error) {
	id := r.PathValue("service")
	all, err := r.findAPIs(id)
	if err != nil {
		return nil, err
	}
	page := &servicePage{apisPage: all}
	if page.Service, err = r.serviceHead(id, all); err != nil {
		return nil, err
	}
	if page.Service.Backend == "" { // of a service that the person does not manage
		return page, nil
	}
	if err := r.get("platform/service/info", url.Values{"Id": {id}}, &page.Info); err != nil {
		return nil, err
	}
	if r.administers() {
		err = r.get("platform/manageapp/bindlist", url.Values{"api_id": {id}}, &page.Bound)
	}
	return page, err
}

// serviceHead returns what a page says of its service, which a search may leave out.
func (r *request) serviceHead(id string, found *apisPage) (apiGroup, error) {
	if len(found.Services) > 0 {
		return found.Services[0], nil
	}
	var all apisPage
	if err := r.get("platform/service/apis", url.Values{"Id": {id}, "limit": {"1"}}, &all); err != nil {
		return apiGroup{}, err
	}
	if len(all.Services) == 0 { // it was deleted just now
		return apiGroup{}, &callError{Status: http.StatusNotFound, Code: "unknown_service", Message: "there is no such service any more"}
	}
	return all.Services[0], nil
}

type filePage struct {
	ID   string `json:"id"`
	Text string `json:"text"`
}

func (r *request) serviceFile() (any, error) {
	page := filePage{ID: r.PathValue("service")}
	return &page, r.get("platform/service/file", url.Values{"Id": {page.ID}}, &page.Text)
}

// An apiPage is the documentation of an API, and a form that calls it.
type apiPage struct {
	apiEntry
	Notes          string         `json:"notes"`
	TimeoutSeconds float64        `json:"timeout_seconds"`
	LimitCount     int            `json:"limit_count"`
	LimitSeconds   int64          `json:"limit_seconds"`
	Params         []apiParam     `json:"params"`
	Response       string         `json:"response"`
	Exceptions     []apiException `json:"exceptions"`
	Added          []addedParam   `json:"added,omitempty"`
	Form           *tryForm       `json:"form"`
	Tried          *tried         `json:"tried,omitempty"`
	Alert          string         `json:"alert,omitempty"`
	Stats          *callCounts    `json:"stats,omitempty"` // for those who see calls
}

type apiParam struct {
	Name        string `json:"name"`
	Description string `json:"description"`
	Type        string `json:"type"`
	Required    bool   `json:"required"`
}

type apiException struct {
	Status  int    `json:"status"`
	Code    string `json:"code"`
	Message string `json:"message"`
}

type addedParam struct {
	Name string `json:"name"`
	Kind string `json:"kind"`
}

func (r *request) api() (any, error) {
	page, err := r.loadAPI()
	if err == nil {
		r.prefill(page)
	}
	return page, err
}

func (r *request) loadAPI() (*apiPage, error) {
	page := &apiPage{}
	err := r.get("platform/service/api", url.Values{"Id": {r.PathValue("service")}, "api": {r.URL.Query().Get("id")}}, page)
	if err == nil && r.administers() {
		page.Stats, err = r.callCounts(page.Service + "/" + page.Name())
	}
	return page, err
}

// A textBlock is a part of a text in Markdown: a paragraph, an item of a list, or code.
type textBlock struct {
	Kind  string
	lines []string
}

// Text is what is shown of it.
func (b textBlock) Text() string { return strings.Join(b.lines, "\n") }

// shownNotes bounds what a page shows of the notes of an API.
const shownNotes = 32 << 10

// Blocks divides the notes. All else of Markdown stays as it is written.
func (p *apiPage) Blocks() (all []textBlock) {
	begin := func(kind, line string) { all = append(all, textBlock{kind, []string{line}}) }
	goOn := func(line string) { last := &all[len(all)-1]; last.lines = append(last.lines, line) }
	ended, code := true, false
	for line := range strings.Lines(cut(p.Notes, shownNotes)) {
		line = strings.TrimRight(line, "\r\n")
		item, isItem := strings.CutPrefix(strings.TrimSpace(line), "- ")
		switch {
		case strings.HasPrefix(strings.TrimSpace(line), "```"):
			code, ended = !code, true
		case !code && strings.TrimSpace(line) == "":
			ended = true
		case !code && isItem:
			begin("item", item)
			ended = false
		case !ended:
			goOn(line)
		case code:
			begin("code", line)
			ended = false
		default:
			begin("text", line)
			ended = false
		}
	}
	return all
}
