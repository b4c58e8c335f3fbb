package main

import (
	"fmt"
	"strconv"
	"time"

	"github.com/shopex/prism-go/admin"
	"github.com/shopex/prism-go/cmd/prismctl/internal/words"
	"github.com/shopex/prism-go/notify"
)

// A pushLine is what there is to say about the push address of a key.
type pushLine struct {
	key    *admin.Key // nil if it could not be read
	secret string     // if it was made now
	until  time.Time  // how long the old one signs, too
	status *notify.PushStatus
}

// A pushDoc is a pushLine in JSON.
type pushDoc struct {
	Key          string     `json:"key"`
	URL          string     `json:"url"` // empty: nowhere
	Secret       string     `json:"secret,omitempty"`
	OldUntil     *time.Time `json:"old_until,omitempty"`
	Workers      int        `json:"workers"`
	Delivered    uint64     `json:"delivered"`
	Failed       uint64     `json:"failed"`
	LastStatus   int        `json:"last_status,omitempty"`
	LastError    string     `json:"last_error,omitempty"`
	WaitingSince *time.Time `json:"waiting_since,omitempty"`
}

func (l *pushLine) doc(key string) pushDoc {
	doc := pushDoc{Key: key, Secret: l.secret}
	if l.secret != "" && !l.until.IsZero() {
		doc.OldUntil = &l.until
	}
	if l.key != nil {
		doc.URL, doc.Workers = l.key.PushURL, l.key.PushWorkers
	}
	if s := l.status; s != nil {
		doc.Delivered, doc.Failed, doc.LastStatus, doc.LastError = s.Delivered, s.Failed, s.LastStatus, s.LastError
		if !s.WaitingSince.IsZero() {
			doc.WaitingSince = &s.WaitingSince
		}
	}
	return doc
}

func (t *tool) printPush(key string, l *pushLine) error {
	doc := l.doc(key)
	if t.Output == asJSON {
		return t.printJSON(doc)
	}
	rows := [][]string{{"key", words.Shown(key)}}
	if doc.Secret != "" {
		rows = append(rows, []string{"secret", words.Shown(doc.Secret)})
	}
	if doc.OldUntil != nil {
		rows = append(rows, []string{"old secret until", timeOr(*doc.OldUntil, "-")})
	}
	rows = append(rows, []string{"url", textOr(doc.URL, "none: \"prismctl key push KEY URL\" sets one")})
	if doc.URL == "" {
		return t.printTable(rows)
	}
	rows = append(rows,
		[]string{"workers", strconv.Itoa(doc.Workers)},
		[]string{"delivered", strconv.FormatUint(doc.Delivered, 10)},
		[]string{"failed", strconv.FormatUint(doc.Failed, 10)})
	if doc.LastStatus != 0 {
		rows = append(rows, []string{"last status", strconv.Itoa(doc.LastStatus)})
	}
	if doc.LastError != "" {
		rows = append(rows, []string{"last error", words.Shown(doc.LastError)})
	}
	if doc.WaitingSince != nil {
		rows = append(rows, []string{"waiting since", fmt.Sprintf("%s, as no POST succeeds", timeOr(*doc.WaitingSince, "-"))})
	}
	return t.printTable(rows)
}
