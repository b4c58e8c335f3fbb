package apijson

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// A Change is one difference between two versions of a service.
type Change struct {
	// Breaking reports whether calls that worked may not work any more, or whether the
	// operator of the platform has to do something first.
	Breaking bool
	API      string // the method ID; empty if the whole service is meant
	Text     string
}

// Diff returns what is different in a newer version of a service, what breaks first. It
// is nil if nothing is. Members that the format does not have are not compared.
func Diff(old, new *Service) []Change {
	var d differ
	d.service(old, new)
	d.apis(old, new)
	slices.SortStableFunc(d.changes, func(a, b Change) int {
		switch {
		case a.Breaking == b.Breaking:
			return 0
		case a.Breaking:
			return -1
		}
		return 1
	})
	return d.changes
}

// A differ collects changes.
type differ struct {
	api     string
	changes []Change
}

func (d *differ) note(breaking bool, format string, args ...any) {
	d.changes = append(d.changes, Change{breaking, d.api, fmt.Sprintf(format, args...)})
}

// text notes that a text is another one.
func (d *differ) text(breaking bool, name, old, new string) {
	switch {
	case old == new:
	case old == "":
		d.note(false, "%s was added", name)
	case new == "":
		d.note(breaking, "%s was removed", name)
	default:
		d.note(breaking, "%s was changed from %q to %q", name, clipped(old), clipped(new))
	}
}

// prose notes that words for people are others.
func (d *differ) prose(name, old, new string) {
	if old != new {
		d.note(false, "%s was changed", name)
	}
}

func (d *differ) service(old, new *Service) {
	d.text(true, "the prefix", old.Prefix, new.Prefix)
	d.text(true, "the mode", string(old.Mode), string(new.Mode))
	if old.Mode == Param && new.Mode == Param {
		d.text(true, "param_name", old.ParamName, new.ParamName)
	}
	d.text(false, "the backend", old.URL, new.URL)
	switch {
	case old.SandboxURL != "" && new.SandboxURL == "":
		d.note(true, "the backend of the sandbox was removed")
	default:
		d.text(false, "the backend of the sandbox", old.SandboxURL, new.SandboxURL)
	}
	d.text(false, "the content type of answers", old.ResourceContentTypes, new.ResourceContentTypes)
	d.text(false, "auto_config_url", old.AutoConfigURL, new.AutoConfigURL)
	d.text(false, "notify_publish", old.NotifyPublish, new.NotifyPublish)
	d.text(false, "notify_receive", old.NotifyReceive, new.NotifyReceive)
	d.prose("the summary", old.Summary, new.Summary)
	d.prose("models", string(old.Models), string(new.Models))
	d.configValues(old.ConfigValues, new.ConfigValues)
	d.globalParams(old.GlobalParams, new.GlobalParams)
}

// both calls each function for the items of two lists that have equal names, in order: gone
// for those of old alone, came for those of new alone, and stayed for the others.
func both[T any](old, new []T, name func(*T) string, gone, came func(*T), stayed func(old, new *T)) {
	before, after := named(old, name), named(new, name)
	for i := range old {
		if after[name(&old[i])] == nil {
			gone(&old[i])
		}
	}
	for i := range new {
		if was := before[name(&new[i])]; was == nil {
			came(&new[i])
		} else {
			stayed(was, &new[i])
		}
	}
}

func named[T any](all []T, name func(*T) string) map[string]*T {
	m := map[string]*T{}
	for i := range all {
		if m[name(&all[i])] == nil {
			m[name(&all[i])] = &all[i]
		}
	}
	return m
}

func (d *differ) configValues(old, new []ConfigValue) {
	both(old, new, func(c *ConfigValue) string { return c.Name },
		func(c *ConfigValue) { d.note(false, "the config value %q was removed", c.Name) },
		func(c *ConfigValue) {
			if c.Default == "" {
				d.note(true, "the config value %q was added, and has no default: set it", c.Name)
			} else {
				d.note(false, "the config value %q was added", c.Name)
			}
		},
		func(old, new *ConfigValue) {
			if !old.Secret && new.Secret {
				d.note(false, "the config value %q became secret", new.Name)
			}
			if old.Secret && !new.Secret {
				d.note(true, "the config value %q is secret no longer", new.Name)
			}
			if old.Default != new.Default { // it may be a secret, so it is not shown
				d.note(new.Default == "", "the default of the config value %q was changed", new.Name)
			}
			d.prose(fmt.Sprintf("the description of the config value %q", new.Name), old.Description, new.Description)
		})
}

func (d *differ) globalParams(old, new []GlobalParam) {
	both(old, new, func(g *GlobalParam) string { return g.Name },
		func(g *GlobalParam) { d.note(g.ValueType == Sign, "the global parameter %q was removed", g.Name) },
		func(g *GlobalParam) { d.note(g.ValueType == Sign, "the global parameter %q was added", g.Name) },
		func(old, new *GlobalParam) {
			signs := old.ValueType == Sign || new.ValueType == Sign
			d.text(signs, fmt.Sprintf("the kind of the global parameter %q", new.Name), string(old.ValueType), string(new.ValueType))
			what := "the format of the global parameter %q"
			if signs {
				what = "the signature scheme of the global parameter %q"
			}
			d.text(signs, fmt.Sprintf(what, new.Name), old.Format, new.Format)
			d.text(signs, fmt.Sprintf("the place of the global parameter %q", new.Name), string(old.Place), string(new.Place))
		})
}

func (d *differ) apis(old, new *Service) {
	if len(old.APIs) == 0 && len(new.APIs) > 0 && old.Mode == Path {
		d.note(true, "calls of all paths went to the backend, now those of the listed APIs alone")
	}
	both(old.APIs, new.APIs, func(a *API) string { return a.ID },
		func(a *API) { d.of(a.ID).note(true, "the API was removed") },
		func(a *API) { d.of(a.ID).note(false, "the API was added") },
		func(a, b *API) { d.of(a.ID).oneAPI(a, b, old.Mode == Path && new.Mode == Path) })
	d.api = ""
}

// of makes an API the one that is meant.
func (d *differ) of(api string) *differ {
	d.api = api
	return d
}

func (d *differ) oneAPI(old, new *API, byPath bool) {
	if from, to := old.Route(), new.Route(); byPath && shape(from) != shape(to) {
		d.text(true, "the path", from, to)
	} else if !byPath {
		d.text(false, "the path", old.Path, new.Path)
	} else if from != to {
		d.note(false, "the names in the path were changed from %q to %q", clipped(from), clipped(to))
	}
	d.methods(old, new)
	switch {
	case new.RequireOAuth && !old.RequireOAuth:
		d.note(true, "the API needs a user now")
	case old.RequireOAuth && !new.RequireOAuth:
		d.note(false, "the API needs no user any more")
	}
	if old.Limit != new.Limit {
		d.note(lower(old.Limit, new.Limit), "the limit was changed from %s to %s", old.Limit, new.Limit)
	}
	if old.Timeout != new.Timeout {
		d.note(new.Timeout > 0 && new.Timeout < old.Timeout, "the timeout was changed from %s to %s", timeout(old), timeout(new))
	}
	d.params(old.Params, new.Params)
	d.exceptions(old.Exceptions, new.Exceptions)
	d.prose("the summary", old.Summary, new.Summary)
	d.prose("the description", old.Notes, new.Notes)
	d.prose("the response", old.Response, new.Response)
}

func (d *differ) methods(old, new *API) {
	before, after := old.allowed(), new.allowed()
	for _, method := range before {
		if !slices.Contains(after, method) {
			d.note(true, "the HTTP method %s was taken away", method)
		}
	}
	for _, method := range after {
		if !slices.Contains(before, method) {
			d.note(false, "the HTTP method %s was added", method)
		}
	}
}

// allowed are the methods of an API, all if it names none.
func (a *API) allowed() []string {
	if len(a.Methods) == 0 {
		return methods
	}
	return a.Methods
}

// lower reports whether a limit refuses what another one lets through.
func lower(old, new Limit) bool {
	switch {
	case new.Count == 0:
		return false
	case old.Count == 0 || new.Count < old.Count:
		return true
	}
	return float64(new.Count)*old.Per.Seconds() < float64(old.Count)*new.Per.Seconds()
}

// String returns the limit in words, such as "100 in 1m0s".
func (l Limit) String() string {
	if l.Count == 0 {
		return "none"
	}
	return fmt.Sprintf("%d in %v", l.Count, l.Per)
}

func timeout(a *API) string {
	if a.Timeout == 0 {
		return "the default"
	}
	return a.Timeout.String()
}

func (d *differ) params(old, new []Parameter) {
	both(old, new, func(a *Parameter) string { return a.Name },
		func(a *Parameter) { d.note(true, "the parameter %q was removed", a.Name) },
		func(a *Parameter) {
			if a.Required {
				d.note(true, "the parameter %q was added, and is required", a.Name)
			} else {
				d.note(false, "the parameter %q was added", a.Name)
			}
		},
		func(old, new *Parameter) {
			switch {
			case new.Required && !old.Required:
				d.note(true, "the parameter %q became required", new.Name)
			case old.Required && !new.Required:
				d.note(false, "the parameter %q is required no longer", new.Name)
			}
			d.text(true, fmt.Sprintf("the type of the parameter %q", new.Name), old.Type, new.Type)
			d.text(false, fmt.Sprintf("param_type of the parameter %q", new.Name), old.ParamType, new.ParamType)
			d.prose(fmt.Sprintf("the description of the parameter %q", new.Name), old.Description, new.Description)
		})
}

func (d *differ) exceptions(old, new []Exception) {
	before, after := codes(old), codes(new)
	for _, code := range slices.Sorted(maps.Keys(before)) {
		if !after[code] {
			d.note(false, "the exception %s was removed", strings.TrimSpace(code))
		}
	}
	for _, code := range slices.Sorted(maps.Keys(after)) {
		if !before[code] {
			d.note(false, "the exception %s was added", strings.TrimSpace(code))
		}
	}
}

func codes(all []Exception) map[string]bool {
	m := map[string]bool{}
	for _, e := range all {
		m[fmt.Sprintf("%d %s", e.Status, e.Code)] = true
	}
	return m
}
