//go:build unix

package main

import (
	"database/sql"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/lib/pq"
	"golang.org/x/crypto/bcrypt"

	"github.com/shopex/prism-go/internal/postgres"
	"github.com/shopex/prism-go/platform"
	"github.com/shopex/prism-go/sign"
)

func TestUsersOfPostgreSQLSignIn(t *testing.T) {
	dsn := postgres.Start(t)
	if dsn == "" {
		return
	}
	connector, err := pq.NewConnector(dsn)
	if err != nil {
		t.Fatal(err)
	}
	signInFrom(t, "postgres", dsn, sql.OpenDB(connector), "$1")
}

// signInFrom lets users of a database sign in, and takes one away.
func signInFrom(t *testing.T, kind, dsn string, db *sql.DB, parameter string) {
	t.Helper()
	defer db.Close()
	fillMembers(t, db)
	s := serve(t, nil, "--users-sql", kind, "--users-sql-file", inFile(t, "dsn", dsn), "--users-check-every", "1ns",
		"--users-query", "select id, password, mail, since, paid from members where login = "+parameter,
		"--users-on-success", "update members set seen = seen + 1 where login = "+parameter)
	if s.User != "" {
		t.Errorf("the first line is %s", s.first)
	}
	for name, id := range map[string]string{"ann": "7", "bob": "8"} {
		s.signIn(t, name, "password of "+name).want(t, exitDone, "Signed in as "+name+" (user "+id+")\n", "The browser opens, to sign in")
	}
	s.do("user list").want(t, exitRefused, "", "asks elsewhere")
	var seen int
	if err := db.QueryRow("select sum(seen) from members").Scan(&seen); err != nil || seen != 2 {
		t.Errorf("%d logins were noted, %v", seen, err)
	}
	gus := personAt(t, s, "gus", "password of ann")
	gus.do("whoami").want(t, exitDone, "gus (user 10)\n", "")
	if r := gus.do("whoami", "--output", "json"); !strings.Contains(r.out, `"since":"2024-05-01`) || !strings.Contains(r.out, `"paid":"12.50"`) || !strings.Contains(r.out, `"mail":"gus 中@example.com"`) {
		t.Errorf("gus is %s", r.out)
	}
	if _, err := db.Exec("update members set password = 'another' where login = 'gus'"); err != nil {
		t.Fatal(err)
	}
	gus.do("whoami").want(t, exitRefused, "", "sign in again")
	s.stop().want(t, exitDone, "", "")
}

// fillMembers makes a table of users whose hashes are of several kinds.
func fillMembers(t *testing.T, db *sql.DB) {
	t.Helper()
	ours, err := platform.HashPassword("password of ann", 1)
	if err != nil {
		t.Fatal(err)
	}
	php, err := bcrypt.GenerateFromPassword([]byte("password of bob"), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	for _, statement := range []string{
		"create table members (id int primary key, login varchar(64), password varchar(255), mail varchar(255), since date, paid decimal(8,2), seen int default 0, failed int default 0)",
		fmt.Sprintf("insert into members (id, login, password, mail) values (7, 'ann', '%s', 'ann@example.com'), (8, 'bob', '$2y%s', null), (9, 'eve', null, null)", ours, php[3:]),
		fmt.Sprintf("insert into members (id, login, password, mail, since, paid) values (10, 'gus', '%s', 'gus 中@example.com', '2024-05-01', 12.5)", ours),
	} {
		if _, err := db.Exec(statement); err != nil {
			t.Fatal(err)
		}
	}
}

func TestUsersOfAnAPISignIn(t *testing.T) {
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		signed := sign.Request{Method: "POST", Path: "/check", Form: r.PostForm}
		switch {
		case !sign.Verify("secretofusersapi2345", signed, r.PostForm.Get("sign")):
			w.WriteHeader(http.StatusForbidden)
		case r.PostForm.Get("password") == "password of ann" && r.PostForm.Get("shop") == "7":
			fmt.Fprint(w, `{"result":{"id":7}}`)
		}
	}))
	defer api.Close()
	s := serve(t, map[string]string{"PRISM_USERS_HTTP_SECRET": "secretofusersapi2345"}, "--users-http-url", api.URL+"/check",
		"--users-http-key", "usersapi", "--users-http-meta", "shop=7", "--users-http-member", "result")
	s.signIn(t, "ann", "password of ann").want(t, exitDone, "Signed in as ann (user 7)\n", "The browser opens, to sign in")
	s.stop().want(t, exitDone, "", "")
}

func TestSettingsOfUsersElsewhereThatDoNotFitAreRefused(t *testing.T) {
	const canary = "dsncanary"
	for args, want := range map[string]string{
		"--users-sql oracle --users-query x":                        "no kind of database",
		"--users-sql mysql --users-query x --users-check-every=-1s": "must be more than 0",
		"--users-http-url https://a.example --users-http-key k --users-http-check-url https://a.example --users-check-every 0": "must be more than 0",
		"--users-check-query x":                                  "does nothing without users-sql",
		"--users-sql mysql":                                      "needs users-query",
		"--users-sql mysql --users-query x":                      "PRISM_USERS_SQL_DSN",
		"--users-query x":                                        "does nothing without users-sql",
		"--users-http-url https://a.example --users-sql mysql":   "both set",
		"--users-http-url https://a.example":                     "needs users-http-key",
		"--users-http-url https://a.example --users-http-key k":  "PRISM_USERS_HTTP_SECRET",
		"--users-sql postgres --users-query x --user ann:f":      "give one of both",
		"--users-sql postgres --users-query x --users-hash none": "no kind of hash",
		"--users-sql postgres --users-query x --users-sql-file " + inFile(t, "pg", "postgres://a:"+canary+"@[bad/x"): "not one of PostgreSQL",
		"--users-sql mysql --users-query x --users-sql-file " + inFile(t, "my", "a:"+canary+"@tcp(bad"):              "not one of MySQL",
	} {
		r := invocation{args: append([]string{"serve", "--listen", "127.0.0.1:0"}, strings.Fields(args)...)}.run()
		if r.status != exitUsage || !strings.Contains(r.err, want) || strings.Contains(r.err, canary) {
			t.Errorf("%s: %+v", args, r)
		}
	}
}
