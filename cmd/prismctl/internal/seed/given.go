package seed

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/shopex/prism-go/cmd/prismctl/internal/words"
	"github.com/shopex/prism-go/platform"
)

// What the settings give is stored at the start, and calls may change it later: a
// key is deleted, a password changed, a permission taken away. The next start must
// not bring that back. So what was given is remembered, and settings act only when
// they change.

// A gift is what the settings gave of an app, a key, a user or a service.
type gift struct {
	Kind  string `json:"kind"` // app, key, user or service
	ID    string `json:"id"`
	Proof string `json:"proof,omitempty"` // by which the secret or the password is known again

	// Environment is for the key of PRISM_KEY: that it is not there does not mean
	// that it was taken away.
	Environment bool `json:"environment,omitempty"`

	Backend string `json:"backend,omitempty"` // of a service
	From    string `json:"from,omitempty"`    // the file, list or directory by which the setting names it

	// Of an app; null was not given.
	Redirects []string `json:"redirects"`
	Publish   []string `json:"publish"`
	Listen    []string `json:"listen"`
}

const kindGift = "gift"

func giftID(kind, id string) string {
	sum := sha256.Sum256([]byte(kind + "\x00" + id))
	return hex.EncodeToString(sum[:])
}

// given returns what an earlier start gave, or nil.
func (s *seeder) given(ctx context.Context, kind, id string) (*gift, error) {
	record, err := s.store.Load(ctx, kindGift, giftID(kind, id))
	if errors.Is(err, platform.ErrNoRecord) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	g := new(gift)
	return g, json.Unmarshal(record.Value, g)
}

// give remembers that this start gives g. Others may start at the same time, with
// the same settings.
func (s *seeder) give(ctx context.Context, g gift) error {
	if s.gives == nil {
		s.gives = make(map[string]bool)
	}
	s.gives[giftID(g.Kind, g.ID)] = true
	text, err := json.Marshal(g)
	if err != nil {
		return err
	}
	for {
		record, err := s.store.Load(ctx, kindGift, giftID(g.Kind, g.ID))
		if err != nil && !errors.Is(err, platform.ErrNoRecord) || string(record.Value) == string(text) {
			return ignore(err, platform.ErrNoRecord)
		}
		if _, err = s.store.Save(ctx, kindGift, giftID(g.Kind, g.ID), text, record.Revision, 0); !errors.Is(err, platform.ErrConflict) {
			return err
		}
	}
}

// stays remembers that this start gives what an earlier one gave.
func (s *seeder) stays(ctx context.Context, g *gift) error { return s.give(ctx, *g) }

// say prints a notice for the operator, if anybody listens.
func (s *seeder) say(format string, args ...any) {
	if s.notice != nil {
		s.notice(format, args...)
	}
}

// takeAway ends what an earlier start gave and this one does not.
func (s *seeder) takeAway(ctx context.Context) error {
	gifts, err := s.allGiven(ctx)
	if err != nil {
		return err
	}
	for id, g := range gifts {
		if s.gives[id] || g.Environment || g.Kind == giftService {
			continue
		}
		if err := s.end(ctx, &g); err != nil {
			return err
		}
		if err := s.store.Delete(ctx, kindGift, id); err != nil {
			return err
		}
	}
	return nil
}

// allGiven returns what earlier starts and this one gave.
func (s *seeder) allGiven(ctx context.Context) (map[string]gift, error) {
	records, err := s.store.List(ctx, kindGift)
	if err != nil {
		return nil, err
	}
	gifts := make(map[string]gift, len(records))
	for id, record := range records {
		var g gift
		if err := json.Unmarshal(record.Value, &g); err != nil {
			return nil, fmt.Errorf("what the settings gave earlier cannot be read: %w", err)
		}
		gifts[id] = g
	}
	return gifts, nil
}

func (s *seeder) end(ctx context.Context, g *gift) error {
	switch g.Kind {
	case "user":
		s.ended = true
		s.say("The user %s is not in the settings any more: deleted, and logged out everywhere.", words.Shown(g.ID))
		return s.registry.DeleteUser(ctx, g.ID)
	case "key":
		return s.endKey(ctx, g.ID)
	}
	return s.endRedirects(ctx, g)
}

// endKey lets a key expire. Its queues stay: a slip in the settings must not
// delete messages.
func (s *seeder) endKey(ctx context.Context, id string) error {
	key, err := s.registry.Key(ctx, id)
	if err != nil {
		return ignore(err, platform.ErrUnknownKey)
	}
	key.Expires = time.Now()
	if err := s.registry.SaveKey(ctx, key); err != nil {
		return err
	}
	if err := s.registry.EndKeyTokens(ctx, id); err != nil {
		return err
	}
	s.say("The key %s is not in the settings any more: it is refused from now on. Its queues stay until \"prismctl key delete %s\".", words.Shown(id), words.Quoted(id))
	return nil
}

// endRedirects takes the addresses away that were given. What else is known of
// the app stays, as its keys do.
func (s *seeder) endRedirects(ctx context.Context, g *gift) error {
	_, err := s.registry.UpdateApp(ctx, g.ID, func(app *platform.App) error {
		app.Redirects = without(app.Redirects, g.Redirects)
		if g.ID == FirstApp && len(app.Redirects) == 0 {
			app.Redirects = localRedirects()
		}
		return nil
	})
	if errors.Is(err, platform.ErrUnknownApp) {
		return nil
	}
	if err == nil && len(g.Redirects) > 0 {
		s.say("The redirects of the app %s are not in the settings any more: no browser is sent there now.", words.Shown(g.ID))
	}
	return err
}

func without(list, gone []string) []string {
	return slices.DeleteFunc(slices.Clone(list), func(one string) bool { return slices.Contains(gone, one) })
}

// secretProof knows a secret again. It is random, so it needs no slow hash.
func secretProof(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}

// nameUngiven names the admin keys and users of which no setting says anything: an
// earlier start has made them, or another program over these records.
func (s *seeder) nameUngiven(ctx context.Context, own string) error {
	keys, err := s.registry.Keys(ctx)
	if err != nil {
		return err
	}
	for _, key := range keys {
		over := !key.Expires.IsZero() && key.Expires.Before(time.Now())
		if key.Admin && !over && key.ID != own && !s.gives[giftID("key", key.ID)] {
			s.say("The key %s is an admin key that no setting gives; \"prismctl key delete %s\" takes it away.", words.Shown(key.ID), words.Quoted(key.ID))
		}
	}
	s.warnOfShort(keys)
	if len(s.lists.Users) == 0 {
		return nil
	}
	users, err := s.registry.Users(ctx)
	for _, u := range users {
		if !s.gives[giftID("user", u.Login)] {
			s.say("The user %s can sign in, though no setting says so; \"prismctl user delete %s\" takes that away.", words.Shown(u.Login), words.Quoted(u.Login))
		}
	}
	return err
}

// mostWarned is how many keys a warning names.
const mostWarned = 10

// warnOfShort warns of keys whose secrets are shorter than new ones may be: an
// earlier version took them, or a backup brought them.
func (s *seeder) warnOfShort(keys []platform.Key) {
	var short []string
	for _, key := range keys {
		if len(key.Secret) < shortestSecret {
			short = append(short, words.Shown(key.ID))
		}
	}
	if len(short) == 0 {
		return
	}
	more := ""
	if len(short) > mostWarned {
		more = fmt.Sprintf(" and %d more", len(short)-mostWarned)
	}
	s.say("WARNING: the secrets of these keys have fewer than %d characters, and can be guessed from recorded calls: %s%s. \"prismctl key rotate\" gives them better ones.",
		shortestSecret, strings.Join(short[:min(len(short), mostWarned)], ", "), more)
}
