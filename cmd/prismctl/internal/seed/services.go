package seed

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/shopex/prism-go/apijson"
	"github.com/shopex/prism-go/cmd/prismctl/internal/words"
	"github.com/shopex/prism-go/platform"
)

// A Service is one that the settings give.
type Service struct {
	File    *apijson.Service
	Source  string // its address, if it was fetched
	From    string // what the setting names: a file, a list or a directory, by its name or address
	Backend string // instead of the address in File
	Alone   bool   // only the backend is given: a file that is there stays
	Mock    bool   // Backend answers with samples, and verifies nothing
}

// Services brings services into the records, and takes those away that an earlier start
// has given: they are off line until they are given again. A service that is new is on
// line, and the app of the key with this ID is bound to all of it; whatever is changed of
// that later stays.
func Services(ctx context.Context, c Config, given []Service, key string) error {
	s := &seeder{store: c.Store, registry: c.Registry, notice: c.Notice, logger: c.Logger}
	for _, one := range given {
		if err := s.service(ctx, one, key); err != nil {
			return fmt.Errorf("the service %s: %w", words.Shown(one.File.Prefix), err)
		}
	}
	return s.takeServicesAway(ctx)
}

const giftService = "service"

// serviceID is the same wherever the same settings are.
func serviceID(prefix string) string {
	sum := sha256.Sum256([]byte(prefix))
	return "settings-" + hex.EncodeToString(sum[:8])
}

func (s *seeder) service(ctx context.Context, given Service, key string) error {
	prefix := given.File.Prefix
	before, err := s.given(ctx, giftService, prefix)
	if err != nil {
		return err
	}
	there, err := s.serviceOf(ctx, prefix)
	switch {
	case err != nil:
		return err
	case there == nil && before != nil:
		s.say("The service %s was deleted since the settings gave it, and stays so; \"prismctl api import\" brings it back.", words.Shown(prefix))
		return s.stays(ctx, before)
	case there == nil:
		now := platform.Service{ID: serviceID(prefix)}
		given.put(&now, nil)
		now.Online, now.Created = true, time.Now().UTC()
		if err := s.registry.SaveService(ctx, now); err != nil {
			return err
		}
		there = &now
	default:
		s.warnOfChanges(given, there)
		_, err := s.registry.UpdateService(ctx, there.ID, func(now *platform.Service) error {
			given.put(now, before)
			now.Online = now.Online || before == nil
			return nil
		})
		if err != nil {
			return err
		}
	}
	if before == nil {
		if err := s.bindFirst(ctx, key, there.ID, prefix); err != nil {
			return err
		}
	}
	return s.give(ctx, gift{Kind: giftService, ID: prefix, Backend: given.Backend, From: given.From})
}

// warnOfChanges says what in a newer file breaks calls that worked. It is taken anyway: the
// operator has changed the file, and a start that fails would break all calls.
func (s *seeder) warnOfChanges(given Service, there *platform.Service) {
	old, err := apijson.Parse(there.File)
	if err != nil || given.Alone {
		return
	}
	var changes []string
	for _, change := range apijson.Diff(old, given.File) {
		if change.Breaking {
			changes = append(changes, strings.TrimPrefix(change.API+": "+change.Text, ": "))
		}
	}
	if len(changes) > 0 {
		s.logger.Warn("the api.json has changes that break callers", "service", given.File.Prefix, "changes", changes)
	}
}

// serviceOf returns the service of the domain default that has a prefix, or nil.
func (s *seeder) serviceOf(ctx context.Context, prefix string) (*platform.Service, error) {
	there, err := s.registry.ServiceOf(ctx, defaultDomain, prefix)
	if errors.Is(err, platform.ErrUnknownService) {
		return nil, nil
	}
	return &there, err
}

// put gives a service what the settings say. What the operator names may be anywhere.
func (given *Service) put(now *platform.Service, before *gift) {
	now.Trusted = true
	if !given.Alone || len(now.File) == 0 {
		now.File, now.Source = given.File.Format(), given.Source
	}
	switch {
	case given.Backend != "":
		now.Backend = given.Backend
	case before != nil && now.Backend == before.Backend:
		now.Backend = ""
	}
	if !given.Mock {
		return
	}
	now.Sandbox = given.Backend
	if now.Config == nil {
		now.Config = map[string]string{}
	}
	names := []string{"client_secret", "token"} // of the schemes
	for _, v := range given.File.ConfigValues {
		names = append(names, v.Name)
	}
	for _, name := range names {
		if now.Config[name] == "" {
			now.Config[name] = "mock"
		}
	}
}

// bindFirst lets the app of a key call a service that is given for the first time.
func (s *seeder) bindFirst(ctx context.Context, key, service, prefix string) error {
	k, err := s.registry.Key(ctx, key)
	if errors.Is(err, platform.ErrUnknownKey) {
		s.say("No app is bound to the service %s yet: \"prismctl api bind %s APP\" does that.", words.Shown(prefix), words.Quoted(prefix))
		return nil
	}
	if err != nil {
		return err
	}
	return s.registry.BindAPI(ctx, k.App, platform.APIBinding{Service: service, Path: "*"})
}

// takeServicesAway brings off line what an earlier start has given and this one does not.
func (s *seeder) takeServicesAway(ctx context.Context) error {
	gifts, err := s.allGiven(ctx)
	if err != nil {
		return err
	}
	for id, g := range gifts {
		if g.Kind != giftService || s.gives[id] {
			continue
		}
		if err := s.endService(ctx, g.ID); err != nil {
			return err
		}
		if err := s.store.Delete(ctx, kindGift, id); err != nil {
			return err
		}
	}
	return nil
}

func (s *seeder) endService(ctx context.Context, prefix string) error {
	there, err := s.serviceOf(ctx, prefix)
	if err != nil || there == nil {
		return err
	}
	_, err = s.registry.UpdateService(ctx, there.ID, func(now *platform.Service) error {
		now.Online = false
		return nil
	})
	if errors.Is(err, platform.ErrUnknownService) {
		return nil
	}
	if err == nil {
		s.say("The service %s is not in the settings any more: it is off line from now on. \"prismctl api delete %s\" removes it.", words.Shown(prefix), words.Quoted(prefix))
	}
	return err
}
