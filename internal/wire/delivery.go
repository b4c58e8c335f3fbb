package wire

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"math"
	"math/bits"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// Delivery is one message from platform to client.
type Delivery struct {
	Tag      uint64 // counts the deliveries of one connection
	Time     int64  // Unix seconds
	Key      string // routing key
	Type     string // content type
	App      string // the publisher's app
	ClientID string // the publisher's key
	Body     []byte // what was published; where the platform sent any other JSON than a string, that JSON
}

// AppendDelivery appends d as JSON to dst. The bytes of strings pass as they
// are, so a body that is not UTF-8 survives, in a frame that is not UTF-8
// either: send such a frame as binary, others as text.
func AppendDelivery(dst []byte, d *Delivery) []byte {
	dst = strconv.AppendInt(append(dst, `{"time":`...), d.Time, 10)
	dst = strconv.AppendUint(append(dst, `,"tag":`...), d.Tag, 10)
	dst = append(dst, ',')
	return appendMessage(dst, d)
}

// AppendMessage appends d without its tag: what notify/read returns.
func AppendMessage(dst []byte, d *Delivery) []byte {
	dst = strconv.AppendInt(append(dst, `{"time":`...), d.Time, 10)
	return appendMessage(append(dst, ','), d)
}

func appendMessage(dst []byte, d *Delivery) []byte {
	dst = appendQuoted(append(dst, `"key":`...), []byte(d.Key))
	dst = appendQuoted(append(dst, `,"type":`...), []byte(d.Type))
	dst = appendQuoted(append(dst, `,"app":`...), []byte(d.App))
	dst = appendQuoted(append(dst, `,"client_id":`...), []byte(d.ClientID))
	dst = appendQuoted(append(dst, `,"body":`...), d.Body)
	return append(dst, '}')
}

const hex = "0123456789abcdef"

func appendQuoted(dst, s []byte) []byte {
	dst = append(dst, '"')
	for {
		n := plain(s)
		dst = append(dst, s[:n]...)
		if s = s[n:]; len(s) == 0 {
			return append(dst, '"')
		}
		dst = appendEscape(dst, s[0])
		s = s[1:]
	}
}

func appendEscape(dst []byte, c byte) []byte {
	switch c {
	case '"', '\\':
		return append(dst, '\\', c)
	case '\n':
		return append(dst, '\\', 'n')
	case '\r':
		return append(dst, '\\', 'r')
	case '\t':
		return append(dst, '\\', 't')
	default:
		return append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
	}
}

// plain returns how many bytes of s come before the first that a JSON string
// cannot hold as it is. Thirty-two at a time: a fifth of the time of one by one
// (BenchmarkPlain).
func plain(s []byte) int {
	i := 0
	if len(s) >= 8 { // JSON in JSON has an escape every few bytes
		if found := special(word(s)); found != 0 {
			return bits.TrailingZeros64(found) / 8
		}
		i = 8
	}
	for ; i+32 <= len(s); i += 32 {
		b := s[i : i+32]
		if special(word(b))|special(word(b[8:]))|special(word(b[16:]))|special(word(b[24:])) != 0 {
			break
		}
	}
	for ; i+8 <= len(s); i += 8 {
		if found := special(word(s[i:])); found != 0 {
			return i + bits.TrailingZeros64(found)/8
		}
	}
	for ; i < len(s); i++ {
		if c := s[i]; c < 0x20 || c == '"' || c == '\\' {
			break
		}
	}
	return i
}

func word(b []byte) uint64 { return binary.LittleEndian.Uint64(b) }

// special has the high bit of each byte of v that is below 0x20, a quote or a
// backslash. Swapping bit 1 puts the quote, 0x22, right above 0x1f, so one
// subtraction finds both. A borrow makes bytes behind the first wrong, never it.
func special(v uint64) uint64 {
	const ones, high = 0x0101010101010101, 0x8080808080808080
	low, backslash := (v^0x02*ones)-0x21*ones, (v^'\\'*ones)-ones
	return (low | backslash) &^ v & high
}

// Decoder reads deliveries. It remembers the strings of the last one, since
// the next mostly has the same; the zero value is ready. Not for use by
// several goroutines at a time.
type Decoder struct {
	key, typ, app, clientID string

	last           Delivery // without tag and body
	head, envelope []byte   // its frame up to the tag, and from behind that to the body

	shelf     []byte // room for the next small bodies
	shelfSize int
}

// Bodies up to smallBody bytes share allocations, shelves, that grow up to
// maxShelf: with one for each body, consuming took a fifth more time. Who keeps
// one body keeps its shelf.
const (
	smallBody = 512
	maxShelf  = 2 << 10
)

// room returns n bytes for a body, which keep then takes.
func (dec *Decoder) room(n int) []byte {
	if n > smallBody {
		return make([]byte, n)
	}
	if len(dec.shelf) < n {
		dec.shelfSize = max(n, min(2*dec.shelfSize, maxShelf))
		dec.shelf = make([]byte, dec.shelfSize)
	}
	return dec.shelf[:n]
}

// keep makes a body of the first n bytes of room.
func (dec *Decoder) keep(room []byte, n int) []byte {
	if len(room) <= smallBody {
		dec.shelf = dec.shelf[n:]
	}
	return room[:n:n]
}

// DecodeDelivery reads a single delivery; see [Decoder.Decode].
func DecodeDelivery(frame []byte) (d Delivery, err error) {
	err = new(Decoder).Decode(frame, &d)
	return d, err
}

// DecodeMessage reads one element of what notify/read returns: a delivery
// without a tag, as a JSON string that holds it or as the object itself.
func DecodeMessage(text []byte) (Delivery, error) {
	s := scanner{b: text}
	if s.next() == '"' {
		text, _ = s.quoted()
	}
	if s.reason != "" {
		return Delivery{}, malformed(opDeliver, "%s", s.reason)
	}
	var d Delivery
	_, err := new(Decoder).decode(text, &d)
	return d, err
}

// Decode reads one frame into d, which does not alias it. Members come in
// any order, unknown ones are passed over and the last of several counts. The
// tag must be there, as a number or as a string of digits. The error is an
// [*Error], and d is empty then.
func (dec *Decoder) Decode(frame []byte, d *Delivery) error {
	hasTag, err := dec.decode(frame, d)
	if err == nil && !hasTag {
		*d = Delivery{}
		return malformed(opDeliver, "no tag")
	}
	return err
}

func (dec *Decoder) decode(frame []byte, d *Delivery) (hasTag bool, err error) {
	if dec.again(frame, d) || dec.usual(frame, d) {
		return true, nil
	}
	*d = Delivery{}
	s := scanner{b: frame}
	for more := s.open(); more; more = s.more() {
		switch string(s.name()) {
		case "tag":
			d.Tag, hasTag = s.tag(), true
		case "time":
			d.Time = s.time()
		case "key":
			d.Key = s.text(&dec.key)
		case "type":
			d.Type = s.text(&dec.typ)
		case "app", "app_name":
			d.App = s.text(&dec.app)
		case "client_id":
			d.ClientID = s.text(&dec.clientID)
		case "body":
			d.Body = dec.body(&s)
		default:
			s.value()
		}
	}
	if s.reason != "" {
		*d = Delivery{}
		return false, malformed(opDeliver, "%s", s.reason)
	}
	return hasTag, nil
}

// again reads a frame that differs from the last in tag and body only, as most
// do: a third of the time that usual takes.
func (dec *Decoder) again(frame []byte, d *Delivery) bool {
	if len(dec.head) == 0 || !bytes.HasPrefix(frame, dec.head) {
		return false
	}
	s := scanner{b: frame, i: len(dec.head)}
	tag, ok := s.digits()
	if !ok || !bytes.HasPrefix(frame[s.i:], dec.envelope) {
		return false
	}
	s.i += len(dec.envelope)
	*d = dec.last
	d.Tag = tag
	return dec.bodyToEnd(&s, d)
}

// remember has the next frame compared with this one, whose tag and body begin
// at these places.
func (dec *Decoder) remember(frame []byte, tag, behindTag, body int, d *Delivery) {
	if body > maxEnvelope {
		return
	}
	dec.last = *d
	dec.last.Tag, dec.last.Body = 0, nil
	dec.head = append(dec.head[:0], frame[:tag]...)
	dec.envelope = append(dec.envelope[:0], frame[behindTag:body]...)
}

const maxEnvelope = 2 << 10

// usual reads a frame with the members of AppendDelivery in its order and
// without spaces, as most have, in half the time of the general way. It leaves
// to that whatever else there is.
func (dec *Decoder) usual(frame []byte, d *Delivery) bool {
	s := scanner{b: frame}
	seconds := s.digitsAfter(`{"time":`)
	if seconds > math.MaxInt64 {
		return false
	}
	d.Time = int64(seconds)
	tag := s.i + len(`,"tag":`)
	d.Tag = s.digitsAfter(`,"tag":`)
	behindTag := s.i
	d.Key = s.textAfter(`,"key":"`, &dec.key)
	d.Type = s.textAfter(`,"type":"`, &dec.typ)
	d.App = s.textAfter(`,"app":"`, &dec.app)
	d.ClientID = s.textAfter(`,"client_id":"`, &dec.clientID)
	if !s.skip(`,"body":"`) {
		return false
	}
	dec.remember(frame, tag, behindTag, s.i, d)
	return dec.bodyToEnd(&s, d)
}

// bodyToEnd reads the body, whose quote is consumed and which is the last
// member.
func (dec *Decoder) bodyToEnd(s *scanner, d *Delivery) bool {
	s.i--
	d.Body = dec.body(s)
	return s.skip(`}`) && s.i == len(s.b)
}

// skip consumes text, which must come next.
func (s *scanner) skip(text string) bool {
	if len(s.b)-s.i < len(text) || string(s.b[s.i:s.i+len(text)]) != text {
		s.fail("not the usual delivery")
		return false
	}
	s.i += len(text)
	return true
}

func (s *scanner) digitsAfter(name string) uint64 {
	if !s.skip(name) {
		return 0
	}
	n, ok := s.digits()
	if !ok {
		s.fail("not the usual delivery")
	}
	return n
}

// textAfter consumes a string whose quote is the end of name.
func (s *scanner) textAfter(name string, last *string) string {
	if !s.skip(name) {
		return ""
	}
	s.i--
	return s.text(last)
}

// scanner walks over one JSON object; after the first failure it stands at the
// end.
type scanner struct {
	b      []byte
	i      int
	reason string
}

func (s *scanner) fail(reason string) {
	if s.reason == "" {
		s.reason = reason
	}
	s.i = len(s.b)
}

// next skips white space and returns the byte after it, 0 at the end.
func (s *scanner) next() byte {
	for ; s.i < len(s.b); s.i++ {
		switch c := s.b[s.i]; c {
		case ' ', '\t', '\r', '\n':
		default:
			return c
		}
	}
	return 0
}

func (s *scanner) expect(c byte) {
	if s.next() != c {
		s.fail("not a JSON object")
		return
	}
	s.i++
}

// open enters the object, and reports whether it has members.
func (s *scanner) open() bool {
	s.expect('{')
	if s.next() != '}' {
		return s.reason == ""
	}
	s.close()
	return false
}

// more goes on behind a member, and reports whether there is another.
func (s *scanner) more() bool {
	if s.next() == ',' {
		s.i++
		return true
	}
	s.close()
	return false
}

func (s *scanner) close() {
	s.expect('}')
	if s.next(); s.i < len(s.b) {
		s.fail("something follows the JSON object")
	}
}

// name consumes the name of a member and goes to its value.
func (s *scanner) name() []byte {
	s.next()
	name, _ := s.quoted()
	s.expect(':')
	s.next()
	return name
}

// quoted consumes a string and returns its text, fresh if that is not part of
// the frame.
func (s *scanner) quoted() (text []byte, fresh bool) {
	raw, escaped := s.span()
	if !escaped {
		return raw, false
	}
	text = make([]byte, len(raw))
	return text[:s.unescape(text, raw)], true
}

// span consumes a string and returns what is between its quotes.
func (s *scanner) span() (raw []byte, escaped bool) {
	if s.i >= len(s.b) || s.b[s.i] != '"' {
		s.fail("a string is missing")
		return nil, false
	}
	rest := s.b[s.i+1:]
	n := plain(rest)
	for n < len(rest) && rest[n] == '\\' {
		escaped = true
		n = min(n+2, len(rest))
		n += plain(rest[n:])
	}
	switch {
	case n >= len(rest):
		s.fail("a string does not end")
		return nil, false
	case rest[n] != '"':
		s.fail("a string has a control character")
		return nil, false
	}
	s.i += n + 2
	return rest[:n], escaped
}

// unescape writes what raw stands for to text, which is as long, and returns how
// much that is.
func (s *scanner) unescape(text, raw []byte) int {
	end := 0 // of what is written, which is never ahead of what is read
	for i := 0; i < len(raw); {
		if i+8 <= len(raw) {
			v := word(raw[i:])
			binary.LittleEndian.PutUint64(text[end:], v)
			n := bits.TrailingZeros64(special(v)) / 8
			i, end = i+n, end+n
			if n == 8 {
				continue
			}
		}
		if raw[i] != '\\' {
			text[end] = raw[i]
			i, end = i+1, end+1
			continue
		}
		read, written := unescapeOne(text[end:], raw[i+1:])
		if read == 0 {
			s.fail("a string has a wrong escape")
			return 0
		}
		i, end = i+1+read, end+written
	}
	return end
}

// unescapeOne writes what the escape at the start of s stands for, without its
// backslash. It read nothing if there is no such escape.
func unescapeOne(text, s []byte) (read, written int) {
	if len(s) == 0 {
		return 0, 0
	}
	switch c := s[0]; c {
	case '"', '\\', '/':
		text[0] = c
	case 'b':
		text[0] = '\b'
	case 'f':
		text[0] = '\f'
	case 'n':
		text[0] = '\n'
	case 'r':
		text[0] = '\r'
	case 't':
		text[0] = '\t'
	case 'u':
		r, size := unicodeEscape(s[1:])
		if size == 0 {
			return 0, 0
		}
		return 1 + size, utf8.EncodeRune(text, r)
	default:
		return 0, 0
	}
	return 1, 1
}

// unicodeEscape reads what follows \u, with the second half of a pair; half a
// pair alone is U+FFFD, as in encoding/json.
func unicodeEscape(s []byte) (r rune, size int) {
	r, ok := hex4(s)
	if !ok {
		return 0, 0
	}
	if !utf16.IsSurrogate(r) {
		return r, 4
	}
	if len(s) >= 10 && s[4] == '\\' && s[5] == 'u' {
		if low, ok := hex4(s[6:]); ok {
			if r := utf16.DecodeRune(r, low); r != utf8.RuneError {
				return r, 10
			}
		}
	}
	return utf8.RuneError, 4
}

func hex4(s []byte) (r rune, ok bool) {
	if len(s) < 4 {
		return 0, false
	}
	for _, c := range s[:4] {
		switch {
		case '0' <= c && c <= '9':
			c -= '0'
		case 'a' <= c && c <= 'f':
			c -= 'a' - 10
		case 'A' <= c && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	return r, true
}

// value consumes any value and returns its JSON, part of the frame.
func (s *scanner) value() []byte {
	from := s.i
	if s.i < len(s.b) && s.b[s.i] == '"' {
		s.quoted()
		return s.b[from:s.i]
	}
	v := s.b[from : from+extent(s.b[from:])]
	if !json.Valid(v) {
		s.fail("a value is not JSON")
		return nil
	}
	s.i += len(v)
	return v
}

// extent finds where a value that is no string ends, if it is a valid one.
func extent(b []byte) int {
	depth, inString := 0, false
	for i := 0; i < len(b); i++ {
		switch c := b[i]; {
		case inString && c == '\\':
			i++
		case c == '"':
			inString = !inString
		case inString:
		case c == '{' || c == '[':
			depth++
		case depth == 0 && (c == ',' || c == '}' || c == ']'):
			return i
		case c == '}' || c == ']':
			depth--
		}
	}
	return len(b)
}

// text consumes a string, or null for none. Where it equals *last it is not
// allocated again.
func (s *scanner) text(last *string) string {
	if s.null() {
		return ""
	}
	if end := s.i + 1 + len(*last); end < len(s.b) && s.b[end] == '"' && s.b[s.i] == '"' && string(s.b[s.i+1:end]) == *last {
		s.i = end + 1
		return *last
	}
	t, fresh := s.quoted()
	if fresh { // cannot be compared as it stands in a frame
		return string(t)
	}
	return recall(last, t)
}

func (s *scanner) null() bool {
	if !bytes.HasPrefix(s.b[s.i:], []byte("null")) {
		return false
	}
	s.i += len("null")
	return true
}

// body consumes what stands for the body, and copies it out of the frame.
func (dec *Decoder) body(s *scanner) []byte {
	if s.i < len(s.b) && s.b[s.i] == '"' {
		raw, escaped := s.span()
		room := dec.room(len(raw))
		if !escaped {
			return dec.keep(room, copy(room, raw))
		}
		return dec.keep(room, s.unescape(room, raw))
	}
	if s.null() {
		return nil
	}
	return append([]byte(nil), bytes.TrimRight(s.value(), " \t\r\n")...)
}

// digits consumes a number in its common form: digits, and a comma behind. The
// general way costs ten times as much.
func (s *scanner) digits() (n uint64, ok bool) {
	b := s.b[s.i:]
	end := 0
	for end < len(b) && b[end]-'0' <= 9 {
		end++
	}
	if end == 0 || end == len(b) || b[end] != ',' || b[0] == '0' && end > 1 {
		return 0, false
	}
	if n, ok = parseUint(b[:end]); ok {
		s.i += end
	}
	return n, ok
}

// tag consumes a number or, as older platforms sent it, a string of digits.
func (s *scanner) tag() uint64 {
	if n, ok := s.digits(); ok {
		return n
	}
	n, ok := parseUint(bytes.Trim(s.value(), "\" \t\r\n"))
	if !ok {
		s.fail("the tag is no whole number")
	}
	return n
}

// time consumes whatever stands for the time; one that makes no sense is 0,
// since no delivery should be lost for it.
func (s *scanner) time() int64 {
	from := s.i
	if n, ok := s.digits(); ok && n <= math.MaxInt64 {
		return int64(n)
	}
	s.i = from
	raw := string(bytes.Trim(s.value(), "\" \t\r\n"))
	if n, err := strconv.ParseInt(raw, 10, 64); err == nil {
		return n
	}
	if f, err := strconv.ParseFloat(raw, 64); err == nil && math.Abs(f) < 1<<62 {
		return int64(f)
	}
	return 0
}
