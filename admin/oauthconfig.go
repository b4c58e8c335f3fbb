package admin

import (
	"context"
	"encoding/json"

	"github.com/shopex/prism-go"
)

// An OAuthConfig is how the original platform asks a MySQL database who a user is. A
// platform of this module keeps it for tools that set and read it, and asks for users as
// its operator's settings say.
type OAuthConfig struct {
	Host, User, Password, Database string // Password is sent, and never comes back
	CheckAccountSQL                string
	SuccessSQL, FailedSQL          string
	CfgIDColumn                    string `json:"CfgIdColumn"`
}

// OAuthConfig returns the OAuth settings of the domain, or those of its sandbox.
func (c *Client) OAuthConfig(ctx context.Context, sandbox bool) (*OAuthConfig, error) {
	var doc OAuthConfig
	err := c.get(ctx, "platform/manageoauth/config/get", prism.Params{"is_sandbox": sandbox}, &doc)
	if err != nil {
		return nil, err
	}
	return &doc, nil
}

// SetOAuthConfig replaces the OAuth settings of the domain, or those of its sandbox.
func (c *Client) SetOAuthConfig(ctx context.Context, sandbox bool, cfg OAuthConfig) error {
	text, err := json.Marshal(cfg)
	if err != nil {
		return err
	}
	return c.put(ctx, "platform/manageoauth/config/set", prism.Params{"is_sandbox": sandbox, "config": string(text)})
}
