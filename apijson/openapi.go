package apijson

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

// OpenAPI returns the service as an OpenAPI 3.0.3 document in JSON, for tools that read
// such. server is the base URL of the platform, such as https://api.example.com/api; if it
// is empty, the document says /api.
//
// An API of a service in mode Param has its method ID as path, as the platform takes it
// there. Calls identify themselves by client_id and client_secret, which should be done
// over HTTPS only; OpenAPI has no words for the signature. The error is that of a service
// that Parse does not take.
func OpenAPI(s *Service, server string) ([]byte, error) {
	if again, err := Parse(s.Format()); err != nil {
		return nil, err
	} else {
		s = again
	}
	if server == "" {
		server = "/api"
	}
	doc := document{
		OpenAPI:    "3.0.3",
		Info:       info{Title: s.Prefix, Version: "1", Description: s.Summary},
		Servers:    []serverURL{{strings.TrimRight(server, "/") + "/" + s.Prefix}},
		Paths:      map[string]map[string]*operation{},
		Components: components{security},
		Sign:       "MD5 over method, path, headers, query and form, in place of client_secret",
	}
	if s.Summary != "" {
		doc.Info.Title, doc.Info.Description = s.Summary, ""
	}
	e := exporter{doc: &doc, service: s, paths: map[string]string{}, ids: map[string]bool{}}
	for i := range s.APIs {
		e.api(&s.APIs[i])
	}
	var b bytes.Buffer
	w := json.NewEncoder(&b)
	w.SetEscapeHTML(false)
	w.SetIndent("", "  ")
	err := w.Encode(doc)
	return b.Bytes(), err
}

type (
	document struct {
		OpenAPI    string                           `json:"openapi"`
		Info       info                             `json:"info"`
		Servers    []serverURL                      `json:"servers"`
		Paths      map[string]map[string]*operation `json:"paths"` // by path and method
		Components components                       `json:"components"`
		Sign       string                           `json:"x-prism-sign"`
	}
	info struct {
		Title       string `json:"title"`
		Version     string `json:"version"`
		Description string `json:"description,omitempty"`
	}
	serverURL struct {
		URL string `json:"url"`
	}
	components struct {
		SecuritySchemes map[string]map[string]string `json:"securitySchemes"`
	}
	operation struct {
		OperationID string                `json:"operationId"`
		Summary     string                `json:"summary,omitempty"`
		Description string                `json:"description,omitempty"`
		Parameters  []openParam           `json:"parameters,omitempty"`
		RequestBody *body                 `json:"requestBody,omitempty"`
		Responses   map[string]answer     `json:"responses"`
		Security    []map[string][]string `json:"security"`
		Method      string                `json:"x-prism-method"`
		Limit       *openLimit            `json:"x-prism-limit,omitempty"`
		Timeout     float64               `json:"x-prism-timeout,omitempty"` // seconds
	}
	openParam struct {
		Name        string `json:"name"`
		In          string `json:"in"`
		Description string `json:"description,omitempty"`
		Required    bool   `json:"required,omitempty"`
		Schema      schema `json:"schema"`
	}
	schema struct {
		Type        string            `json:"type,omitempty"`
		Description string            `json:"description,omitempty"`
		Properties  map[string]schema `json:"properties,omitempty"`
		Required    []string          `json:"required,omitempty"`
		PrismType   string            `json:"x-prism-type,omitempty"`
	}
	body struct {
		Required bool             `json:"required,omitempty"`
		Content  map[string]media `json:"content"`
	}
	media struct {
		Schema  *schema         `json:"schema,omitempty"`
		Example json.RawMessage `json:"example,omitempty"`
	}
	answer struct {
		Description string           `json:"description"`
		Content     map[string]media `json:"content,omitempty"`
	}
	openLimit struct {
		Count   int     `json:"count"`
		Seconds float64 `json:"seconds"`
	}
)

var security = map[string]map[string]string{
	"client_id":     {"type": "apiKey", "in": "query", "name": "client_id", "description": "the key"},
	"client_secret": {"type": "apiKey", "in": "query", "name": "client_secret", "description": "the secret of the key; over HTTPS only"},
	"user":          {"type": "http", "scheme": "bearer", "description": "the access token of a user"},
}

type exporter struct {
	doc     *document
	service *Service
	paths   map[string]string // by shape: OpenAPI has one path for all methods
	ids     map[string]bool
}

func (e *exporter) api(a *API) {
	route := a.ID
	if e.service.Mode == Path {
		route = a.Route()
	}
	path := "/" + strings.TrimPrefix(escapedPath(route, e.service.Mode), "/")
	key := shape(path)
	if first, found := e.paths[key]; found {
		path = first
	}
	e.paths[key] = path
	operations := e.doc.Paths[path]
	if operations == nil {
		operations = map[string]*operation{}
		e.doc.Paths[path] = operations
	}
	all := a.Methods
	if len(all) == 0 {
		all = methods[:4]
	}
	for _, method := range all {
		operations[strings.ToLower(method)] = e.operation(a, method, path, len(all) == 1)
	}
}

// escapedPath is a path as OpenAPI has it, in which only names may have braces.
func escapedPath(route string, mode Mode) string {
	if mode == Path {
		return route
	}
	return strings.NewReplacer("%", "%25", "{", "%7B", "}", "%7D", "?", "%3F", "#", "%23", " ", "%20").Replace(route)
}

func (e *exporter) operation(a *API, method, path string, only bool) *operation {
	o := &operation{
		OperationID: e.id(a.ID, method, only), Summary: a.Summary, Description: a.Notes, Responses: responses(a),
		Security: []map[string][]string{{"client_id": {}, "client_secret": {}}}, Method: a.ID, Timeout: a.Timeout.Seconds(),
	}
	if a.RequireOAuth {
		o.Security[0]["user"] = []string{}
	}
	if a.Limit.Count > 0 {
		o.Limit = &openLimit{a.Limit.Count, a.Limit.Per.Seconds()}
	}
	given := map[string]bool{}
	if e.service.Mode == Path {
		o.pathParams(a, path, given)
	}
	form := schema{Type: "object", Properties: map[string]schema{}}
	for _, param := range a.Params {
		if given[param.Name] || Reserved(param.Name) {
			continue
		}
		given[param.Name] = true
		if inForm(method) {
			form.add(param)
		} else {
			o.Parameters = append(o.Parameters, openParam{param.Name, "query", param.Description, param.Required, schemaOf(param)})
		}
	}
	if len(form.Properties) > 0 {
		o.RequestBody = &body{len(form.Required) > 0, map[string]media{"application/x-www-form-urlencoded": {Schema: &form}}}
	}
	return o
}

func inForm(method string) bool {
	return method == http.MethodPost || method == http.MethodPut || method == http.MethodPatch
}

// id returns a name that no other operation has.
func (e *exporter) id(api, method string, only bool) string {
	id := api
	if !only {
		id += "_" + strings.ToLower(method)
	}
	for base, n := id, 2; e.ids[id]; n++ {
		id = base + "_" + strconv.Itoa(n)
	}
	e.ids[id] = true
	return id
}

// pathParams adds the names in the path. What the API says of them is said there.
func (o *operation) pathParams(a *API, path string, given map[string]bool) {
	own := strings.Split(a.Route(), "/")
	for i, element := range strings.Split(strings.TrimPrefix(path, "/"), "/") {
		name, found := strings.CutPrefix(element, "{")
		if !found {
			continue
		}
		name = strings.TrimSuffix(name, "}")
		param := openParam{Name: name, In: "path", Required: true, Schema: schema{Type: "string"}}
		called := strings.Trim(own[i], "{}")
		for _, said := range a.Params {
			if said.Name == called {
				param.Description, param.Schema = said.Description, schemaOf(said)
			}
		}
		given[called] = true
		o.Parameters = append(o.Parameters, param)
	}
}

func (s *schema) add(param Parameter) {
	own := schemaOf(param)
	own.Description = param.Description
	s.Properties[param.Name] = own
	if param.Required {
		s.Required = append(s.Required, param.Name)
	}
}

func schemaOf(param Parameter) schema {
	s := schema{Type: "string", PrismType: param.Type}
	switch strings.ToLower(param.Type) {
	case "int", "integer", "long", "bigint":
		s.Type = "integer"
	case "float", "double", "number", "numeric":
		s.Type = "number"
	case "bool", "boolean":
		s.Type = "boolean"
	}
	return s
}

// responses are the answers of an API: the good one, and its exceptions by status.
func responses(a *API) map[string]answer {
	good := answer{Description: "the answer"}
	switch example := []byte(a.Response); {
	case a.Response == "":
	case json.Valid(example):
		good.Content = map[string]media{"application/json": {Example: example}}
	default:
		good.Description = a.Response
	}
	all := map[string]answer{"200": good}
	for _, e := range a.Exceptions {
		status := "default"
		if e.Status >= 100 && e.Status <= 599 {
			status = strconv.Itoa(e.Status)
		}
		words := strings.TrimSpace(fmt.Sprintf("%s %s", e.Code, e.Message))
		if words == "" {
			words = "an error"
		}
		one := all[status]
		if one.Description != "" {
			one.Description += "\n\n"
		}
		one.Description += words
		all[status] = one
	}
	return all
}
