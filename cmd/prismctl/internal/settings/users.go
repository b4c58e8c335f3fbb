package settings

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Elsewhere says who knows the users, if the platform's own records do not.
type Elsewhere struct {
	UsersHTTPURL        string        `name:"users-http-url" config:"users-http-url" placeholder:"URL" help:"Ask this HTTP API who a user is, instead of keeping users: login and password are posted as a signed form."`
	UsersHTTPKey        string        `name:"users-http-key" config:"users-http-key" placeholder:"KEY" help:"The key that signs for --users-http-url."`
	UsersHTTPSecretFile string        `is:"file" name:"users-http-secret-file" config:"users-http-secret-file" placeholder:"FILE" help:"A file with the secret of --users-http-key, instead of PRISM_USERS_HTTP_SECRET."`
	UsersHTTPMeta       []string      `name:"users-http-meta" config:"users-http-meta" placeholder:"NAME=VALUE,..." help:"Further parameters for --users-http-url."`
	UsersHTTPMember     string        `name:"users-http-member" config:"users-http-member" placeholder:"PATH" help:"The member of its answer that is the user, such as result.user; without it, the whole answer is."`
	UsersHTTPID         string        `name:"users-http-id" config:"users-http-id" default:"id" placeholder:"NAME" help:"The member of the user that is the ID (${default})."`
	UsersHTTPCheckURL   string        `name:"users-http-check-url" config:"users-http-check-url" placeholder:"URL" help:"Ask this HTTP API whether a user may still be logged in: it gets the form without the password, and answers likewise. Without it a login lasts as long as --session-life says."`
	UsersHTTPPlain      bool          `name:"users-http-plain" config:"users-http-plain" help:"Allow http to other machines for --users-http-url. Everyone on the way can read the passwords then."`
	UsersSQL            string        `name:"users-sql" config:"users-sql" placeholder:"postgres|mysql" help:"Ask a database of this kind who a user is, instead of keeping users."`
	UsersSQLFile        string        `is:"file" name:"users-sql-file" config:"users-sql-file" placeholder:"FILE" help:"A file with where that database is, and the password for it, instead of PRISM_USERS_SQL_DSN: postgres://user:password@host/db, or user:password@tcp(host:3306)/db for MySQL."`
	UsersQuery          string        `config:"users-query" sep:"none" placeholder:"SQL" help:"The query for a login, which is $1, or ? for MySQL: its first column is the user's ID, the second the hash of the password, others are data for apps."`
	UsersIDColumn       string        `name:"users-id-column" config:"users-id-column" placeholder:"NAME" help:"The column with the ID, if it is not the first."`
	UsersHashColumn     string        `config:"users-hash-column" placeholder:"NAME" help:"The column with the hash, if it is not the second."`
	UsersHash           string        `config:"users-hash" default:"auto" placeholder:"auto|md5|sha1|query" help:"What the hashes are: those of prismctl hash-password and bcrypt (${default}), or old ones in hex. With query, the query gets the password as $2 and has a row only if it is right."`
	UsersOnSuccess      string        `config:"users-on-success" placeholder:"SQL" help:"A statement to run after a login, with the login as its parameter."`
	UsersOnFailure      string        `config:"users-on-failure" placeholder:"SQL" help:"A statement to run after a wrong password."`
	UsersCheckEvery     time.Duration `config:"users-check-every" default:"1m" placeholder:"D" help:"How long it may take until a user is logged out who may not log in there any more, or has another password (${default}); 0 is for ever, for a database."`
	UsersCheckQuery     string        `config:"users-check-query" sep:"none" placeholder:"SQL" help:"The query for that, in place of --users-query: the user is logged out when it has no row for the login, or any of its columns changes."`
	UsersTimeout        time.Duration `config:"users-timeout" default:"10s" placeholder:"D" help:"How long whoever knows the users may take for a login (${default})."`
}

// Asked reports whether the users are elsewhere.
func (e *Elsewhere) Asked() bool { return e.UsersHTTPURL != "" || e.UsersSQL != "" }

func (e *Elsewhere) check(from Sources) error {
	switch {
	case e.UsersHTTPURL != "" && e.UsersSQL != "":
		return fmt.Errorf("%s and %s are both set: users are either behind an API or in a database", from["users-http-url"], from["users-sql"])
	case e.UsersCheckEvery < 0 || e.UsersCheckEvery == 0 && e.UsersHTTPCheckURL != "":
		return fmt.Errorf("%s must be more than 0, such as 1m; for a database it may be 0, which is never", from["users-check-every"])
	case e.UsersTimeout <= 0:
		return fmt.Errorf("%s must be more than 0, such as 10s", from["users-timeout"])
	case !slices.Contains([]string{"auto", "md5", "sha1", "query"}, e.UsersHash):
		return fmt.Errorf("%s: %q is no kind of hash: use auto, md5, sha1 or query", from["users-hash"], e.UsersHash)
	case e.UsersHash == "query" && e.UsersHashColumn != "":
		return fmt.Errorf("%s: with users-hash query there is no hash, as the query checks the password", from["users-hash-column"])
	}
	for _, pair := range e.UsersHTTPMeta {
		if name, _, ok := strings.Cut(pair, "="); !ok || name == "" {
			return fmt.Errorf("%s: write NAME=VALUE, such as shop=7", from["users-http-meta"])
		}
	}
	for _, one := range []struct {
		of, name string
		set      bool
	}{
		{"users-http-url", "users-http-key", e.UsersHTTPKey != ""}, {"users-http-url", "users-http-secret-file", e.UsersHTTPSecretFile != ""},
		{"users-http-url", "users-http-meta", e.UsersHTTPMeta != nil}, {"users-http-url", "users-http-member", e.UsersHTTPMember != ""},
		{"users-http-url", "users-http-check-url", e.UsersHTTPCheckURL != ""}, {"users-sql", "users-check-query", e.UsersCheckQuery != ""},
		{"users-sql", "users-sql-file", e.UsersSQLFile != ""}, {"users-sql", "users-query", e.UsersQuery != ""},
		{"users-sql", "users-on-success", e.UsersOnSuccess != ""}, {"users-sql", "users-on-failure", e.UsersOnFailure != ""},
	} {
		if asked := map[string]string{"users-http-url": e.UsersHTTPURL, "users-sql": e.UsersSQL}[one.of]; one.set && asked == "" {
			return fmt.Errorf("%s does nothing without %s: set it, too", from[one.name], one.of)
		}
	}
	switch {
	case e.UsersHTTPURL != "" && e.UsersHTTPKey == "":
		return fmt.Errorf("%s needs users-http-key, to sign with", from["users-http-url"])
	case e.UsersSQL == "":
		return nil
	case e.UsersSQL != "postgres" && e.UsersSQL != "mysql":
		return fmt.Errorf("%s: %q is no kind of database: use postgres or mysql", from["users-sql"], e.UsersSQL)
	case e.UsersQuery == "":
		return fmt.Errorf("%s needs users-query, such as \"select id, password from members where login = $1\"", from["users-sql"])
	}
	return nil
}
