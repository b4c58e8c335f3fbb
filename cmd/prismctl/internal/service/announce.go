package service

import (
	"fmt"

	"github.com/shopex/prism-go/cmd/prismctl/internal/seed"
	"github.com/shopex/prism-go/cmd/prismctl/internal/words"
)

// An Announcement is the first output, when connections are accepted: its JSON is
// for programs, and Text for people.
type Announcement struct {
	URL    string `json:"url"`
	Key    string `json:"key"`
	Secret string `json:"secret,omitempty"` // not that of a file, or of an earlier start
	seed.Newcomer
	AdminURL string `json:"admin_url,omitempty"`
	Console  string `json:"console,omitempty"` // its address; on this machine one that opens once

	text string
}

// Text says to people how to begin.
func (a *Announcement) Text() string { return a.text }

func (s *service) announce(key seed.Key, visitor seed.Newcomer) error {
	url, adminURL := s.host.url, s.admin.address()
	if key.File != "" || key.Old { // what is printed at each start stays in the logs
		key.Secret = ""
	}
	admin := ""
	if adminURL != "" {
		admin = "\nIts health and metrics are at " + adminURL
	}
	link := s.consoleLink()
	text := fmt.Sprintf(`A platform is ready at %s
%s Ctrl-C ends it.%s

In another terminal, paste

    export PRISM_URL=%s
%s
and try

%s    prismctl login

%s%s`, url, s.lasting(), admin, words.Quoted(url), exports(&key), tries(&key), visitor.Introduction(), s.consoleIntroduction(link))
	return s.Announce(&Announcement{url, key.ID, key.Secret, visitor, adminURL, link, text})
}

// tries are commands to begin with. A key of the settings may publish and listen to
// what they say of its app, which may be nothing.
func tries(k *seed.Key) string {
	if k.File != "" {
		return "    prismctl queue status\n"
	}
	return "    prismctl publish order.new 'hello world'\n    prismctl queue status\n    prismctl consume\n"
}

// lasting says where the messages are.
func (s *service) lasting() string {
	if where := s.Where(); where != "" {
		return "Its messages are in " + where + " and stay."
	}
	return "Its messages live in memory and end with it."
}

// exports are the lines of a shell by which clients find the key.
func exports(k *seed.Key) string {
	if k.ID == "" {
		return "    export PRISM_KEY=... PRISM_SECRET=...\n"
	}
	lines := "    export PRISM_KEY=" + words.Quoted(k.ID) + "\n    export PRISM_SECRET="
	switch {
	case k.File != "":
		return lines + `"$(cat ` + words.Quoted(k.File) + `)"` + "\n"
	case k.Secret == "":
		return lines + "...\n\nwith the secret that the first start has shown; \"prismctl key rotate\" gives the key a new one,\n"
	}
	return lines + words.Quoted(k.Secret) + "\n"
}
