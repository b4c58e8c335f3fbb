package seed

import (
	"context"
	"maps"
	"slices"

	"github.com/shopex/prism-go/apijson"
	"github.com/shopex/prism-go/platform"
)

// Known returns the services that an earlier start has from the same name or address, as
// they are now.
func Known(ctx context.Context, store platform.Store, registry *platform.Registry, from string) (all []Service, err error) {
	s := &seeder{store: store, registry: registry}
	gifts, err := s.allGiven(ctx)
	if err != nil {
		return nil, err
	}
	for _, id := range slices.Sorted(maps.Keys(gifts)) {
		g := gifts[id]
		if g.Kind != giftService || g.From != from && g.From != "" { // it was not always noted
			continue
		}
		there, err := s.serviceOf(ctx, g.ID)
		if err != nil {
			return nil, err
		}
		one := Service{File: &apijson.Service{Prefix: g.ID}, From: from} // of one that was deleted, and stays so
		switch {
		case there == nil && g.From == "", there != nil && g.From == "" && there.Source != from:
			continue
		case there != nil:
			one.Source = there.Source
			if one.File, err = apijson.Parse(there.File); err != nil {
				return nil, err
			}
		}
		all = append(all, one)
	}
	return all, nil
}
