package main

import (
	"strconv"
	"strings"

	"github.com/shopex/prism-go/cmd/prismctl/internal/words"
	"github.com/shopex/prism-go/notify"
)

// A parkedTable collects parked messages for people: of each no more than is shown.
type parkedTable struct{ screenTable }

func newParkedTable() *parkedTable {
	return &parkedTable{screenTable{{"ID", "PARKED", "TRIES", "KEY", "REASON"}}}
}

// add cannot fail.
func (p *parkedTable) add(m *notify.Parked) error {
	key := "-"
	if m.Key != "" {
		key = words.Fitting(m.Key, keyWidth)
	}
	reason := "-"
	if m.Reason != "" {
		reason = strings.Clone(words.Fitting(m.Reason, screenWidth)) // without the rest of it
	}
	p.screenTable = append(p.screenTable, []string{m.ID, timeOr(m.Since, "-"), strconv.Itoa(m.Attempts), key, reason})
	return nil
}

// print gives reasons the room that the rest has left of a line.
func (p *parkedTable) print(t *tool) error {
	p.fitLast(3)
	return t.printTable(p.screenTable)
}

// A parkedLine is a parked message in JSON.
type parkedLine struct {
	ID          string  `json:"id"`
	Time        int64   `json:"time"`
	Key         string  `json:"key"`
	Type        string  `json:"type"`
	App         string  `json:"app"`
	ClientID    string  `json:"client_id"`
	State       string  `json:"state"`
	Attempts    int     `json:"attempts"`
	Reason      string  `json:"reason"`
	ParkedBy    string  `json:"parked_by"`
	ParkedSince int64   `json:"parked_since"`
	Body        *string `json:"body,omitempty"`
	BodyBase64  []byte  `json:"body_base64,omitempty"`
}

// printParked writes one line in one write.
func (t *tool) printParked(m *notify.Parked) error {
	line := parkedLine{
		ID: m.ID, Time: m.Time.Unix(), Key: m.Key, Type: m.ContentType, App: m.App, ClientID: m.ClientID,
		State: "parked", Attempts: m.Attempts, Reason: m.Reason, ParkedBy: m.By, ParkedSince: m.Since.Unix(),
	}
	line.Body, line.BodyBase64 = bodyIn(m.Body)
	return t.printJSON(line)
}
