package platform

import (
	"context"
	"fmt"
	"maps"

	"github.com/shopex/prism-go/apijson"
	"github.com/shopex/prism-go/internal/code"
)

// The calls about the config values of services. Every process keeps them, so they are
// bounded.
const (
	configNameBytes  = 64
	configValueBytes = 4096
	maxConfig        = 100
)

// configGet answers with the values that are set. Of a secret one it says only that.
func (p *Platform) configGet(ctx context.Context, c *call) (any, error) {
	s, err := p.namedService(ctx, c, "Id")
	if err != nil {
		return nil, err
	}
	file, err := apijson.Parse(s.File)
	if err != nil {
		return nil, err
	}
	shown := map[string]string{}
	maps.Copy(shown, shownConfig(s, file))
	return shown, nil
}

// configSet sets one value. It need not be in the api.json: the scheme of the signature
// wants a secret whether the file lists it or not.
func (p *Platform) configSet(ctx context.Context, c *call) (any, error) {
	own := c.params()
	name, err := required(own, "key", configNameBytes)
	if err != nil {
		return nil, err
	}
	if !own.Has("value") {
		return nil, missing("value")
	}
	value, err := optional(own, "value", configValueBytes)
	if err != nil {
		return nil, err
	}
	if err := checkConfig(name, value); err != nil {
		return nil, err
	}
	_, err = p.changeService(ctx, c, "Id", func(s *Service) error {
		if s.Config == nil {
			s.Config = make(map[string]string)
		}
		s.Config[name] = value
		if len(s.Config) > maxConfig {
			return badRequest(code.InvalidParameter, fmt.Sprintf("a service has at most %d config values", maxConfig))
		}
		return nil
	})
	return err == nil, err
}

// checkConfig does not show the value, which may be secret.
func checkConfig(name, value string) error {
	switch {
	case len(name) > configNameBytes || !isLine(name) || !isText(name):
		return badRequest(code.InvalidParameter, fmt.Sprintf("the name of a value must be one line of UTF-8, at most %d bytes", configNameBytes))
	case len(value) > configValueBytes || !isText(value):
		return badRequest(code.InvalidParameter, fmt.Sprintf("the value of %s must be UTF-8 of at most %d bytes, without control characters other than line breaks", name, configValueBytes))
	}
	return nil
}
