package main

import (
	"fmt"
	"net/http"
	"strings"
	"time"
)

const (
	govulncheck  = "golang.org/x/vuln/cmd/govulncheck@v1.9.0"
	vulnDatabase = "https://vuln.go.dev" // of govulncheck, unless GOVULNDB is set
)

// vulnerabilities asks the database of known ones about each module.
func vulnerabilities(database string) error {
	if why := unreachable(database); why != "" {
		fmt.Printf("!!! WITHOUT govulncheck: its database cannot be reached: %s\n", why)
		return nil
	}
	return inModules(func(dir string) error { return runIn(dir, "go", "run", govulncheck, "-db", database, "./...") })
}

func unreachable(database string) string {
	if strings.HasPrefix(database, "file:") {
		return ""
	}
	client := http.Client{Timeout: 10 * time.Second}
	res, err := client.Get(database + "/index/db.json")
	if err != nil {
		return err.Error()
	}
	res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return database + " answers " + res.Status
	}
	return ""
}
