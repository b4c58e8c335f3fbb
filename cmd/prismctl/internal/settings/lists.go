package settings

import (
	"cmp"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/shopex/prism-go/platform"
)

// Lists is what a file has any number of. A slice that is nil was not given.
type Lists struct {
	Redirects []string  `toml:"redirects"`
	Apps      []App     `toml:"app"`
	Keys      []Key     `toml:"key"`
	Bindings  []Binding `toml:"binding"`
	Users     []User    `toml:"user"`
}

// An App changes of an app what it gives. One that is made without Publish or Listen may
// publish or listen to nothing, unless the first key is one of its keys.
type App struct {
	ID        string   `toml:"id"`
	Name      string   `toml:"name,omitempty"`
	Domain    string   `toml:"domain,omitempty"`
	Redirects []string `toml:"redirects"`
	Publish   []string `toml:"publish"`
	Listen    []string `toml:"listen"`
}

// A Key is one of an app.
type Key struct {
	ID         string `toml:"id"`
	App        string `toml:"app"`
	SecretFile string `toml:"secret-file"`
	Admin      bool   `toml:"admin,omitempty"`
}

// A Binding is one that the queues of a new key begin with.
type Binding struct {
	Pattern string `toml:"pattern"`
	Topic   string `toml:"topic"`
}

// A User can sign in.
type User struct {
	Login        string `toml:"login"`
	PasswordFile string `toml:"password-file,omitempty"`
	PasswordHash string `toml:"password-hash,omitempty"`
}

// ListFlags are the lists on the command line. Each stands in place of that of
// the file.
type ListFlags struct {
	Bind     []string `sep:"none" placeholder:"PATTERN=TOPIC" help:"Bind the queue of TOPIC of each new key to PATTERN; the empty TOPIC is its default queue. May be repeated. Without it, only the first key begins with its default queue bound to #: the one that this makes, or that of PRISM_KEY."`
	App      []string `sep:"none" placeholder:"ID[=NAME]" help:"An app, made if it is not there; then it may publish and listen to nothing until an admin key says otherwise, or [[app]] in the file. May be repeated."`
	AppKey   []string `is:"file" sep:"none" placeholder:"ID:APP:FILE" help:"A key of an app, with the secret in FILE, instead of a new key. May be repeated."`
	User     []string `is:"file" sep:"none" placeholder:"NAME:FILE" help:"A user who can sign in, with the password in FILE, instead of a new user. May be repeated."`
	Redirect []string `sep:"none" placeholder:"URL" help:"An address that the browser may be sent back to after a login or a logout; on 127.0.0.1 and localhost with any port. May be repeated. Without it: /callback, /auth/callback and / of this machine."`
}

// over lays the flags over the lists of the file, and returns where each is from.
func (f *ListFlags) over(file *file) (Lists, Sources, error) {
	var l Lists
	from := Sources{"redirects": "--redirect", "app": "--app", "key": "--app-key", "binding": "--bind", "user": "--user"}
	if file != nil {
		l = file.lists
		for list := range from {
			if (f.of(list)) == nil {
				from[list] = file.name + ": " + list
			}
		}
	}
	if f.Redirect != nil {
		l.Redirects = f.Redirect
	}
	err := errors.Join(
		replaced(&l.Bindings, f.Bind, parseBinding),
		replaced(&l.Apps, f.App, parseApp),
		replaced(&l.Keys, f.AppKey, parseKey),
		replaced(&l.Users, f.User, parseUser))
	if err != nil {
		return l, from, err
	}
	return l, from, l.check(from)
}

func (f *ListFlags) of(list string) []string {
	return map[string][]string{"redirects": f.Redirect, "app": f.App, "key": f.AppKey, "binding": f.Bind, "user": f.User}[list]
}

// replaced puts the entries of a flag in place of list, if there are any.
func replaced[T any](list *[]T, flag []string, parse func(string) (T, error)) error {
	if flag == nil {
		return nil
	}
	*list = nil
	for _, text := range flag {
		entry, err := parse(text)
		if err != nil {
			return err
		}
		*list = append(*list, entry)
	}
	return nil
}

func parseBinding(text string) (Binding, error) {
	pattern, topic, ok := strings.Cut(text, "=")
	if !ok || pattern == "" {
		return Binding{}, fmt.Errorf("--bind: %q is no binding: write PATTERN=TOPIC, such as order.#=orders", text)
	}
	return Binding{pattern, topic}, nil
}

func parseApp(text string) (App, error) {
	id, name, _ := strings.Cut(text, "=")
	return App{ID: id, Name: name}, nil
}

func parseKey(text string) (Key, error) {
	parts := strings.SplitN(text, ":", 3)
	if len(parts) < 3 || slices.Contains(parts, "") {
		return Key{}, fmt.Errorf("--app-key: %q is no key: write ID:APP:FILE, such as shop1:shop:shop1.secret", text)
	}
	return Key{ID: parts[0], App: parts[1], SecretFile: parts[2]}, nil
}

func parseUser(text string) (User, error) {
	name, file, _ := strings.Cut(text, ":")
	if name == "" || file == "" {
		return User{}, fmt.Errorf("--user: %q is no user: write NAME:FILE, such as alice:password.txt", text)
	}
	return User{Login: name, PasswordFile: file}, nil
}

// check returns what is wrong with lists that have these Sources.
func (l *Lists) check(from Sources) error {
	return cmp.Or(
		l.checkApps(from["app"]),
		l.checkKeys(from["key"]),
		l.checkBindings(from["binding"]),
		l.checkUsers(from["user"]),
		checkRedirects(from["redirects"], l.Redirects))
}

func (l *Lists) checkApps(from string) error {
	for i, app := range l.Apps {
		err := platform.App{ID: app.ID, Name: app.Name, Publish: app.Publish, Listen: app.Listen}.Check()
		if err != nil {
			return fmt.Errorf("%s: %s", nth(from, i, app.ID), strings.TrimPrefix(err.Error(), "platform: "))
		}
		if err := checkRedirects(nth(from, i, app.ID), app.Redirects); err != nil {
			return err
		}
	}
	return distinct(from, "id", l.Apps, func(a App) string { return a.ID })
}

func (l *Lists) checkKeys(from string) error {
	for i, key := range l.Keys {
		if key.App == "" || key.SecretFile == "" {
			return fmt.Errorf("%s: the key needs an app and a secret-file", nth(from, i, key.ID))
		}
		if err := (platform.App{ID: key.App}).Check(); err != nil {
			return fmt.Errorf("%s: %s", nth(from, i, key.ID), strings.TrimPrefix(err.Error(), "platform: "))
		}
	}
	return distinct(from, "id", l.Keys, func(k Key) string { return k.ID })
}

func (l *Lists) checkBindings(from string) error {
	for i, binding := range l.Bindings {
		if binding.Pattern == "" {
			return fmt.Errorf("%s: a binding needs a pattern, such as order.#", nth(from, i, binding.Topic))
		}
	}
	return nil
}

func (l *Lists) checkUsers(from string) error {
	for i, user := range l.Users {
		if (user.PasswordFile == "") == (user.PasswordHash == "") {
			return fmt.Errorf("%s: the user needs either a password-file or a password-hash", nth(from, i, user.Login))
		}
		if err := checkHash(user.PasswordHash); err != nil {
			return fmt.Errorf("%s: %w", nth(from, i, user.Login), err)
		}
	}
	return distinct(from, "name", l.Users, func(u User) string { return u.Login })
}

// checkHash returns what is wrong with a password-hash. With few iterations it is
// soon guessed, and with too many a login takes too long.
func checkHash(hash string) error {
	if hash == "" {
		return nil
	}
	n, err := platform.PasswordIterations(hash)
	if err != nil || platform.MinIterations <= n && n <= platform.MaxIterations {
		return nil // what is no hash is refused by the start
	}
	return fmt.Errorf("the password-hash has %d iterations; it must have %d to %d: make it anew by \"prismctl hash-password\"", n, platform.MinIterations, platform.MaxIterations)
}

// nth says which entry of a list it is, with its name if it has one.
func nth(from string, i int, name string) string {
	if name == "" {
		return fmt.Sprintf("%s, number %d", from, i+1)
	}
	return fmt.Sprintf("%s, number %d (%q)", from, i+1, name)
}

// distinct reports whether every entry has a name, and no two the same.
func distinct[T any](from, what string, entries []T, name func(T) string) error {
	var seen []string
	for i, entry := range entries {
		n := name(entry)
		if n == "" {
			return fmt.Errorf("%s: the %s is empty", nth(from, i, ""), what)
		}
		if first := slices.Index(seen, n); first >= 0 {
			return fmt.Errorf("%s: number %d has the same %s", nth(from, i, n), first+1, what)
		}
		seen = append(seen, n)
	}
	return nil
}

func checkRedirects(from string, redirects []string) error {
	for _, redirect := range redirects {
		if !isRedirect(redirect) {
			return fmt.Errorf("%s: %q is no address to come back to: write a whole URL without a fragment, such as http://127.0.0.1/callback", from, withoutUser(redirect))
		}
	}
	return nil
}

func isRedirect(address string) bool {
	u, err := url.Parse(address)
	if err != nil || u.Scheme == "" || u.Opaque != "" || u.User != nil || strings.ContainsAny(address, "# ") {
		return false
	}
	return u.Host != "" || u.Scheme != "http" && u.Scheme != "https" // such as myapp:/callback
}
