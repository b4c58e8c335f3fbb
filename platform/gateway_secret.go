package platform

import (
	"maps"
	"slices"

	"github.com/shopex/prism-go/apijson"
)

// serviceSecrets are what no record of a call shows, beside what is secret anyway.
type serviceSecrets struct {
	names  []string // of parameters
	values []string // of config values, wherever they stand
}

// newServiceSecrets finds what is secret of a service: signatures, and config values that
// are shown to nobody.
func newServiceSecrets(file *apijson.Service, set *Service) (s serviceSecrets) {
	for _, v := range file.ConfigValues {
		if isSecret(file, v.Name) {
			s.values = append(s.values, v.Default)
		}
	}
	for _, values := range append(slices.Collect(maps.Values(set.Nodes)), set.Config) {
		for name, value := range values {
			if name != "@url" && isSecret(file, name) {
				s.values = append(s.values, value)
			}
		}
	}
	for _, p := range file.GlobalParams {
		if p.ValueType == apijson.Sign || p.ValueType == apijson.Config && isSecret(file, p.Format) {
			s.names = append(s.names, p.Name)
		}
	}
	return s
}
