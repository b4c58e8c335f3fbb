package prism

import (
	"net/url"
	"strconv"
	"time"

	"github.com/shopex/prism-go/sign"
)

// authenticate returns the parameters of r in encoded form with those of the
// system, and the signature for the given time, which is empty in secret mode.
func (c *Client) authenticate(r *request, now time.Time) (encoded, signature string) {
	values := r.params()
	var room [512]byte
	dst := appendPair(append(room[:0], r.encoded...), "client_id", c.cfg.Key)
	if c.cfg.SecretMode {
		return string(appendPair(dst, "client_secret", c.cfg.Secret)), ""
	}
	signedAt := strconv.FormatInt(now.Unix(), 10)
	signature = c.sign(r, values, signedAt)
	dst = appendPair(dst, "sign_method", "md5")
	dst = appendPair(dst, "sign_time", signedAt)
	return string(appendPair(dst, "sign", signature)), signature
}

func (c *Client) sign(r *request, values url.Values, signedAt string) string {
	system := [...]string{c.cfg.Key, "md5", signedAt}
	values["client_id"] = system[0:1:1]
	values["sign_method"] = system[1:2:2]
	values["sign_time"] = system[2:3:3]
	return sign.Sign(c.cfg.Secret, sign.Request{
		Method: r.method, Path: r.url.Path, Header: r.header, Query: r.query, Form: r.form,
	})
}
