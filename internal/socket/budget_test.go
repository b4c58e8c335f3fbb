package socket

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// readAll returns how long a Read of everything takes, and what it ends with.
func readAll(c *Conn) (took time.Duration, err error) {
	began := time.Now()
	for err == nil {
		_, _, err = c.Read(context.Background())
	}
	return time.Since(began), err
}

func TestAMessageThatWasBegunHasToCome(t *testing.T) {
	whole := string(raw{op: 2, payload: strings.Repeat("x", 100<<10)}.bytes(true))
	for name, c := range map[string]struct {
		bytes string
		every time.Duration // a byte
		most  time.Duration
	}{
		"a byte and no more":      {whole[:1], 0, 31 * time.Second},
		"half and no more":        {whole[:50<<10], 0, 60 * time.Second},
		"byte after byte":         {whole, time.Second, 31 * time.Second},
		"an unfinished one":       {string(raw{op: 2, more: true, payload: "x"}.bytes(true)), 0, 31 * time.Second},
		"pings between fragments": {string(raw{op: 2, more: true}.bytes(true)) + strings.Repeat(string(raw{op: 9}.bytes(true)), 99), time.Second, 31 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				conn, peer := connectPipe(t, server, Options{})
				go io.Copy(io.Discard, peer.Conn)
				go func() {
					if c.every == 0 {
						peer.Write([]byte(c.bytes))
						return
					}
					for i := range len(c.bytes) {
						if _, err := peer.Write([]byte(c.bytes[i : i+1])); err != nil {
							return
						}
						time.Sleep(c.every)
					}
				}()
				took, err := readAll(conn)
				if err != errSlowMessage || took > c.most {
					t.Errorf("ended after %v with %v", took, err)
				}
				time.Sleep(2 * time.Second) // for the writer to notice
			})
		})
	}
}

// A slow line and a silent peer are no attack.
func TestASlowMessageAndASilentPeerAreWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		conn, peer := connectPipe(t, server, Options{})
		go func() {
			for range 3 {
				time.Sleep(5 * time.Hour)
				frame := raw{op: 2, payload: strings.Repeat("x", 1<<20)}.bytes(true)
				for len(frame) > 0 {
					n, _ := peer.Write(frame[:min(len(frame), 5<<10)])
					frame = frame[n:]
					time.Sleep(time.Second)
				}
				for range 300 { // every read ends within a frame
					peer.Write(raw{op: 2, payload: "0123456789"}.bytes(true)[:8])
					time.Sleep(time.Second)
					peer.Write(append(raw{op: 2, payload: "0123456789"}.bytes(true)[8:], raw{op: 2, payload: "0123456789"}.bytes(true)...))
				}
			}
			peer.Write(raw{op: 8}.bytes(true))
		}()
		_, err := readAll(conn)
		var closed *CloseError
		if !errors.As(err, &closed) {
			t.Error(err)
		}
	})
}

func TestFragmentsAreBoundedByWhatTheyHold(t *testing.T) {
	var fault *ProtocolError
	empty := "\x02\x80\x00\x00\x00\x00" + strings.Repeat("\x00\x80\x00\x00\x00\x00", 10_000)
	if _, err := play(server, Options{}, strings.NewReader(empty)); !errors.As(err, &fault) || fault.Code != PolicyViolation {
		t.Errorf("10,000 empty fragments: %v", err)
	}
	frames := []raw{{op: 2, more: true, payload: strings.Repeat("x", 128)}}
	for range 8190 {
		frames = append(frames, raw{more: true, payload: strings.Repeat("x", 128)})
	}
	frames = append(frames, raw{payload: strings.Repeat("x", 128)})
	got, _ := play(server, Options{}, strings.NewReader(encode(frames, true)))
	if len(got) != 1 || len(got[0].payload) != 1<<20 {
		t.Errorf("a message in fragments of 128 bytes, as a published SDK sends it, was not read: %d messages", len(got))
	}
}

func TestControlFramesInARowAreBounded(t *testing.T) {
	ping, data := string(raw{op: 9, payload: "p"}.bytes(true)), string(raw{op: 2, payload: "d"}.bytes(true))
	pong := string(raw{op: 10, payload: "p"}.bytes(true))
	for name, c := range map[string]struct {
		stream  string
		refused bool
	}{
		"pings":                 {strings.Repeat(ping, 3*mostAlone), true},
		"pongs":                 {strings.Repeat(pong, 3*mostAlone), true},
		"pings behind messages": {strings.Repeat(data+ping, 3*mostAlone), false},
	} {
		var fault *ProtocolError
		_, err := play(server, Options{}, strings.NewReader(c.stream))
		if refused := errors.As(err, &fault) && fault.Code == PolicyViolation; refused != c.refused {
			t.Errorf("%s: %v", name, err)
		}
	}
	pongs := strings.Repeat(string(raw{op: 10}.bytes(false)), 3*mostAlone)
	var fault *ProtocolError
	if _, err := play(client, Options{}, strings.NewReader(pongs)); errors.As(err, &fault) {
		t.Errorf("a client that publishes hears nothing but pongs, and is told: %v", err)
	}
}
