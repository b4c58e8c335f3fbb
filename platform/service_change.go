package platform

import "github.com/shopex/prism-go/apijson"

// changesOf returns the differences between two versions of an api.json.
func changesOf(before, after *apijson.Service) []changeDoc { return nil }
