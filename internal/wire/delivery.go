package wire

import (
	"bytes"
	"encoding/base64"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Delivery is one message from platform to client.
type Delivery struct {
	Tag      uint64 // counts the deliveries of one connection
	ID       string // names the message; empty from platforms that give none
	Attempt  int    // which attempt at the message this is, from 1; 0 from platforms that do not count
	Time     int64  // Unix seconds
	Key      string // routing key
	Type     string // content type
	App      string // the publisher's app
	ClientID string // the publisher's key
	Body     []byte // the published bytes; if the platform sent other JSON than a string, that JSON
}

// AppendDelivery appends d as JSON to dst. The bytes of strings pass as they
// are, so a body that is not UTF-8 survives, in a frame that is not UTF-8
// either: send such a frame as binary, others as text.
func AppendDelivery(dst []byte, d *Delivery) []byte {
	dst = strconv.AppendInt(append(dst, `{"time":`...), d.Time, 10)
	dst = strconv.AppendUint(append(dst, `,"tag":`...), d.Tag, 10)
	return appendMessage(dst, d)
}

// AppendMessage appends d without its tag, as notify/read returns it.
func AppendMessage(dst []byte, d *Delivery) []byte {
	dst = strconv.AppendInt(append(dst, `{"time":`...), d.Time, 10)
	return appendMessage(dst, d)
}

// AppendUTF8 is AppendMessage for a reader that takes nothing but UTF-8, as JSON has to be.
// Where a byte is none it has U+FFFD, and the bytes of a body with such are in the member
// body_base64.
func AppendUTF8(dst []byte, d *Delivery) []byte {
	begin := len(dst)
	dst = AppendMessage(dst, d)
	if utf8.Valid(dst[begin:]) {
		return dst
	}
	dst = append(dst[:begin], bytes.ToValidUTF8(dst[begin:], []byte("\uFFFD"))...)
	if utf8.Valid(d.Body) {
		return dst
	}
	dst = append(dst[:len(dst)-1], `,"body_base64":"`...)
	return append(base64.StdEncoding.AppendEncode(dst, d.Body), `"}`...)
}

func appendMessage(dst []byte, d *Delivery) []byte {
	if d.ID != "" {
		dst = appendQuoted(append(dst, `,"id":`...), []byte(d.ID))
	}
	if d.Attempt > 0 {
		dst = strconv.AppendInt(append(dst, `,"attempt":`...), int64(d.Attempt), 10)
	}
	dst = appendQuoted(append(dst, `,"key":`...), []byte(d.Key))
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

// Decoder reads deliveries. It remembers the strings of the last one, since the
// next one mostly has the same. The zero value is ready to use, by one goroutine at
// a time.
type Decoder struct {
	key, typ, app, clientID string

	last           Delivery // without tag, ID and body
	head, envelope []byte   // its frame up to the tag, and from the attempt to the body

	chunk     []byte // free bytes for the next small bodies
	chunkSize int
	ids       strings.Builder // IDs that share an allocation
}

// Bodies up to smallBody bytes share allocations, chunks, that grow up to maxChunk:
// one allocation for each body would make consuming slower. A caller that keeps one
// body keeps its chunk.
const (
	smallBody = 512
	maxChunk  = 2 << 10
)

// reserve returns n bytes for a body, which commit then makes of them.
func (dec *Decoder) reserve(n int) []byte {
	if n > smallBody {
		return make([]byte, n)
	}
	if len(dec.chunk) < n {
		dec.chunkSize = max(n, min(2*dec.chunkSize, maxChunk))
		dec.chunk = make([]byte, dec.chunkSize)
	}
	return dec.chunk[:n]
}

// commit makes a body of the first n of the reserved bytes.
func (dec *Decoder) commit(reserved []byte, n int) []byte {
	if len(reserved) <= smallBody {
		dec.chunk = dec.chunk[n:]
	}
	return reserved[:n:n]
}

// maxIDs is how many bytes of IDs share an allocation, as bodies do.
const maxIDs = 512

// newID returns id as a string.
func (dec *Decoder) newID(id []byte) string {
	if ids := &dec.ids; ids.Cap()-ids.Len() < len(id) {
		size := max(len(id), min(2*ids.Cap(), maxIDs))
		ids.Reset()
		ids.Grow(size)
	}
	from := dec.ids.Len()
	dec.ids.Write(id)
	return dec.ids.String()[from:]
}

// DecodeDelivery reads a single delivery; see [Decoder.Decode].
func DecodeDelivery(frame []byte) (d Delivery, err error) {
	err = new(Decoder).Decode(frame, &d)
	return d, err
}

// DecodeMessage reads one element of the result of notify/read: a delivery without a
// tag, either as a JSON object or as a JSON string that holds the object.
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

// Decode reads one frame into d, which does not alias it. Members may have any
// order, unknown ones are skipped, and the last of several counts. The
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
		case "id":
			d.ID = dec.id(&s)
		case "attempt":
			d.Attempt = s.attempt()
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

// again reads a frame that differs from the last one in tag, ID and body only. Most do,
// and this is faster than the method usual.
func (dec *Decoder) again(frame []byte, d *Delivery) bool {
	if len(dec.head) == 0 || !bytes.HasPrefix(frame, dec.head) {
		return false
	}
	s := scanner{b: frame, i: len(dec.head)}
	tag, ok := s.digits()
	if !ok {
		return false
	}
	id := s.usualID()
	if !bytes.HasPrefix(frame[s.i:], dec.envelope) {
		return false
	}
	s.i += len(dec.envelope)
	*d = dec.last
	d.Tag, d.ID = tag, dec.newID(id)
	return dec.bodyToEnd(&s, d)
}

// remember keeps the parts of a frame with which again compares the next one: tag and
// body are the indexes at which these begin.
func (dec *Decoder) remember(frame []byte, tag, behindID, body int, d *Delivery) {
	if body > maxEnvelope {
		return
	}
	dec.last = *d
	dec.last.Tag, dec.last.ID, dec.last.Body = 0, "", nil
	dec.head = append(dec.head[:0], frame[:tag]...)
	dec.envelope = append(dec.envelope[:0], frame[behindID:body]...)
}

const maxEnvelope = 2 << 10

// usual reads a frame with the members of AppendDelivery, in its order and without
// spaces, faster than the general way. It returns false for any other frame.
func (dec *Decoder) usual(frame []byte, d *Delivery) bool {
	s := scanner{b: frame}
	seconds := s.digitsAfter(`{"time":`)
	if seconds > math.MaxInt64 {
		return false
	}
	d.Time = int64(seconds)
	tag := s.i + len(`,"tag":`)
	d.Tag = s.digitsAfter(`,"tag":`)
	d.ID = dec.newID(s.usualID())
	behindID := s.i
	d.Attempt = s.usualAttempt()
	d.Key = s.textAfter(`,"key":"`, &dec.key)
	d.Type = s.textAfter(`,"type":"`, &dec.typ)
	d.App = s.textAfter(`,"app":"`, &dec.app)
	d.ClientID = s.textAfter(`,"client_id":"`, &dec.clientID)
	if !s.literal(`,"body":"`) {
		return false
	}
	dec.remember(frame, tag, behindID, s.i, d)
	return dec.bodyToEnd(&s, d)
}

// usualID consumes the member with the ID, if it comes next, and returns the ID.
func (s *scanner) usualID() []byte {
	const name = `,"id":"`
	rest := s.b[s.i:]
	if len(rest) < len(name) || string(rest[:len(name)]) != name {
		return nil
	}
	rest = rest[len(name):]
	n := plain(rest)
	if n == len(rest) || rest[n] != '"' {
		return nil
	}
	s.i += len(name) + n + 1
	return rest[:n]
}

// usualAttempt consumes the member with the attempt, if it comes next. It is mostly the
// same as before, so again compares it with the rest of the envelope.
func (s *scanner) usualAttempt() int {
	const name = `,"attempt":`
	rest := s.b[s.i:]
	if len(rest) < len(name) || string(rest[:len(name)]) != name {
		return 0
	}
	n := s.digitsAfter(name)
	if n > math.MaxInt32 {
		s.fail("not the usual delivery")
	}
	return int(n)
}

// bodyToEnd reads the body, whose quote is consumed and which is the last
// member.
func (dec *Decoder) bodyToEnd(s *scanner, d *Delivery) bool {
	s.i--
	d.Body = dec.body(s)
	return s.literal(`}`) && s.i == len(s.b)
}

// literal consumes text, which must come next.
func (s *scanner) literal(text string) bool {
	if len(s.b)-s.i < len(text) || string(s.b[s.i:s.i+len(text)]) != text {
		s.fail("not the usual delivery")
		return false
	}
	s.i += len(text)
	return true
}

func (s *scanner) digitsAfter(name string) uint64 {
	if !s.literal(name) {
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
	if !s.literal(name) {
		return ""
	}
	s.i--
	return s.text(last)
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
	if fresh { // it had escapes, so it cannot be compared with the bytes of a frame
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

// body consumes the value of body, and copies it out of the frame.
func (dec *Decoder) body(s *scanner) []byte {
	if s.atString() {
		raw, escaped := s.span()
		reserved := dec.reserve(len(raw))
		if !escaped {
			return dec.commit(reserved, copy(reserved, raw))
		}
		return dec.commit(reserved, s.unescape(reserved, raw))
	}
	if s.null() {
		return nil
	}
	return append([]byte(nil), s.value()...)
}

// id consumes the value of id. What is no text is none, so that no delivery of another
// platform is lost because of it.
func (dec *Decoder) id(s *scanner) string {
	if !s.atString() {
		s.value()
		return ""
	}
	id, _ := s.quoted()
	return dec.newID(id)
}

// digits consumes a number in its common form, digits with a comma behind them. The
// general way is much slower.
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

// attempt consumes the value of attempt, of any kind. What is no count is none, so that no
// delivery of another platform is lost because of it.
func (s *scanner) attempt() int {
	if n, ok := parseUint(bytes.TrimRight(s.value(), " \t\r\n")); ok && n <= math.MaxInt32 {
		return int(n)
	}
	return 0
}

// time consumes the value of time, of any kind. A value that is not a time becomes 0, so
// that no delivery is lost because of it.
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
