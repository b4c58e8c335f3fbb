package sign

import (
	"crypto/hmac"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"hash"
	"net/url"
	"strings"
)

// A digester makes a hash of the string to sign of a plan.
type digester func(new func() hash.Hash, p *plan) []byte

func sum(new func() hash.Hash, text string) []byte {
	h := new()
	h.Write([]byte(text))
	return h.Sum(nil)
}

func plainDigest(new func() hash.Hash, p *plan) []byte { return sum(new, p.text()) }

// hmacInner keys the hash with the secret, and hashes what is between the secrets.
func hmacInner(new func() hash.Hash, p *plan) []byte { return keyed(new, p.secret, p.inner()) }

func hmacWhole(new func() hash.Hash, p *plan) []byte { return keyed(new, p.secret, p.text()) }

// hmacSpaced is hmacInner with the separators of the secrets that are not there.
func hmacSpaced(new func() hash.Hash, p *plan) []byte {
	return keyed(new, p.secret, p.separator+p.inner()+p.separator)
}

func keyed(new func() hash.Hash, secret, text string) []byte {
	h := hmac.New(new, []byte(secret))
	h.Write([]byte(text))
	return h.Sum(nil)
}

// twice hashes the hex digits of the hash.
func twice(digits func(string) string) digester {
	return func(new func() hash.Hash, p *plan) []byte {
		return sum(new, digits(hex.EncodeToString(sum(new, p.text()))))
	}
}

// utf16Digest hashes the text in UTF-16, which is what .NET calls Unicode.
func utf16Digest(order binary.AppendByteOrder, mark bool) digester {
	return func(new func() hash.Hash, p *plan) []byte {
		text := p.text()
		if mark {
			text = "\ufeff" + text
		}
		return sum(new, utf16Bytes(order, text))
	}
}

func utf16Bytes(order binary.AppendByteOrder, text string) string {
	var b []byte
	for _, unit := range codeUnits(text) {
		b = order.AppendUint16(b, unit)
	}
	return string(b)
}

// all returns the parameters of query and form together.
func (p *plan) all() url.Values {
	return valuesOf(together(p.query, p.form))
}

func ecosDigest(_ func() hash.Hash, p *plan) []byte   { return unhex(ECOS(p.secret, p.all())) }
func shopexDigest(_ func() hash.Hash, p *plan) []byte { return unhex(ShopEx(p.secret, p.all())) }

// flatDigest is how Taobao's gateway has it: names and values, and nothing else.
func flatDigest(new func() hash.Hash, p *plan) []byte {
	items := together(p.query, p.form)
	p.sort(items)
	return sum(new, p.secret+joinPairs(items, "", "")+p.secret)
}

func unhex(digits string) []byte {
	b, _ := hex.DecodeString(digits)
	return b
}

// A claim is a signature as it came, and the hash that it stands for.
type claim struct {
	sum       []byte // may be the middle of the hash
	middle    bool
	spellings []string // causes
	family    []family
}

// A family is a hash function, with the cause that it is if it is not MD5.
type family struct {
	cause  string
	new    func() hash.Hash
	digest digester
}

// read finds out what a signature is the text of. ok is false if it is none.
func read(signature string) (c claim, ok bool) {
	text := strings.Trim(signature, " \t\r\n\"'")
	text = strings.ReplaceAll(text, "-", "")
	hexed := text
	if len(hexed)%2 == 0 {
		hexed = strings.TrimPrefix(strings.TrimPrefix(hexed, "0x"), "0X")
	}
	if sum, err := hex.DecodeString(hexed); err == nil && len(sum) >= 8 {
		c.sum = sum
		if hexed != strings.ToUpper(hexed) {
			c.spellings = append(c.spellings, "lower-case-signature")
		}
		if hexed != signature {
			c.spellings = append(c.spellings, "signature-decorated")
		}
	} else if sum, ok := fromBase64(signature); ok {
		c.sum, c.spellings = sum, []string{"base64-signature"}
	} else {
		return c, false
	}
	if len(c.sum) == 8 {
		c.middle = true
		c.spellings = append(c.spellings, "truncated-signature")
	}
	c.family = families(len(c.sum))
	return c, len(c.family) > 0
}

// fromBase64 reads base64 of a hash, or of its hex digits.
func fromBase64(signature string) ([]byte, bool) {
	text := strings.NewReplacer(" ", "+", "%2B", "+", "%2F", "/", "%3D", "=", "-", "+", "_", "/").Replace(strings.TrimSpace(signature))
	sum, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(text, "="))
	if err != nil || len(sum) < md5.Size {
		return nil, false
	}
	if inner, err := hex.DecodeString(string(sum)); err == nil && families(len(inner)) != nil {
		return inner, true
	}
	return sum, true
}

func families(size int) []family {
	others := func(name string, new func() hash.Hash) []family {
		return []family{{name, new, plainDigest}, {"hmac-" + name, new, hmacInner}, {"hmac-" + name, new, hmacWhole}, {"hmac-" + name, new, hmacSpaced}}
	}
	switch size {
	case 8, md5.Size:
		return []family{{"", md5.New, nil}}
	case sha1.Size:
		return others("sha1", sha1.New)
	case sha256.Size:
		return others("sha256", sha256.New)
	case sha512.Size384:
		return others("sha384", sha512.New384)
	case sha512.Size:
		return others("sha512", sha512.New)
	}
	return nil
}
