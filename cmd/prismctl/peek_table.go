package main

import (
	"strings"
	"time"

	"github.com/shopex/prism-go/cmd/prismctl/internal/words"
	"github.com/shopex/prism-go/notify"
)

// A peekTable collects messages of a queue for people: of each no more than is shown.
type peekTable struct {
	rows    screenTable
	holders []*holder
}

// A holder is a consumer that holds messages.
type holder struct {
	name  string
	held  int
	since time.Time // of the first
}

func newPeekTable() *peekTable {
	return &peekTable{rows: screenTable{{"ID", "TIME", "KEY", "STATE", "BODY"}}}
}

// add cannot fail.
func (p *peekTable) add(m *notify.Peeked) error {
	state := "ready"
	if m.Held {
		state = "held"
		p.hold(m)
	}
	key := "-"
	if m.Key != "" {
		key = words.Fitting(m.Key, keyWidth)
	}
	body := strings.Clone(words.Fitting(string(m.Body), screenWidth)) // without the rest of it
	p.rows = append(p.rows, []string{m.ID, timeOr(m.Time, "-"), key, state, body})
	return nil
}

func (p *peekTable) hold(m *notify.Peeked) {
	for _, h := range p.holders {
		if h.name == m.HeldBy {
			h.held++
			if m.HeldSince.Before(h.since) {
				h.since = m.HeldSince
			}
			return
		}
	}
	p.holders = append(p.holders, &holder{m.HeldBy, 1, m.HeldSince})
}

// print gives bodies the room that the rest has left of a line.
func (p *peekTable) print(t *tool) error {
	p.rows.fitLast(2)
	if err := t.printTable(p.rows); err != nil {
		return err
	}
	for _, h := range p.holders {
		if err := t.println("%s held by %s since %s", words.Counted(h.held, "message", "messages"), textOr(h.name, "a consumer"), timeOr(h.since, "-")); err != nil {
			return err
		}
	}
	return nil
}

// A peekedLine is a message of a queue in JSON. A body that is no UTF-8 cannot be a JSON
// string, so it is in base64 then.
type peekedLine struct {
	ID         string  `json:"id"`
	Time       int64   `json:"time"`
	Key        string  `json:"key"`
	Type       string  `json:"type"`
	App        string  `json:"app"`
	ClientID   string  `json:"client_id"`
	State      string  `json:"state"`
	HeldBy     string  `json:"held_by,omitempty"`
	HeldSince  int64   `json:"held_since,omitempty"`
	Body       *string `json:"body,omitempty"`
	BodyBase64 []byte  `json:"body_base64,omitempty"`
}

// printPeeked writes one line in one write.
func (t *tool) printPeeked(m *notify.Peeked) error {
	line := peekedLine{ID: m.ID, Time: m.Time.Unix(), Key: m.Key, Type: m.ContentType, App: m.App, ClientID: m.ClientID, State: "ready"}
	if m.Held {
		line.State, line.HeldBy, line.HeldSince = "held", m.HeldBy, m.HeldSince.Unix()
	}
	line.Body, line.BodyBase64 = bodyIn(m.Body)
	return t.printJSON(line)
}
