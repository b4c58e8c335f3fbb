// Package apijson reads and writes api.json, the file in which a provider describes its
// APIs to a Prism platform: where its backend is, how a call is mapped to it, what the
// platform adds to each call, and who may call what how often.
//
// [Parse] takes every spelling of the format that occurs in files of providers, and says
// of a faulty file where each fault is. [Service.Format] writes the one spelling that all
// known readers take.
package apijson

import (
	"encoding/json"
	"time"
)

// A Mode says how the platform finds out which API of a service a call is for.
type Mode string

const (
	Path  Mode = "path"  // by the rest of the path
	Param Mode = "param" // by a parameter
)

// A Service is what one api.json describes: a group of APIs that one backend has.
type Service struct {
	// URL is the address of the backend, and SandboxURL that for calls to the sandbox
	// base; it is empty if there is no sandbox.
	URL, SandboxURL string
	// Prefix is the beginning of the path of each API, below the base path of the
	// platform, without slashes at its ends.
	Prefix  string
	Summary string
	Mode    Mode
	// ParamName is the parameter that names the API in mode Param. Parse makes it
	// "method" where the file has none.
	ParamName    string
	ConfigValues []ConfigValue
	GlobalParams []GlobalParam
	APIs         []API // in the order of the file. A service without APIs passes every call on

	AutoConfigURL        string
	ResourceContentTypes string
	Interface            string
	NotifyPublish        string
	NotifyReceive        string
	Models               json.RawMessage

	// Unknown are the members that the format does not have. They are kept.
	Unknown map[string]json.RawMessage
}

// A ConfigValue is a value that is set at the platform and used in calls to the backend,
// such as the secret of the signature.
type ConfigValue struct {
	Name, Description, Default string
	Secret                     bool // is never shown again once it is set

	Unknown map[string]json.RawMessage
}

// A Place is where a global parameter goes.
type Place string

const (
	Request Place = "REQUEST" // into the form for POST and PUT, else into the query
	Query   Place = "GET"     // into the query
	None    Place = "NONE"    // nowhere
)

// A ValueType is how the value of a global parameter is made.
type ValueType string

const (
	Constant ValueType = "expr"     // Format itself
	Time     ValueType = "datetime" // the time; Format "timestamp" is Unix seconds, others are the letters of PHP's date
	Sign     ValueType = "sign"     // the signature; Format is a Scheme
	Config   ValueType = "config"   // the value of the config value that Format names
)

// A Scheme is how the platform signs its calls to a backend.
type Scheme string

const (
	Prism  Scheme = "prism"
	ECOS   Scheme = "ecos"
	ShopEx Scheme = "shopex"
)

// A GlobalParam is a parameter that the platform adds to each call.
type GlobalParam struct {
	Name      string
	Place     Place
	ValueType ValueType
	Format    string // for a signature, one of the Schemes

	Unknown map[string]json.RawMessage
}

// An API is one function of a backend.
type API struct {
	ID   string // the method ID
	Path string // below the prefix; its elements may be {names}. If empty, the ID
	// Methods are HTTP methods in upper case. If there is none, every method is allowed.
	Methods        []string
	Summary, Notes string        // Notes are Markdown
	RequireOAuth   bool          // the call needs a user
	Timeout        time.Duration // of the backend; zero is the platform's default
	Limit          Limit
	Params         []Parameter
	Response       string // an example or a description of the answer
	Exceptions     []Exception

	Unknown map[string]json.RawMessage
}

// A Limit is how often something may be called within a time. The zero Limit is none.
type Limit struct {
	Count int
	Per   time.Duration // whole seconds
}

// A Parameter is one parameter of an API.
type Parameter struct {
	Name, Description string
	Required          bool
	Type              string // free text, such as "int", "date" or "field_list"
	ParamType         string // free text, such as "param"

	Unknown map[string]json.RawMessage
}

// Reserved reports whether a parameter of this name is the platform's own, such as client_id
// and sign: callers send it to the platform, and no backend gets it (protocol chapter 2).
func Reserved(name string) bool {
	switch name {
	case "apiver", "client_id", "client_secret", "sign", "sign_method", "sign_time":
		return true
	}
	return false
}

// An Exception is a documented error of an API.
type Exception struct {
	Status  int // HTTP
	Code    string
	Message string

	Unknown map[string]json.RawMessage
}

// API returns the API with this method ID, or nil.
func (s *Service) API(id string) *API {
	for i := range s.APIs {
		if s.APIs[i].ID == id {
			return &s.APIs[i]
		}
	}
	return nil
}
