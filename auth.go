package prism

import (
	"strconv"
	"time"

	"github.com/shopex/prism-go/sign"
)

// authenticate returns the parameters of r in encoded form with those of the
// system, and the signature for the given time, which is empty in secret mode.
func (c *Client) authenticate(r *request, now time.Time) (encoded, signature string) {
	var room [512]byte
	dst := appendPair(append(room[:0], r.encoded...), "client_id", c.cfg.Key)
	if c.cfg.SecretMode {
		return string(appendPair(dst, "client_secret", c.cfg.Secret)), ""
	}
	r.system = [...]string{c.cfg.Key, "md5", strconv.FormatInt(r.signTime(now), 10)}
	values := r.params()
	values["client_id"] = r.system[0:1:1]
	values["sign_method"] = r.system[1:2:2]
	values["sign_time"] = r.system[2:3:3]
	dst = appendPair(dst, "sign_method", "md5")
	dst = appendPair(dst, "sign_time", r.system[2])
	dst = sign.Append(append(dst, "&sign="...), c.cfg.Secret, sign.Request{
		Method: r.method, Path: r.url.Path, Header: r.header, Query: r.query, Form: r.form,
	})
	encoded = string(dst)
	return encoded, encoded[len(encoded)-sign.Size:]
}

// signTime returns the time for a signature. Tries within a second have one each,
// as a platform may take a signature once only.
func (r *request) signTime(now time.Time) int64 {
	const close = 10 // seconds
	at := now.Unix()
	if ahead := r.signedAt - at; 0 <= ahead && ahead < close {
		at = r.signedAt + 1
	}
	r.signedAt = at
	return at
}
