package sign

import (
	"slices"
	"strings"

	"github.com/shopex/prism-go/internal/escape"
)

const hidden = "***"

// Mask returns stringToSign, as made by [StringToSign] with the same secret,
// without its secrets: "***" replaces the secret, at both ends and wherever else it
// occurs, and the values of Authorization, client_secret, access_token,
// refresh_token, session_id, code and password. A text that does not begin and end
// with the secret is replaced as a whole.
func Mask(stringToSign, secret string) string {
	inner, begins := strings.CutPrefix(stringToSign, secret+"&")
	inner, ends := strings.CutSuffix(inner, "&"+secret)
	if !begins || !ends {
		return hidden
	}
	parts := strings.Split(inner, "&")
	for i, part := range parts {
		parts[i] = maskPart(part, secret)
	}
	return hidden + "&" + strings.Join(parts, "&") + "&" + hidden
}

func maskPart(part, secret string) string {
	pairs := strings.Split(part, "%26")
	for i, pair := range pairs {
		if name, _, found := strings.Cut(pair, "%3D"); found && slices.Contains(privateNames, name) {
			pairs[i] = name + "%3D" + hidden
		}
	}
	part = strings.Join(pairs, "%26")
	if secret == "" {
		return part
	}
	return strings.ReplaceAll(part, string(escape.Append(nil, secret)), hidden)
}

// privateNames are the parameters and headers whose values nobody else should see.
var privateNames = []string{authorization, "client_secret", "access_token", "refresh_token", "session_id", "code", "password"}
