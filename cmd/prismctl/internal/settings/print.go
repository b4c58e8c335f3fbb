package settings

import (
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/BurntSushi/toml"
	"github.com/alecthomas/kong"

	"github.com/shopex/prism-go/platform/jetstream"
)

// hidden stands for a secret.
const hidden = "***"

// Print writes what is in force, as a file of settings that says where each value
// is from. Key and secretFile are what the command line says of the key. It shows
// no secret.
func (s *Serve) Print(to io.Writer, k *kong.Context, env func(string) string, key, secretFile string) error {
	var b strings.Builder
	printKey(&b, env, key, secretFile)
	if s.Lists.Redirects != nil {
		fmt.Fprintf(&b, "%s # %s\n", assignment("redirects", s.Lists.Redirects), s.Whose["redirects"])
	}
	table := ""
	for _, flag := range settingsOf(k) {
		name := flag.Tag.Get("config")
		if head, rest, ok := strings.Cut(name, "."); ok {
			if head != table {
				fmt.Fprintf(&b, "\n[%s]\n", head)
			}
			table, name = head, rest
		}
		setting := flag.Tag.Get("config")
		note := s.From[setting]
		if flag.Hidden {
			note += "; " + flag.Help
		}
		fmt.Fprintf(&b, "%s # %s\n", assignment(name, inForce(setting, flag.Target)), note)
	}
	if err := s.printLists(&b); err != nil {
		return err
	}
	_, err := io.WriteString(to, b.String())
	return err
}

// printKey tells of the key and the secrets that no file gives.
func printKey(b *strings.Builder, env func(string) string, key, secretFile string) {
	for _, given := range []struct{ what, value, source string }{
		{"the key " + key, key, "--key"},
		{"the key " + env("PRISM_KEY"), env("PRISM_KEY"), "PRISM_KEY"},
		{"its secret", secretFile, "--secret-file " + secretFile},
		{"its secret", env("PRISM_SECRET"), "PRISM_SECRET"},
		{"the secret of admin-key", env("PRISM_ADMIN_SECRET"), "PRISM_ADMIN_SECRET"},
		{"the secret of users-http-key", env("PRISM_USERS_HTTP_SECRET"), "PRISM_USERS_HTTP_SECRET"},
		{"the address of the database of users-sql", env("PRISM_USERS_SQL_DSN"), "PRISM_USERS_SQL_DSN"},
	} {
		if given.value != "" {
			fmt.Fprintf(b, "# %s is from %s\n", given.what, given.source)
		}
	}
}

// printLists writes the lists as tables, each with its source above.
func (s *Serve) printLists(b *strings.Builder) error {
	l := s.Lists
	l.Users = slices.Clone(l.Users)
	for i := range l.Users {
		if l.Users[i].PasswordHash != "" {
			l.Users[i].PasswordHash = hidden
		}
	}
	for _, list := range []struct {
		name string
		of   Lists
		size int
		note string
	}{
		{"app", Lists{Apps: l.Apps}, len(l.Apps), "# An app that is made without publish may publish nothing, and without listen it may listen to nothing, unless it is that of the first key.\n"},
		{"key", Lists{Keys: l.Keys}, len(l.Keys), ""},
		{"binding", Lists{Bindings: l.Bindings}, len(l.Bindings), "# What the queues of a new key begin with.\n"},
		{"user", Lists{Users: l.Users}, len(l.Users), ""},
	} {
		if list.size == 0 {
			continue
		}
		text, err := toml.Marshal(list.of)
		if err != nil {
			return fmt.Errorf("%s cannot be printed: %w", list.name, err)
		}
		fmt.Fprintf(b, "\n%s# %s\n%s", list.note, s.Whose[list.name], text)
	}
	if len(l.Bindings) == 0 {
		fmt.Fprint(b, "\n# There is no binding: the queues of a new key are bound to nothing, but the default queue of the first key to #. That is the key of PRISM_KEY, or the one that serve makes.\n")
	}
	return nil
}

// assignment is a line of TOML.
func assignment(name string, value any) string {
	text, err := toml.Marshal(map[string]any{name: value})
	if err != nil {
		return "# " + name + " cannot be printed: " + err.Error()
	}
	return strings.TrimSpace(string(text))
}

// withoutUser returns an address without what stands in front of its host.
func withoutUser(address string) string {
	at := strings.LastIndexByte(address, '@')
	if at < 0 {
		return address
	}
	scheme, _, _ := strings.Cut(address[:at], "://")
	return scheme + "://" + hidden + address[at:]
}

// inForce returns the value of a setting as a file has it.
func inForce(name string, value reflect.Value) any {
	switch v := value.Interface().(type) {
	case time.Duration:
		return v.String()
	case string:
		switch {
		case name == "nats":
			return jetstream.WithoutPassword(v)
		case name == "log-level" && v == "":
			return "info"
		}
	case []string:
		if v == nil {
			return []string{} // nil has no line
		}
	}
	return value.Interface()
}
