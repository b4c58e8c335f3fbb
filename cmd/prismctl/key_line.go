package main

import (
	"time"

	"github.com/shopex/prism-go/admin"
	"github.com/shopex/prism-go/cmd/prismctl/internal/words"
)

// A keyLine is a key in JSON.
type keyLine struct {
	Key     string            `json:"key"`
	Secret  string            `json:"secret,omitempty"`
	App     string            `json:"app"`
	Domain  string            `json:"domain"`
	Notes   string            `json:"notes"`
	Meta    map[string]string `json:"meta,omitempty"`
	Created time.Time         `json:"created"`
	Expires *time.Time        `json:"expires"` // null: never

	PushURL     string `json:"push_url,omitempty"`
	PushWorkers int    `json:"push_workers,omitempty"`
}

func (t *tool) printKey(k *admin.Key) error {
	if t.Output == asJSON {
		line := keyLine{
			Key: k.ID, Secret: k.Secret, App: k.App, Domain: k.Domain,
			Notes: k.Notes, Meta: k.Meta, Created: k.Created,
			PushURL: k.PushURL, PushWorkers: k.PushWorkers,
		}
		if !k.Expires.IsZero() {
			line.Expires = &k.Expires
		}
		return t.printJSON(line)
	}
	rows := [][]string{{"key", words.Shown(k.ID)}}
	if k.Secret != "" {
		rows = append(rows, []string{"secret", words.Shown(k.Secret)})
	}
	rows = append(rows,
		[]string{"app", words.Shown(k.App)},
		[]string{"domain", words.Shown(k.Domain)},
		[]string{"notes", textOr(k.Notes, "-")},
		[]string{"created", timeOr(k.Created, "-")},
		[]string{"expires", timeOr(k.Expires, "never")},
	)
	if k.PushURL != "" {
		rows = append(rows, []string{"push", words.Shown(k.PushURL)})
	}
	return t.printTable(rows)
}
