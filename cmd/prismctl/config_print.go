package main

import (
	"fmt"
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

// printConfig prints what is in force, as a file of settings that says where
// each value is from. It shows no secret.
func (c *serveCmd) printConfig(t *tool, k *kong.Context) error {
	var b strings.Builder
	c.printKey(&b, t)
	if c.lists.Redirects != nil {
		fmt.Fprintf(&b, "%s # %s\n", assignment("redirects", c.lists.Redirects), c.whose["redirects"])
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
		note := c.from[setting]
		if flag.Hidden {
			note += "; " + flag.Help
		}
		fmt.Fprintf(&b, "%s # %s\n", assignment(name, inForce(setting, flag.Target)), note)
	}
	if err := c.printLists(&b); err != nil {
		return err
	}
	return t.write([]byte(b.String()))
}

// printKey tells of the key and the secrets that no file gives.
func (c *serveCmd) printKey(b *strings.Builder, t *tool) {
	for _, given := range []struct{ what, value, source string }{
		{"the key " + c.Key, c.Key, "--key"},
		{"the key " + t.env("PRISM_KEY"), t.env("PRISM_KEY"), "PRISM_KEY"},
		{"its secret", c.SecretFile, "--secret-file " + c.SecretFile},
		{"its secret", t.env("PRISM_SECRET"), "PRISM_SECRET"},
		{"the secret of admin-key", t.env("PRISM_ADMIN_SECRET"), "PRISM_ADMIN_SECRET"},
	} {
		if given.value != "" {
			fmt.Fprintf(b, "# %s is from %s\n", given.what, given.source)
		}
	}
}

// printLists writes the lists as tables, each with its source above.
func (c *serveCmd) printLists(b *strings.Builder) error {
	l := c.lists
	l.Users = slices.Clone(l.Users)
	for i := range l.Users {
		if l.Users[i].PasswordHash != "" {
			l.Users[i].PasswordHash = hidden
		}
	}
	for _, list := range []struct {
		name string
		of   lists
		size int
	}{
		{"app", lists{Apps: l.Apps}, len(l.Apps)},
		{"key", lists{Keys: l.Keys}, len(l.Keys)},
		{"binding", lists{Bindings: l.Bindings}, len(l.Bindings)},
		{"user", lists{Users: l.Users}, len(l.Users)},
	} {
		if list.size == 0 {
			continue
		}
		text, err := toml.Marshal(list.of)
		if err != nil {
			return fmt.Errorf("%s cannot be printed: %w", list.name, err)
		}
		fmt.Fprintf(b, "\n# %s\n%s", c.whose[list.name], text)
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
			return "warn"
		}
	}
	return value.Interface()
}
