package wire

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Op is the first byte of a command.
type Op uint16

const (
	OpPublish Op = 1
	OpConsume Op = 2
	OpAck     Op = 3
	OpFail    Op = 4 // of this project: published SDKs send none

	// No byte has these values; they are for errors only.
	opDeliver Op = 0x100 // a delivery
	opNone    Op = 0x101 // a command without an op
)

func (op Op) String() string {
	switch op {
	case OpPublish:
		return "publish"
	case OpConsume:
		return "consume"
	case OpAck:
		return "ack"
	case OpFail:
		return "fail"
	case opDeliver:
		return "delivery"
	case opNone:
		return "command"
	default:
		return fmt.Sprintf("command %#02x", uint16(op))
	}
}

// Command is one frame from client to platform. Op says which of the other fields
// count.
type Command struct {
	Op Op

	Key         string // publish: the routing key, never empty
	Body        []byte // publish: aliases the frame
	ContentType string // publish: empty where the client sent none

	Topic string // consume: empty for the default queue

	Tag    uint64 // ack, fail
	HasTag bool   // ack: false for the bare ack that PHP's documented loop sends

	Reason string // fail: valid UTF-8 of at most MaxReason bytes
}

// Limits bounds the parts of a command, in bytes. Zero means the default.
type Limits struct {
	Key         int // 256
	Body        int // 1 MiB
	ContentType int // 256
	Topic       int // 256
}

func (l Limits) withDefaults() Limits {
	return Limits{
		Key:         cmp.Or(l.Key, 256),
		Body:        cmp.Or(l.Body, 1<<20),
		ContentType: cmp.Or(l.ContentType, 256),
		Topic:       cmp.Or(l.Topic, 256),
	}
}

// AppendPublish appends a publish command to dst. It refuses what no platform
// accepts: an empty key, and parts that their length fields cannot hold.
func AppendPublish(dst []byte, key string, body []byte, contentType string) ([]byte, error) {
	switch {
	case key == "":
		return dst, emptyKey()
	case len(key) > math.MaxUint16:
		return dst, tooLarge(OpPublish, "routing key", len(key), math.MaxUint16)
	case len(body) > math.MaxInt32:
		return dst, tooLarge(OpPublish, "body", len(body), math.MaxInt32)
	case len(contentType) > math.MaxUint16:
		return dst, tooLarge(OpPublish, "content type", len(contentType), math.MaxUint16)
	}
	dst = append(dst, byte(OpPublish))
	dst = appendString(dst, key)
	dst = binary.BigEndian.AppendUint32(dst, uint32(len(body)))
	dst = append(dst, body...)
	return appendString(dst, contentType), nil
}

// AppendConsume appends a consume command to dst; the empty topic is the
// default queue.
func AppendConsume(dst []byte, topic string) ([]byte, error) {
	dst = append(dst, byte(OpConsume))
	if topic == "" {
		return dst, nil
	}
	if len(topic) > math.MaxUint16 {
		return dst, tooLarge(OpConsume, "topic", len(topic), math.MaxUint16)
	}
	return appendString(dst, topic), nil
}

// AppendAck appends an ack command to dst.
func AppendAck(dst []byte, tag uint64) []byte {
	return strconv.AppendUint(append(dst, byte(OpAck)), tag, 10)
}

// MaxReason is how many bytes of the reason of a failure are kept.
const MaxReason = 1024

// AppendFail appends a fail command to dst: an attempt at the delivery with this tag has
// failed. Of the reason it takes what [Reason] returns.
func AppendFail(dst []byte, tag uint64, reason string) []byte {
	var digits [20]byte
	dst = appendString(append(dst, byte(OpFail)), string(strconv.AppendUint(digits[:0], tag, 10)))
	return appendString(dst, Reason(reason))
}

// Reason returns text as the reason of a failure: as UTF-8, and at most [MaxReason] bytes
// of it.
func Reason(text string) string {
	text = strings.ToValidUTF8(text, "\uFFFD")
	if len(text) <= MaxReason {
		return text
	}
	n := MaxReason
	for !utf8.RuneStart(text[n]) {
		n--
	}
	return text[:n]
}

func appendString(dst []byte, s string) []byte {
	return append(binary.BigEndian.AppendUint16(dst, uint16(len(s))), s...)
}

// CommandDecoder reads commands. It remembers the strings of the last publish, since
// the next one mostly has the same and needs no allocation then. The zero value is
// ready to use, by one goroutine at a time.
type CommandDecoder struct {
	key, contentType string
}

// DecodeCommand reads a single frame; see [CommandDecoder.Decode].
func DecodeCommand(frame []byte, limits Limits) (Command, error) {
	return new(CommandDecoder).Decode(frame, limits)
}

// Decode reads one frame. The error is an [*Error]. Body aliases frame,
// everything else is copied.
func (dec *CommandDecoder) Decode(frame []byte, limits Limits) (Command, error) {
	if len(frame) == 0 {
		return Command{}, malformed(opNone, "the frame is empty, it starts with 1, 2, 3 or 4")
	}
	limits = limits.withDefaults()
	switch op, rest := Op(frame[0]), frame[1:]; op {
	case OpPublish:
		return dec.publish(rest, limits)
	case OpConsume:
		return decodeConsume(rest, limits)
	case OpAck:
		return decodeAck(rest)
	case OpFail:
		return decodeFail(rest)
	default:
		return Command{}, &Error{Op: op, Kind: Unsupported, Reason: "unknown, there are 1 publish, 2 consume, 3 ack and 4 fail"}
	}
}

func (dec *CommandDecoder) publish(b []byte, limits Limits) (Command, error) {
	key, body, contentType, ok := splitPublish(b)
	if !ok {
		err := malformed(OpPublish, "the lengths do not fit the frame; it is u16 length + routing key, u32 length + body, u16 length + content type, big-endian")
		err.Dialect = publishDialect(b)
		return Command{}, err
	}
	switch {
	case len(key) == 0:
		return Command{}, emptyKey()
	case len(key) > limits.Key:
		return Command{}, tooLarge(OpPublish, "routing key", len(key), limits.Key)
	case len(body) > limits.Body:
		return Command{}, tooLarge(OpPublish, "body", len(body), limits.Body)
	case len(contentType) > limits.ContentType:
		return Command{}, tooLarge(OpPublish, "content type", len(contentType), limits.ContentType)
	}
	return Command{Op: OpPublish, Key: recall(&dec.key, key), Body: body, ContentType: recall(&dec.contentType, contentType)}, nil
}

// recall returns b as a string. If *last is equal, it returns that, without an allocation.
func recall(last *string, b []byte) string {
	if string(b) != *last {
		*last = string(b)
	}
	return *last
}

func emptyKey() *Error {
	return &Error{Op: OpPublish, Kind: Policy, Reason: "the routing key is empty"}
}

// splitPublish accepts the documented form, which ends after the body, and
// the one that SDKs send, which goes on with the content type.
func splitPublish(b []byte) (key, body, contentType []byte, ok bool) {
	if key, b, ok = cut16(b, binary.BigEndian); !ok || len(b) < 4 {
		return nil, nil, nil, false
	}
	n := int64(binary.BigEndian.Uint32(b))
	if b = b[4:]; n > int64(len(b)) {
		return nil, nil, nil, false
	}
	if body, b = b[:n:n], b[n:]; len(b) == 0 {
		return key, body, nil, true
	}
	contentType, b, ok = cut16(b, binary.BigEndian)
	return key, body, contentType, ok && len(b) == 0
}

// cut16 cuts a part with a 16-bit length off b.
func cut16(b []byte, order binary.ByteOrder) (part, rest []byte, ok bool) {
	if len(b) < 2 {
		return nil, nil, false
	}
	n := int(order.Uint16(b))
	if b = b[2:]; n > len(b) {
		return nil, nil, false
	}
	return b[:n], b[n:], true
}

func decodeConsume(b []byte, limits Limits) (Command, error) {
	if len(b) == 0 {
		return Command{Op: OpConsume}, nil
	}
	topic, rest, ok := cut16(b, binary.BigEndian)
	if !ok || len(rest) > 0 {
		err := malformed(OpConsume, "the length does not fit the frame; it is nothing, or u16 length + topic, big-endian")
		if topic, rest, ok := cut16(b, binary.LittleEndian); ok && len(rest) == 0 && len(topic) > 0 {
			err.Dialect = "csharp"
		}
		return Command{}, err
	}
	if len(topic) > limits.Topic {
		return Command{}, tooLarge(OpConsume, "topic", len(topic), limits.Topic)
	}
	return Command{Op: OpConsume, Topic: string(topic)}, nil
}

func decodeAck(b []byte) (Command, error) {
	if len(b) == 0 {
		return Command{Op: OpAck}, nil
	}
	// Python and Java send one byte, tag+48: up to tag 9 that is the digit,
	// above it can be nothing else.
	if len(b) == 1 && b[0] > '9' {
		return Command{Op: OpAck, Tag: uint64(b[0] - '0'), HasTag: true}, nil
	}
	tag, ok := parseUint(b)
	if !ok {
		err := malformed(OpAck, "the tag is no decimal number")
		if len(b) == 1 { // tag+48 has wrapped: a new connection starts at 1 again
			err.Dialect = "java"
		}
		return Command{}, err
	}
	return Command{Op: OpAck, Tag: tag, HasTag: true}, nil
}

func decodeFail(b []byte) (Command, error) {
	digits, b, ok := cut16(b, binary.BigEndian)
	reason, rest, whole := cut16(b, binary.BigEndian)
	if !ok || !whole || len(rest) > 0 {
		return Command{}, malformed(OpFail, "the lengths do not fit the frame; it is u16 length + tag, u16 length + reason, big-endian")
	}
	tag, ok := parseUint(digits)
	if !ok {
		return Command{}, malformed(OpFail, "the tag is no decimal number")
	}
	return Command{Op: OpFail, Tag: tag, HasTag: true, Reason: Reason(string(reason))}, nil
}

// parseUint is strconv.ParseUint without the string, the sign and the underscore.
func parseUint(b []byte) (n uint64, ok bool) {
	if len(b) == 0 || len(b) > 20 {
		return 0, false
	}
	for _, c := range b {
		d := uint64(c - '0')
		if d > 9 || n > (math.MaxUint64-d)/10 {
			return 0, false
		}
		n = n*10 + d
	}
	return n, true
}
