package platform

import (
	"context"
	"crypto/sha256"
	"encoding/base32"
	"errors"
	"strings"
)

// A Role is what the keys of an [App] may provision, if they are no admin keys. Apps and
// services that they have made belong to their app, and they see no others.
type Role string

const (
	// DeveloperRole makes apps, and keys of these.
	DeveloperRole Role = "developer"
	// ProviderRole may do what DeveloperRole may; and imports, refreshes and configures
	// services.
	ProviderRole Role = "provider"
)

func (r Role) valid() bool { return r == "" || r == DeveloperRole || r == ProviderRole }

// covers reports whether r may do what other may.
func (r Role) covers(other Role) bool {
	return r == other || r == ProviderRole && other == DeveloperRole
}

// A member is an app with an Email: a person or company that provisions with a key of its
// own.

const (
	emailBytes    = 254
	memberIDBytes = 16
)

// memberID returns the ID of the app of a member. It follows from the email, so that two
// members of a domain cannot have the same one.
func memberID(domain, email string) string {
	sum := sha256.Sum256([]byte(domain + "\x00" + strings.ToLower(email)))
	return strings.ToLower(base32.StdEncoding.EncodeToString(sum[:]))[:memberIDBytes]
}

// isEmail reports whether text may be the email of a member. It stands in paths.
func isEmail(text string) bool {
	name, host, ok := strings.Cut(text, "@")
	return ok && name != "" && host != "" && len(text) <= emailBytes && isLine(text) && isText(text) &&
		!strings.ContainsAny(host, "@") && !strings.ContainsAny(text, " /?#\\")
}

// leaveApps makes the apps that a member has made those of no member, so that no later
// member with its ID has them.
func (r *Registry) leaveApps(ctx context.Context, member string) error {
	apps, err := r.Apps(ctx)
	for _, app := range apps {
		if app.Member != member {
			continue
		}
		_, left := r.UpdateApp(ctx, app.ID, func(app *App) error {
			if app.Member == member {
				app.Member = ""
			}
			return nil
		})
		if !errors.Is(left, ErrUnknownApp) {
			err = errors.Join(err, left)
		}
	}
	return err
}
