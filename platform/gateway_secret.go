package platform

import (
	"slices"

	"github.com/shopex/prism-go/apijson"
)

// serviceSecrets are what no record of a call shows, beside what is secret anyway.
type serviceSecrets struct {
	names  []string // of parameters
	values []string // of config values, wherever they stand
}

// newServiceSecrets finds what is secret of a service: signatures, and config values that
// are marked so.
func newServiceSecrets(file *apijson.Service, set *Service) (s serviceSecrets) {
	var secret []string
	for _, v := range file.ConfigValues {
		if !v.Secret {
			continue
		}
		secret = append(secret, v.Name)
		s.values = append(s.values, v.Default, set.Config[v.Name])
		for _, node := range set.Nodes {
			s.values = append(s.values, node[v.Name])
		}
	}
	for _, p := range file.GlobalParams {
		if p.ValueType == apijson.Sign || p.ValueType == apijson.Config && slices.Contains(secret, p.Format) {
			s.names = append(s.names, p.Name)
		}
	}
	return s
}
