//go:build unix

package main

import (
	"database/sql"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/go-sql-driver/mysql"

	"github.com/shopex/prism-go/internal/postgres"
)

// mariadb starts a MariaDB of its own, which speaks the protocol of MySQL, and returns its
// address without a database, or "" where there is none.
func mariadb(t *testing.T) string {
	t.Helper()
	install, err := exec.LookPath("mariadb-install-db")
	if err != nil {
		t.Log("!!! WITHOUT MARIADB: users in MySQL are not tried; install mariadb-server")
		return ""
	}
	daemon := "/usr/sbin/mariadbd" // which is not in everybody's PATH
	if found, err := exec.LookPath("mariadbd"); err == nil {
		daemon = found
	}
	dir, err := os.MkdirTemp("", "my") // not t.TempDir, which only its owner may enter
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	as := postgres.Unprivileged(t, dir)
	data := filepath.Join(dir, "data")
	make := exec.Command(install, "--no-defaults", "--datadir="+data, "--skip-test-db", "--auth-root-authentication-method=normal", "--skip-name-resolve")
	make.SysProcAttr, make.Dir = as, dir
	if out, err := make.CombinedOutput(); err != nil {
		t.Fatalf("mariadb-install-db: %v\n%s", err, out)
	}
	socket := filepath.Join(dir, "socket")
	server := exec.Command(daemon, "--no-defaults", "--datadir="+data, "--socket="+socket, "--skip-networking", "--innodb-flush-log-at-trx-commit=0", "--innodb-buffer-pool-size=8M")
	server.SysProcAttr, server.Dir = as, dir
	postgres.Run(t, server, "ready for connections", syscall.SIGTERM)
	return "root@unix(" + socket + ")/"
}

func TestUsersOfMySQLSignIn(t *testing.T) {
	dsn := mariadb(t)
	if dsn == "" {
		return
	}
	server := openMySQL(t, dsn)
	defer server.Close()
	if _, err := server.Exec("create database shop character set utf8mb4"); err != nil {
		t.Fatal(err)
	}
	signInFrom(t, "mysql", dsn+"shop", openMySQL(t, dsn+"shop"), "?")
}

func openMySQL(t *testing.T, dsn string) *sql.DB {
	t.Helper()
	cfg, err := mysql.ParseDSN(dsn)
	if err != nil {
		t.Fatal(err)
	}
	connector, err := mysql.NewConnector(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return sql.OpenDB(connector)
}
