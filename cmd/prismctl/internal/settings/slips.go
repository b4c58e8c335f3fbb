package settings

import (
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

// otherVariables are those that are no settings of a file.
var otherVariables = []string{"PRISM_URL", "PRISM_KEY", "PRISM_SECRET", "PRISM_TOKEN", "PRISM_CONFIG", "PRISM_ADMIN_SECRET",
	"PRISM_USERS_HTTP_SECRET", "PRISM_USERS_SQL_DSN"}

// WarnOfSlips tells of variables that are probably meant to be settings. Others
// that begin with PRISM_ may be of anybody: Kubernetes makes some for a service
// of that name.
func WarnOfSlips(k *kong.Context, environ []string, notice func(format string, args ...any)) {
	known := slices.Clone(otherVariables)
	for _, flag := range settingsOf(k) {
		known = append(known, variables(flag.Tag.Get("config"))...)
	}
	for _, variable := range environ {
		name, _, _ := strings.Cut(variable, "=")
		if !strings.HasPrefix(name, "PRISM_") || slices.Contains(known, name) {
			continue
		}
		if meant := slipOf(name, known); meant != "" {
			notice("WARNING: %s is no setting and does nothing; did you mean %s?", name, meant)
		}
	}
}

// slipOf returns the name that is one slip, or a few in a long one, away from what
// was written, or "".
func slipOf(written string, names []string) string {
	const perSlip = 8 // letters
	near := nearest(written, names)
	if near == "" || distance(written, near) > max(1, len(written)/perSlip) {
		return ""
	}
	return near
}
