package platform

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"strconv"
	"strings"

	"github.com/shopex/prism-go/internal/code"
)

// The calls about the OAuth settings of the original platform, which say how it asks a
// MySQL database who a user is. This platform asks the Users of its Config. It keeps what
// tools set, so that they can read it, and uses none of it: a key of a domain must not make
// the platform connect to a database, or run SQL of its choice.

const (
	kindOAuthConfig  = "oauthConfig"
	oauthConfigBytes = 16 << 10
	oauthConfigTexts = 50
)

// An oauthConfig is what was set, without the password.
type oauthConfig map[string]string

// oauthConfigNames are the members that tools read.
var oauthConfigNames = []string{"CfgIdColumn", "CheckAccountSQL", "Database", "FailedSQL", "Host", "Password", "SuccessSQL", "User"}

func (p *Platform) oauthConfigGet(ctx context.Context, c *call) (any, error) {
	name, err := oauthConfigName(c)
	if err != nil {
		return nil, err
	}
	doc := make(oauthConfig)
	for _, member := range oauthConfigNames {
		doc[member] = ""
	}
	kept, _, err := loadRecord[oauthConfig](ctx, p.cfg.Store, kindOAuthConfig, name)
	if errors.Is(err, ErrNoRecord) {
		return doc, nil
	}
	if err != nil {
		return nil, err
	}
	maps.Copy(doc, *kept)
	return doc, nil
}

func (p *Platform) oauthConfigSet(ctx context.Context, c *call) (any, error) {
	name, err := oauthConfigName(c)
	if err != nil {
		return nil, err
	}
	text, err := required(c.params(), "config", oauthConfigBytes)
	if err != nil {
		return nil, err
	}
	var cfg oauthConfig
	if json.Unmarshal([]byte(text), &cfg) != nil || cfg == nil || len(cfg) > oauthConfigTexts || !isText(text) {
		return nil, badRequest(code.InvalidParameter, "config must be a JSON object of texts, such as Host, Database and CheckAccountSQL")
	}
	maps.DeleteFunc(cfg, func(name, _ string) bool { return strings.EqualFold(name, "Password") }) // nothing would use it
	err = putRecord(ctx, p.cfg.Store, kindOAuthConfig, name, func(*oauthConfig) (*oauthConfig, error) { return &cfg, nil })
	if err == nil {
		p.cfg.Logger.Warn("OAuth settings were stored that this platform does not use: who a user is, its own settings say", "domain", c.app.Exchange(), "key", c.key.ID)
	}
	return err == nil, err
}

// oauthConfigName returns the name of the record that a call is about.
func oauthConfigName(c *call) (string, error) {
	text, err := once(c.params(), "is_sandbox")
	if err != nil {
		return "", err
	}
	sandbox, err := strconv.ParseBool(text)
	if text != "" && err != nil {
		return "", badRequest(code.InvalidParameter, "is_sandbox must be 0 or 1")
	}
	return c.app.Exchange() + "\x00" + strconv.FormatBool(sandbox), nil
}
