package platform

import (
	"fmt"
	"slices"
	"strings"

	"github.com/shopex/prism-go/apijson"
)

// changesOf returns the differences between two versions of an api.json that callers
// notice.
func changesOf(before, after *apijson.Service) []changeDoc {
	var all []changeDoc
	if before.Prefix != after.Prefix {
		all = append(all, changeDoc{Breaking: true, Text: fmt.Sprintf("the prefix was %s and is %s", before.Prefix, after.Prefix)})
	}
	if before.Mode != after.Mode || before.Mode == apijson.Param && before.ParamName != after.ParamName {
		all = append(all, changeDoc{Breaking: true, Text: "APIs are found in another way"})
	}
	for i := range before.APIs {
		old := &before.APIs[i]
		if now := after.API(old.ID); now == nil {
			all = append(all, changeDoc{API: old.ID, Breaking: true, Text: "is gone"})
		} else {
			all = append(all, changesOfAPI(old, now)...)
		}
	}
	for i := range after.APIs {
		if id := after.APIs[i].ID; before.API(id) == nil {
			all = append(all, changeDoc{API: id, Text: "is new"})
		}
	}
	return all
}

func changesOfAPI(old, now *apijson.API) []changeDoc {
	var all []changeDoc
	note := func(breaking bool, text string) {
		all = append(all, changeDoc{API: now.ID, Breaking: breaking, Text: text})
	}
	if old.Path != now.Path {
		note(true, fmt.Sprintf("the path was %q and is %q", old.Path, now.Path))
	}
	for _, method := range old.Methods {
		if len(now.Methods) > 0 && !slices.Contains(now.Methods, method) {
			note(true, "no longer takes "+method)
		}
	}
	if len(old.Methods) == 0 && len(now.Methods) > 0 {
		note(true, "takes only "+strings.Join(now.Methods, " and "))
	}
	if old.RequireOAuth != now.RequireOAuth {
		note(now.RequireOAuth, fmt.Sprintf("needs a user: %t", now.RequireOAuth))
	}
	for _, param := range now.Params {
		i := slices.IndexFunc(old.Params, func(p apijson.Parameter) bool { return p.Name == param.Name })
		if param.Required && (i < 0 || !old.Params[i].Required) {
			note(true, fmt.Sprintf("requires the parameter %s", param.Name))
		}
	}
	return all
}
