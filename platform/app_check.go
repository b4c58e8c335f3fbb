package platform

import (
	"errors"
	"fmt"
)

// Check reports whether an app is one that platform/app/create and the calls for
// its permissions could have made.
func (a App) Check() error {
	switch {
	case len(a.ID) > idBytes || !isID(a.ID):
		return fmt.Errorf("platform: the ID of an app must be 1 to %d letters, digits, - and _", idBytes)
	case len(a.Name) > nameBytes || len(a.Summary) > textBytes:
		return fmt.Errorf("platform: the name of an app has at most %d bytes and its summary %d", nameBytes, textBytes)
	case !isText(a.Name) || !isText(a.Summary):
		return errors.New("platform: the name and the summary of an app must be UTF-8 without control characters other than line breaks")
	case !a.Role.valid():
		return fmt.Errorf("platform: the Role of an app is %q, %q or none, not %q", DeveloperRole, ProviderRole, string(a.Role))
	case a.Email != "" && !isEmail(a.Email):
		return errors.New("platform: the Email of an app must be an address such as name@shop.example")
	}
	for _, list := range []struct {
		name     string
		patterns []string
	}{{"publish", a.Publish}, {"listen", a.Listen}} {
		if err := checkPatterns(list.patterns); err != nil {
			return fmt.Errorf("platform: what an app may %s: %w", list.name, err)
		}
	}
	return checkBindings(a.APIs)
}
