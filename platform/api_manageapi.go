package platform

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/shopex/prism-go/internal/code"
	"github.com/shopex/prism-go/internal/guard"
)

// The calls by which admin keys say what becomes of services that members, or they
// themselves, have imported.

const (
	nodeIDBytes = 128
	nodeBytes   = 16 << 10
	nodesBytes  = 256 << 10 // of all nodes of a service, which every process keeps
)

// setOnline returns the call that brings services on line or off line.
func (p *Platform) setOnline(online bool) func(context.Context, *call) (any, error) {
	return func(ctx context.Context, c *call) (any, error) {
		_, err := p.changeService(ctx, c, "Id", func(s *Service) error {
			s.Online = online
			return nil
		})
		return err == nil, err
	}
}

// setBackend replaces the addresses of the api.json.
func (p *Platform) setBackend(ctx context.Context, c *call) (any, error) {
	own := c.params()
	if !own.Has("backend") && !own.Has("sandbox") {
		return nil, missing("backend")
	}
	_, err := p.changeService(ctx, c, "Id", func(s *Service) error {
		for _, address := range []struct {
			name string
			to   *string
		}{{"backend", &s.Backend}, {"sandbox", &s.Sandbox}} {
			if !own.Has(address.name) {
				continue
			}
			text, err := optional(own, address.name, addressBytes)
			if err == nil && text != "" {
				err = p.checkBackend(address.name, text, s.Trusted)
			}
			if err != nil {
				return err
			}
			*address.to = text
		}
		return nil
	})
	return err == nil, err
}

// checkBackend refuses an address to which no call could be sent.
func (p *Platform) checkBackend(name, address string, trusted bool) error {
	u, err := guard.ParseAddress(address)
	if err == nil {
		err = p.networks(trusted).CheckHost(u)
	}
	if err != nil {
		return badRequest(code.InvalidParameter, name+": "+err.Error())
	}
	return nil
}

// moveSource makes services refresh from another address.
func (p *Platform) moveSource(ctx context.Context, c *call) (any, error) {
	origin, err := required(c.params(), "origin", addressBytes)
	if err != nil {
		return nil, err
	}
	address, err := required(c.params(), "url", addressBytes)
	if err != nil {
		return nil, err
	}
	if err := p.checkBackend("url", address, c.isOperator()); err != nil {
		return nil, err
	}
	stored, err := p.registry.storedServices(ctx)
	if err != nil {
		return nil, err
	}
	moved := false
	for _, s := range stored {
		if s.Source != origin || !c.provides(&s.Service) {
			continue
		}
		if _, err := p.updateService(ctx, c, s.ID, func(s *Service) error {
			s.Source = address
			return nil
		}); err != nil {
			return nil, serviceFailure(err)
		}
		moved = true
	}
	if !moved {
		return nil, unknownSource()
	}
	return true, nil
}

// nodeAdd makes or replaces a node of a service.
func (p *Platform) nodeAdd(ctx context.Context, c *call) (any, error) {
	node, err := nodeID(c)
	if err != nil {
		return nil, err
	}
	text, err := required(c.params(), "data", nodeBytes)
	if err != nil {
		return nil, err
	}
	values, err := parseNode(text)
	if err != nil {
		return nil, err
	}
	_, err = p.changeService(ctx, c, "api", func(s *Service) error {
		if address := values["@url"]; address != "" {
			if err := p.checkBackend("@url", address, s.Trusted); err != nil {
				return err
			}
		}
		if s.Nodes == nil {
			s.Nodes = make(map[string]map[string]string)
		}
		s.Nodes[node] = values
		return checkNodes(s.Nodes)
	})
	return err == nil, err
}

func checkNodes(nodes map[string]map[string]string) error {
	text, err := json.Marshal(nodes)
	if err == nil && len(text) > nodesBytes {
		err = badRequest(code.InvalidParameter, fmt.Sprintf("the nodes of a service have at most %d bytes together; remove one with platform/manageapi/node/remove", nodesBytes))
	}
	return err
}

func (p *Platform) nodeRemove(ctx context.Context, c *call) (any, error) {
	node, err := nodeID(c)
	if err != nil {
		return nil, err
	}
	_, err = p.changeService(ctx, c, "api", func(s *Service) error {
		delete(s.Nodes, node)
		return nil
	})
	return err == nil, err
}

func nodeID(c *call) (string, error) {
	node, err := required(c.params(), "node_id", nodeIDBytes)
	if err == nil && (!isLine(node) || !isText(node)) {
		err = badRequest(code.InvalidParameter, "node_id must be one line of UTF-8")
	}
	return node, err
}

// parseNode reads a JSON object of texts and numbers. An empty array is an empty object,
// as PHP writes it. Errors do not show values, which may be secret.
func parseNode(text string) (map[string]string, error) {
	values := make(map[string]string)
	if strings.TrimSpace(text) == "[]" {
		return values, nil
	}
	var members map[string]json.RawMessage
	if json.Unmarshal([]byte(text), &members) != nil || members == nil || len(members) > maxConfig {
		return nil, badRequest(code.InvalidParameter, fmt.Sprintf("data must be a JSON object of at most %d texts", maxConfig))
	}
	for name, member := range members {
		var value string
		var number json.Number
		if json.Unmarshal(member, &value) != nil {
			if json.Unmarshal(member, &number) != nil {
				return nil, badRequest(code.InvalidParameter, fmt.Sprintf("the member %q of data must be a text or a number", shorten(name, 48)))
			}
			value = number.String()
		}
		if err := checkConfig(name, value); err != nil {
			return nil, err
		}
		values[name] = value
	}
	return values, nil
}
