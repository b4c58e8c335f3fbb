package settings

import (
	"errors"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"

	"github.com/BurntSushi/toml"
	"github.com/shopex/prism-go/cmd/prismctl/internal/files"
)

// A file is what a file of settings says. A nil one says nothing.
type file struct {
	name    string
	text    string
	scalars map[string]any
	lists   Lists
}

// readSettings reads the file of settings of serve, which other commands take
// some of. Without a name there is none.
func readSettings(name string) (*file, error) {
	if name == "" {
		return nil, nil
	}
	return readConfig(name, settingNames())
}

// settingNames returns the names of all settings of one value.
func settingNames() (names []string) {
	for _, all := range []reflect.Type{reflect.TypeFor[Serve](), reflect.TypeFor[Log]()} {
		for _, field := range reflect.VisibleFields(all) {
			if name := field.Tag.Get("config"); name != "" {
				names = append(names, name)
			}
		}
	}
	return names
}

// readConfig reads a file of settings, of which those of one value have these
// names, such as limits.window. It refuses every other name.
func readConfig(name string, settings []string) (*file, error) {
	text, err := os.ReadFile(files.AtHome(name))
	if err != nil {
		return nil, fmt.Errorf("the configuration cannot be read: %w", err)
	}
	f, err := parseConfig(name, files.WithoutMark(string(text)), settings)
	if err != nil {
		return nil, err
	}
	return f, f.checkMode()
}

func parseConfig(name, text string, settings []string) (*file, error) {
	f := &file{name: name, text: text}
	meta, err := toml.Decode(text, &f.lists)
	if err == nil {
		_, err = toml.Decode(text, &f.scalars)
	}
	if err != nil {
		return nil, f.unreadable(err)
	}
	for _, key := range meta.Undecoded() {
		if key := key.String(); !f.isSetting(key, settings) {
			return nil, f.unknown(key, settings)
		}
	}
	return f, nil
}

// isSetting reports whether key is one of the settings, or a table of them.
func (f *file) isSetting(key string, settings []string) bool {
	_, table := f.scalars[key].(map[string]any)
	return slices.ContainsFunc(settings, func(s string) bool { return s == key || table && strings.HasPrefix(s, key+".") })
}

// unreadable says where the text is no TOML, or has a value of the wrong kind.
// It does not show the line, which may hold a hash.
func (f *file) unreadable(err error) error {
	var parse toml.ParseError
	if errors.As(err, &parse) {
		return fmt.Errorf("%s:%d: %s", f.name, parse.Position.Line, parse.Message)
	}
	return fmt.Errorf("%s: %w", f.name, err)
}

func (f *file) unknown(key string, settings []string) error {
	line := f.line(func(keys []string) bool { return slices.Contains(keys, key) })
	text := fmt.Sprintf("%s:%d: there is no setting %s", f.name, line, key)
	if near := nearest(key, append(listNames(), settings...)); near != "" {
		text += "; did you mean " + near + "?"
	}
	return errors.New(text)
}

// line returns the number of the first line with which the keys of the file so
// far pass a test. Only the parser knows where a key of TOML begins.
func (f *file) line(pass func(keys []string) bool) int {
	lines := strings.SplitAfter(f.text, "\n")
	for n := range lines {
		var all map[string]any
		meta, err := toml.Decode(strings.Join(lines[:n+1], ""), &all)
		if err != nil {
			continue // within a value of several lines
		}
		var keys []string
		for _, key := range meta.Keys() {
			keys = append(keys, key.String())
		}
		if pass(keys) {
			return n + 1
		}
	}
	return len(lines)
}

// scalar returns the value of a setting.
func (f *file) scalar(name string) (any, bool) {
	if f == nil {
		return nil, false
	}
	table := f.scalars
	if head, rest, ok := strings.Cut(name, "."); ok {
		table, _ = table[head].(map[string]any)
		name = rest
	}
	value, ok := table[name]
	return value, ok
}

// source says where a setting stands.
func (f *file) source(name string) string {
	line := f.line(func(keys []string) bool { return slices.Contains(keys, name) })
	return fmt.Sprintf("%s:%d: %s", f.name, line, name)
}

// listNames returns the names within the lists of a file.
func listNames() []string {
	var names []string
	for _, list := range reflect.VisibleFields(reflect.TypeFor[Lists]()) {
		head := tomlName(list)
		names = append(names, head)
		if entry := list.Type.Elem(); entry.Kind() == reflect.Struct {
			for _, field := range reflect.VisibleFields(entry) {
				names = append(names, head+"."+tomlName(field))
			}
		}
	}
	return names
}

func tomlName(field reflect.StructField) string {
	name, _, _ := strings.Cut(field.Tag.Get("toml"), ",")
	return name
}

// checkMode refuses a file with secrets that others may read, and one that
// everybody may change.
func (f *file) checkMode() error {
	info, err := os.Stat(files.AtHome(f.name))
	if err != nil {
		return fmt.Errorf("the configuration cannot be read: %w", err)
	}
	if f.holdsSecret() || files.OpenTo(info) != "" && info.Mode().Perm()&0o002 != 0 {
		return files.CheckFile(files.AtHome(f.name))
	}
	return nil
}

// holdsSecret reports whether there is a hash of a password, which can be
// guessed at, or the password of a server.
func (f *file) holdsSecret() bool {
	nats, _ := f.scalars["nats"].(string)
	return slices.ContainsFunc(f.lists.Users, func(u User) bool { return u.PasswordHash != "" }) || strings.Contains(nats, "@")
}
