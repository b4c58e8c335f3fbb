package wire

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"
	"unicode/utf8"
)

func publishFrame(t testing.TB, key, body, contentType string) []byte {
	t.Helper()
	frame, err := AppendPublish(nil, key, []byte(body), contentType)
	if err != nil {
		t.Fatal(err)
	}
	return frame
}

func TestCommandsHaveTheDocumentedBytes(t *testing.T) {
	consume, _ := AppendConsume(nil, "")
	messages, _ := AppendConsume(nil, "messages")
	for _, tt := range []struct {
		name string
		got  []byte
		want string
	}{
		{"publish", publishFrame(t, "order.new", "hello world", "text/plain"), "\x01\x00\x09order.new\x00\x00\x00\x0bhello world\x00\x0atext/plain"},
		{"publish of nothing", publishFrame(t, "k", "", ""), "\x01\x00\x01k\x00\x00\x00\x00\x00\x00"},
		{"consume the default queue", consume, "\x02"},
		{"consume a topic", messages, "\x02\x00\x08messages"},
		{"ack 1", AppendAck(nil, 1), "\x031"},
		{"ack 12", AppendAck(nil, 12), "\x0312"},
		{"fail 12", AppendFail(nil, 12, "no stock"), "\x04\x00\x0212\x00\x08no stock"},
		{"fail without a reason", AppendFail(nil, 1, ""), "\x04\x00\x011\x00\x00"},
	} {
		if string(tt.got) != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, tt.got, tt.want)
		}
	}
}

func TestDialectsAreReadWhereTheirMeaningIsCertain(t *testing.T) {
	for _, tt := range []struct {
		name, frame string
		want        Command
	}{
		{"documented publish without content type", "\x01\x00\x01k\x00\x00\x00\x02hi", Command{Op: OpPublish, Key: "k", Body: []byte("hi")}},
		{"PHP consume of the default queue", "\x02\x00\x00", Command{Op: OpConsume}},
		{"bare ack", "\x03", Command{Op: OpAck}},
		{"python ack 10", "\x03\x3a", Command{Op: OpAck, Tag: 10, HasTag: true}},
		{"java ack 207", "\x03\xff", Command{Op: OpAck, Tag: 207, HasTag: true}},
		{"the largest tag", "\x0318446744073709551615", Command{Op: OpAck, Tag: 1<<64 - 1, HasTag: true}},
	} {
		got, err := DecodeCommand([]byte(tt.frame), Limits{})
		if err != nil || !equal(got, tt.want) {
			t.Errorf("%s: %+v, %v, want %+v", tt.name, got, err, tt.want)
		}
	}
}

func equal(a, b Command) bool {
	same := bytes.Equal(a.Body, b.Body)
	a.Body, b.Body = nil, nil
	return same && a.Op == b.Op && a.Key == b.Key && a.ContentType == b.ContentType && a.Topic == b.Topic && a.Tag == b.Tag && a.HasTag == b.HasTag && a.Reason == b.Reason
}

func TestARefusedCommandSaysWhatWasWrong(t *testing.T) {
	limits := Limits{Key: 4, Body: 4, ContentType: 4, Topic: 4}
	for _, tt := range []struct {
		name, frame, dialect, reason string
		code                         uint16
	}{
		{"empty", "", "", "command: the frame is empty", 1002},
		{"zero", "\x00", "", "command 0x00: unknown", 1003},
		{"unknown", "\x05abc", "", "command 0x05: unknown, there are 1 publish, 2 consume, 3 ack and 4 fail", 1003},
		{"text", "hello", "", "unknown", 1003},
		{"publish cut after the op", "\x01", "", "lengths", 1002},
		{"publish cut in the key", "\x01\x00\x04ab", "", "lengths", 1002},
		{"publish cut in the body length", "\x01\x00\x01k\x00\x00", "", "lengths", 1002},
		{"publish with a huge body length", "\x01\x00\x01k\xff\xff\xff\xffx", "", "lengths", 1002},
		{"publish with one byte too many", "\x01\x00\x01k\x00\x00\x00\x01b\x00", "", "lengths", 1002},
		{"publish with bytes after the content type", "\x01\x00\x01k\x00\x00\x00\x01b\x00\x01tt", "", "lengths", 1002},
		{"empty key", "\x01\x00\x00\x00\x00\x00\x01b", "", "routing key is empty", 1008},
		{"long key", "\x01\x00\x05abcde\x00\x00\x00\x00", "", "routing key of 5 bytes, at most 4", 1009},
		{"long body", "\x01\x00\x01k\x00\x00\x00\x05abcde", "", "body of 5 bytes, at most 4", 1009},
		{"long content type", "\x01\x00\x01k\x00\x00\x00\x00\x00\x05abcde", "", "content type of 5 bytes", 1009},
		{"python publish", "\x01\x00\x02order.new\x00\x00\x00\x04hello world\x00\x02text/plain", "python", "lengths", 1002},
		{"C# publish", "\x01\x09\x00order.new\x0b\x00hello worldtext/plain", "csharp", "lengths", 1002},
		{"C# consume", "\x02\x08\x00messages", "csharp", "length", 1002},
		{"consume cut", "\x02\x00", "", "length", 1002},
		{"consume with bytes after the topic", "\x02\x00\x01ab", "", "length", 1002},
		{"long topic", "\x02\x00\x05abcde", "", "topic of 5 bytes", 1009},
		{"java ack 208 has wrapped", "\x03\x00", "java", "decimal", 1002},
		{"ack of letters", "\x03ab", "", "decimal", 1002},
		{"ack with a sign", "\x03+1", "", "decimal", 1002},
		{"ack of more than 64 bits", "\x0318446744073709551616", "", "decimal", 1002},
		{"fail without parts", "\x04", "", "fail: the lengths", 1002},
		{"fail without a reason", "\x04\x00\x011", "", "lengths", 1002},
		{"fail cut in the tag", "\x04\x00\x051", "", "lengths", 1002},
		{"fail cut in the reason", "\x04\x00\x011\x00\x05no", "", "lengths", 1002},
		{"fail with bytes after the reason", "\x04\x00\x011\x00\x02no!", "", "lengths", 1002},
		{"fail without a tag", "\x04\x00\x00\x00\x02no", "", "fail: the tag is no decimal number", 1002},
		{"fail with a tag of letters", "\x04\x00\x02ab\x00\x02no", "", "decimal", 1002},
	} {
		_, err := DecodeCommand([]byte(tt.frame), limits)
		var e *Error
		if !errors.As(err, &e) {
			t.Errorf("%s: error %v, want an *Error", tt.name, err)
			continue
		}
		if e.CloseCode() != tt.code || e.Dialect != tt.dialect || !strings.Contains(err.Error(), tt.reason) || !strings.Contains(err.Error(), tt.dialect) {
			t.Errorf("%s: close %d, dialect %q, %q", tt.name, e.CloseCode(), e.Dialect, err)
		}
	}
}

func TestAReasonIsCutToWholeLetters(t *testing.T) {
	for _, tt := range []struct{ name, text, want string }{
		{"short", "no stock", "no stock"},
		{"as long as it may be", strings.Repeat("x", MaxReason), strings.Repeat("x", MaxReason)},
		{"too long", strings.Repeat("x", MaxReason+1), strings.Repeat("x", MaxReason)},
		{"cut within a letter", "x" + strings.Repeat("库", MaxReason), "x" + strings.Repeat("库", (MaxReason-1)/3)},
		{"not UTF-8", "\xff\xfeno", "\uFFFDno"},
		{"longer as UTF-8", strings.Repeat("\xffx", MaxReason/2), strings.Repeat("\uFFFDx", MaxReason/4)},
	} {
		if got := Reason(tt.text); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
		c, err := DecodeCommand(AppendFail(nil, 7, tt.text), Limits{})
		if want := (Command{Op: OpFail, Tag: 7, HasTag: true, Reason: tt.want}); err != nil || !equal(c, want) {
			t.Errorf("%s: %+v, %v, want %+v", tt.name, c, err, want)
		}
	}
}

// Other programs may send a longer one.
func TestAReasonThatCameTooLongIsCut(t *testing.T) {
	frame := appendString(appendString([]byte{byte(OpFail)}, "1"), "\xff"+strings.Repeat("x", 5000))
	if c, err := DecodeCommand(frame, Limits{}); err != nil || c.Reason != "\uFFFD"+strings.Repeat("x", MaxReason-3) {
		t.Errorf("%d bytes, %v", len(c.Reason), err)
	}
}

func TestWhatNoPlatformAcceptsIsNotWritten(t *testing.T) {
	long := strings.Repeat("x", 65536)
	_, noKey := AppendPublish(nil, "", nil, "")
	_, longKey := AppendPublish(nil, long, nil, "")
	_, longType := AppendPublish(nil, "k", nil, long)
	_, longTopic := AppendConsume(nil, long)
	for i, err := range []error{noKey, longKey, longType, longTopic} {
		var e *Error
		if !errors.As(err, &e) {
			t.Errorf("case %d: %v, want an *Error", i, err)
		}
	}
}

// Frames of the published SDKs, as they were recorded.
func TestRecordedFramesAreUnderstood(t *testing.T) {
	data, err := os.ReadFile("testdata/frames.json")
	if err != nil {
		t.Fatal(err)
	}
	var frames []struct{ Peer, Scenario, Payload string }
	if err := json.Unmarshal(data, &frames); err != nil {
		t.Fatal(err)
	}
	if len(frames) == 0 {
		t.Fatal("no frames")
	}
	for _, f := range frames {
		payload, _ := base64.StdEncoding.DecodeString(f.Payload)
		_, err := DecodeCommand(payload, Limits{})
		var e *Error
		switch broken := f.Peer == "python" && f.Scenario == "ws-publish"; {
		case !broken && err != nil:
			t.Errorf("%s %s: %v", f.Peer, f.Scenario, err)
		case broken && (!errors.As(err, &e) || e.Dialect != "python"):
			t.Errorf("%s %s: %v, want a refusal that names python", f.Peer, f.Scenario, err)
		}
	}
}

func FuzzPublishSurvivesTheWire(f *testing.F) {
	f.Add("order.new", []byte("hello"), "text/plain")
	f.Add("k", []byte{0, 0xff}, "")
	f.Fuzz(func(t *testing.T, key string, body []byte, contentType string) {
		frame, err := AppendPublish(nil, key, body, contentType)
		if err != nil {
			t.Skip()
		}
		got, err := DecodeCommand(frame, Limits{Key: 1 << 16, ContentType: 1 << 16})
		want := Command{Op: OpPublish, Key: key, Body: body, ContentType: contentType}
		if err != nil || !equal(got, want) {
			t.Fatalf("%+v, %v, want %+v", got, err, want)
		}
	})
}

func FuzzDecodeCommand(f *testing.F) {
	for _, s := range []string{"", "\x01\x00\x01k\x00\x00\x00\x02hi", "\x02\x00\x01t", "\x0312", "\x01\xff\xff", "\x01\x00\x02order\x00\x00\x00\x04h\x00\x02t", "\x04\x00\x011\x00\x02no", "\x04\x00\x0207\x00\x01\xff"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, frame []byte) {
		c, err := DecodeCommand(frame, Limits{})
		if err != nil {
			return
		}
		if len(c.Reason) > MaxReason || !utf8.ValidString(c.Reason) {
			t.Fatalf("%q: a reason of %d bytes: %q", frame, len(c.Reason), c.Reason)
		}
		again := encode(t, c)
		if d, err := DecodeCommand(again, Limits{}); err != nil || !equal(c, d) {
			t.Fatalf("%q: %+v was written as %q and read as %+v, %v", frame, c, again, d, err)
		}
	})
}

func encode(t *testing.T, c Command) []byte {
	var frame []byte
	var err error
	switch {
	case c.Op == OpPublish:
		frame, err = AppendPublish(nil, c.Key, c.Body, c.ContentType)
	case c.Op == OpConsume:
		frame, err = AppendConsume(nil, c.Topic)
	case c.Op == OpFail:
		frame = AppendFail(nil, c.Tag, c.Reason)
	case c.HasTag:
		frame = AppendAck(nil, c.Tag)
	default:
		frame = []byte{byte(OpAck)}
	}
	if err != nil {
		t.Fatal(err)
	}
	return frame
}
