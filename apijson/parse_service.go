package apijson

import (
	"net/url"
	"slices"
	"strings"
)

var (
	serviceMembers = spelled("url", "sandbox_url", "prefix", "summary", "mode", "param_name", "auto_config_url",
		"resource_content_types", "interface", "config_values", "global_params", "apis", "models",
		"notify_publish notify_pubish", "notify_receive")
	configMembers = spelled("name", "description desc", "defaultvalue default", "issecret")
	globalMembers = spelled("name", "value_type", "format", "param_type")
)

func (p *parser) service(v value) *Service {
	if v.raw[0] != '{' {
		p.wrong(v, "the file", "an object, as in {\"url\": …}")
		return nil
	}
	s := &Service{Mode: Path}
	var apis value
	where := map[string]int{"": v.at}
	for name, v := range p.members(v, serviceMembers, &s.Unknown) {
		where[name] = v.at
		switch name {
		case "url":
			s.URL = p.address(v, name)
		case "sandbox_url":
			s.SandboxURL = p.address(v, name)
		case "prefix":
			s.Prefix = p.prefix(v)
		case "summary":
			s.Summary = p.string(v, name)
		case "mode":
			s.Mode = p.mode(v)
		case "param_name":
			s.ParamName = p.string(v, name)
		case "auto_config_url":
			s.AutoConfigURL = p.string(v, name)
		case "resource_content_types":
			s.ResourceContentTypes = p.string(v, name)
		case "interface":
			s.Interface = p.string(v, name)
		case "config_values":
			s.ConfigValues = p.configValues(v)
		case "global_params":
			s.GlobalParams = p.globalParams(v)
		case "apis":
			apis = v
		case "models":
			if !v.empty() {
				s.Models = v.compact()
			}
		case "notify_publish":
			s.NotifyPublish = p.string(v, name)
		case "notify_receive":
			s.NotifyReceive = p.string(v, name)
		}
	}
	if apis.raw != nil {
		s.APIs = p.apis(apis, s.Mode)
	}
	p.whole(s, where)
	return s
}

// whole checks what the members of a service say together.
func (p *parser) whole(s *Service, where map[string]int) {
	if _, found := where["prefix"]; !found {
		p.faults.add(where[""], "prefix is missing: write what the paths of the APIs begin with, such as \"prefix\": \"shop\"")
	}
	if s.Mode == Param {
		if s.ParamName == "" {
			s.ParamName = "method"
		}
		if Reserved(s.ParamName) {
			p.faults.add(where["param_name"], "param_name is %q, which the platform takes for itself: write another, such as method", s.ParamName)
		}
	}
	if s.URL == "" && p.faults == nil {
		p.warnings.add(max(where["url"], where[""]), "url is empty: there is no backend until the platform is told of one")
	}
	for _, g := range s.GlobalParams {
		needed := needs(g)
		set := func(c ConfigValue) bool { return c.Name == needed }
		if needed != "" && !slices.ContainsFunc(s.ConfigValues, set) {
			p.warnings.add(where["global_params"], "%s needs the config value %q, which config_values does not have: add {\"name\": %q, \"issecret\": true}", g.Name, needed, needed)
		}
	}
}

// needs returns the config value by which a global parameter is made, or "".
func needs(g GlobalParam) string {
	switch {
	case g.ValueType == Config:
		return g.Format
	case g.ValueType != Sign:
		return ""
	case Scheme(g.Format) == Prism:
		return "client_secret"
	}
	return "token"
}

// address returns the URL of a backend.
func (p *parser) address(v value, name string) string {
	text := strings.TrimSpace(p.string(v, name))
	if text == "" {
		return ""
	}
	u, err := url.Parse(text)
	switch {
	case err != nil:
		p.faults.add(v.at, "%s is no URL: write one such as https://shop.example.com/api", name)
	case u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "":
		p.faults.add(v.at, "%s is no URL of HTTP: write one such as https://shop.example.com/api", name)
	case u.User != nil:
		p.faults.add(v.at, "%s has a user or a password: leave them out, calls are signed", name)
	case strings.Contains(text, "#"):
		p.faults.add(v.at, "%s has a fragment: leave out what is behind #", name)
	case dotted(u.EscapedPath()):
		p.faults.add(v.at, "%s has a dot segment (. or ..): write the plain path", name)
	}
	return text
}

// prefix returns what the paths of a service begin with.
func (p *parser) prefix(v value) string {
	text := p.name(v, "prefix")
	if text == "" {
		return ""
	}
	text = strings.Trim(text, "/")
	odd := strings.IndexFunc(text, func(r rune) bool { return !strings.ContainsRune(plainLetters+"/", r) })
	switch first, _, _ := strings.Cut(text, "/"); {
	case text == "":
		p.faults.add(v.at, "prefix is %s: write a name, such as shop", shown(v))
	case odd >= 0:
		p.faults.add(v.at, "prefix %q has %q: write letters, digits and - . _ ~, with / between elements", text, []rune(text[odd:])[0])
	case strings.Contains(text, "//"):
		p.faults.add(v.at, "prefix %q has an empty element: write one slash between two elements", text)
	case dotted(text):
		p.faults.add(v.at, "prefix %q has a dot segment (. or ..): write a plain path", text)
	case first == "platform":
		p.faults.add(v.at, "prefix %q is of the platform's own calls: write another one", text)
	}
	return text
}

const plainLetters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~"

func (p *parser) mode(v value) Mode {
	switch mode := strings.ToLower(strings.TrimSpace(p.string(v, "mode"))); mode {
	case "path", "":
		return Path
	case "param", "params":
		return Param
	default:
		p.faults.add(v.at, "mode is %s: write path or param", shown(v))
	}
	return Path
}

func (p *parser) configValues(v value) (all []ConfigValue) {
	seen := map[string]int{}
	for item := range p.items(v, "config_values") {
		var c ConfigValue
		for name, v := range p.members(item, configMembers, &c.Unknown) {
			switch name {
			case "name":
				c.Name = p.unique(v, "the name of a config value", seen)
			case "description":
				c.Description = p.string(v, "the description of a config value")
			case "defaultvalue":
				c.Default = p.string(v, "the default of a config value")
			case "issecret":
				c.Secret = p.bool(v, name)
			}
		}
		if p.named(item, c.Name, "a config value") {
			all = append(all, c)
		}
	}
	return all
}

// unique returns a name that none of those seen is equal to.
func (p *parser) unique(v value, name string, seen map[string]int) string {
	text := p.name(v, name)
	if first, found := seen[text]; found && text != "" {
		p.faults.add(v.at, "%s is %q, as in line %d: write another one, or remove one", name, text, p.line(first))
	}
	seen[text] = v.at
	return text
}

// named reports whether an item has a name, and notes if it has no such member.
func (p *parser) named(item value, name, what string) bool {
	if name != "" {
		return true
	}
	for m := range item.members() {
		if fold(m.name) == "name" {
			return false // it is wrong, which is noted
		}
	}
	p.faults.add(item.at, "%s has no name: add \"name\": \"…\"", what)
	return false
}

func (p *parser) globalParams(v value) (all []GlobalParam) {
	seen := map[string]int{}
	for item := range p.items(v, "global_params") {
		g := GlobalParam{Place: Request}
		format := item
		for name, v := range p.members(item, globalMembers, &g.Unknown) {
			switch name {
			case "name":
				g.Name = p.unique(v, "the name of a global parameter", seen)
			case "value_type":
				g.ValueType = p.valueType(v)
			case "format":
				g.Format, format = p.string(v, "format"), v
			case "param_type":
				g.Place = p.place(v)
			}
		}
		p.global(item, format, &g)
		if p.named(item, g.Name, "a global parameter") {
			all = append(all, g)
		}
	}
	return all
}

func (p *parser) valueType(v value) ValueType {
	switch t := ValueType(strings.ToLower(p.string(v, "value_type"))); t {
	case Constant, Time, Sign, Config:
		return t
	}
	p.faults.add(v.at, "value_type is %s: write expr, datetime, sign or config", shown(v))
	return "?"
}

func (p *parser) place(v value) Place {
	switch place := Place(strings.ToUpper(p.string(v, "param_type"))); place {
	case Request, Query, None:
		return place
	case "":
		return Request
	}
	p.faults.add(v.at, "param_type is %s: write REQUEST, GET or NONE", shown(v))
	return Request
}

// global checks what the members of a global parameter say together.
func (p *parser) global(item, format value, g *GlobalParam) {
	switch g.ValueType {
	case "":
		p.faults.add(item.at, "a global parameter has no value_type: add \"value_type\": \"expr\", datetime, sign or config")
	case Sign:
		switch scheme := Scheme(strings.TrimSuffix(strings.ToLower(g.Format), ".md5")); scheme {
		case Prism, ECOS, ShopEx:
			g.Format = string(scheme)
		default:
			p.faults.add(format.at, "the signature format %q is unknown: write prism, ecos or shopex", clipped(g.Format))
		}
	case Time:
		if g.Format == "" {
			p.faults.add(format.at, "a time has no format: write timestamp, or the letters of PHP's date")
		}
	case Config:
		if g.Format == "" {
			p.faults.add(format.at, "format is empty: write the name of a config value")
		}
	}
}
