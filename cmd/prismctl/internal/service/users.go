package service

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"github.com/go-sql-driver/mysql"
	"github.com/lib/pq"
	"golang.org/x/crypto/bcrypt"

	"github.com/shopex/prism-go/cmd/prismctl/internal/exit"
	"github.com/shopex/prism-go/cmd/prismctl/internal/secrets"
	"github.com/shopex/prism-go/platform"
	"github.com/shopex/prism-go/platform/users"
)

// openUsers makes s.users, which says who a user is: the records, or what is elsewhere.
func (s *service) openUsers(ctx context.Context) (err error) {
	switch {
	case s.UsersHTTPURL != "":
		s.users, err = s.usersOfAPI()
	case s.UsersSQL != "":
		s.users, err = s.usersOfDatabase(ctx)
	default:
		s.users = s.registry
	}
	return err
}

func (s *service) usersOfAPI() (platform.Users, error) {
	secret, err := secrets.Of(s.UsersHTTPSecretFile, s.Env, "PRISM_USERS_HTTP_SECRET")
	if err != nil {
		return nil, err
	}
	if secret == "" {
		return nil, exit.Usagef("%s: there is no secret: set PRISM_USERS_HTTP_SECRET or give --users-http-secret-file", s.From["users-http-url"])
	}
	h := &users.HTTP{
		URL: s.UsersHTTPURL, Key: s.UsersHTTPKey, Secret: secret, Meta: make(map[string]string),
		Member: s.UsersHTTPMember, IDMember: s.UsersHTTPID, AllowPlain: s.UsersHTTPPlain, Timeout: s.UsersTimeout,
		CheckURL: s.UsersHTTPCheckURL, CheckEvery: s.UsersCheckEvery, Logger: s.log,
	}
	for _, pair := range s.UsersHTTPMeta {
		name, value, _ := strings.Cut(pair, "=")
		h.Meta[name] = value
	}
	if err := h.Check(); err != nil {
		return nil, exit.Usagef("%s: %s", s.From["users-http-url"], strings.TrimPrefix(err.Error(), "users: "))
	}
	return h, nil
}

// maxUserConns bounds the connections to the database of the users.
const maxUserConns = 10

func (s *service) usersOfDatabase(ctx context.Context) (platform.Users, error) {
	dsn, err := secrets.Of(s.UsersSQLFile, s.Env, "PRISM_USERS_SQL_DSN")
	if err != nil {
		return nil, err
	}
	if dsn == "" {
		return nil, exit.Usagef("%s: it is not said where the database is: set PRISM_USERS_SQL_DSN or give --users-sql-file", s.From["users-sql"])
	}
	db, err := openDatabase(s.UsersSQL, dsn)
	if err != nil {
		return nil, exit.Usagef("%s: %w", s.From["users-sql"], err)
	}
	db.SetMaxOpenConns(maxUserConns)
	s.ends = append(s.ends, db.Close)
	within, cancel := context.WithTimeout(ctx, s.UsersTimeout)
	defer cancel()
	if err := db.PingContext(within); err != nil {
		s.log.Warn("the database of the users cannot be reached, so nobody can sign in until it can", "error", err)
	}
	every := s.UsersCheckEvery
	if every == 0 {
		every = -1
	}
	return &users.SQL{
		DB: db, Query: s.UsersQuery, IDColumn: s.UsersIDColumn, HashColumn: s.UsersHashColumn,
		Compare: s.UsersHash == "query", Verify: verifierOf(s.UsersHash),
		OnSuccess: s.UsersOnSuccess, OnFailure: s.UsersOnFailure, CheckEvery: every, CheckQuery: s.UsersCheckQuery, Timeout: s.UsersTimeout, Logger: s.log,
	}, nil
}

// openDatabase returns a database without connecting to it. Its errors do not show the
// address, which holds a password.
func openDatabase(kind, dsn string) (*sql.DB, error) {
	if kind == "mysql" {
		cfg, err := mysql.ParseDSN(dsn)
		if err != nil {
			return nil, errors.New("the address of the database is not one of MySQL: write user:password@tcp(host:3306)/database")
		}
		cfg.Logger = &mysql.NopLogger{} // what it logs, it returns as well
		connector, err := mysql.NewConnector(cfg)
		if err != nil {
			return nil, err
		}
		return sql.OpenDB(connector), nil
	}
	connector, err := pq.NewConnector(dsn)
	if err != nil {
		return nil, errors.New("the address of the database is not one of PostgreSQL: write postgres://user:password@host/database")
	}
	return sql.OpenDB(connector), nil
}

// verifierOf returns what checks a password against a hash; nil is the platform's own.
func verifierOf(kind string) func(hash, password string) (bool, error) {
	return map[string]func(string, string) (bool, error){"md5": users.MD5, "sha1": users.SHA1, "auto": checkPassword}[kind]
}

// checkPassword takes bcrypt, too, as PHP and most frameworks have it.
func checkPassword(hash, password string) (bool, error) {
	if !strings.HasPrefix(hash, "$2") {
		return platform.CheckPassword(hash, password)
	}
	err := bcrypt.CompareHashAndPassword([]byte(hash), []byte(password))
	if errors.Is(err, bcrypt.ErrMismatchedHashAndPassword) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("it is no hash of bcrypt: %w", err)
	}
	return true, nil
}
