package socket

import (
	"context"
	"encoding/binary"
	"io"
	"net"
	"runtime"
	"strings"
	"testing"
)

const benchSize = 200 // bytes of payload, a usual message

// BenchmarkRead compares Read with a loop that does the least that any reader
// of such frames must do. Both get what a full socket would give them.
func BenchmarkRead(b *testing.B) {
	frame := raw{op: 2, payload: strings.Repeat("x", benchSize)}.bytes(true)
	b.Run("floor", func(b *testing.B) {
		in, buf := &loop{data: frame}, make([]byte, 16<<10)
		at, end := 0, 0
		b.SetBytes(benchSize)
		b.ReportAllocs()
		for b.Loop() {
			if end-at < len(frame) {
				end = copy(buf, buf[at:end])
				at = 0
				n, _ := in.Read(buf[end:])
				end += n
			}
			payload := buf[at+8 : at+8+int(binary.BigEndian.Uint16(buf[at+2:]))]
			key := uint64(binary.LittleEndian.Uint32(buf[at+4:]))
			for key |= key << 32; len(payload) >= 8; payload = payload[8:] {
				binary.LittleEndian.PutUint64(payload, binary.LittleEndian.Uint64(payload)^key)
			}
			at += len(frame)
		}
	})
	b.Run("Conn", func(b *testing.B) {
		c := newConn(tape{&loop{data: frame}}, nil, server, Options{})
		defer c.CloseNow()
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		b.SetBytes(benchSize)
		b.ReportAllocs()
		for b.Loop() {
			if _, _, err := c.Read(ctx); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkWrite writes over TCP to a peer that reads as fast as it can. The
// floors are one system call a frame, and one for every 64 frames.
func BenchmarkWrite(b *testing.B) {
	payload := make([]byte, benchSize)
	frame := raw{op: 2, payload: string(payload)}.bytes(false)
	for name, batch := range map[string]int{"floor, a call a frame": 1, "floor, a call for 64 frames": 64} {
		b.Run(name, func(b *testing.B) {
			conn := drained(b)
			buf, n := make([]byte, 0, batch*len(frame)), 0
			b.SetBytes(benchSize)
			b.ReportAllocs()
			for b.Loop() {
				buf = append(append(buf, frame[:4]...), payload...)
				if n++; n%batch == 0 {
					conn.Write(buf)
					buf = buf[:0]
				}
			}
		})
	}
	for name, side := range sides {
		b.Run("Conn "+name, func(b *testing.B) {
			c := newConn(drained(b), nil, side, Options{})
			defer c.CloseNow()
			ctx := context.Background()
			b.SetBytes(benchSize)
			b.ReportAllocs()
			for b.Loop() {
				if err := c.Write(ctx, Binary, payload); err != nil {
					b.Fatal(err)
				}
			}
			c.Flush(ctx)
		})
	}
	b.Run("Conn parallel", func(b *testing.B) {
		c := newConn(drained(b), nil, client, Options{})
		defer c.CloseNow()
		b.SetBytes(benchSize)
		b.ReportAllocs()
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				c.Write(context.Background(), Binary, payload)
			}
		})
	})
}

// drained returns a connection whose other end reads and forgets.
func drained(b *testing.B) net.Conn {
	here, there := tcp(b)
	go func() {
		io.CopyBuffer(io.Discard, struct{ io.Reader }{there}, make([]byte, 256<<10))
		there.Close()
	}()
	b.Cleanup(func() { here.Close() })
	return here
}

// BenchmarkRoundTrip is one small message there and back over TCP.
func BenchmarkRoundTrip(b *testing.B) {
	here, there := tcp(b)
	c, s := newConn(here, nil, client, Options{}), newConn(there, nil, server, Options{})
	defer c.CloseNow()
	defer s.CloseNow()
	ctx := context.Background()
	go func() {
		for {
			op, payload, err := s.Read(ctx)
			if err != nil {
				return
			}
			s.Write(ctx, op, payload)
		}
	}()
	payload := make([]byte, benchSize)
	b.ReportAllocs()
	for b.Loop() {
		c.Write(ctx, Binary, payload)
		if _, _, err := c.Read(ctx); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkIdleConnection measures what a server's connection costs that has carried
// messages and now waits for the next one in a Read.
func BenchmarkIdleConnection(b *testing.B) {
	const count = 500
	for b.Loop() {
		pairs := make([][2]net.Conn, count)
		for i := range pairs {
			pairs[i][0], pairs[i][1] = tcp(b)
		}
		conns := make([]*Conn, count)
		before := inUse()
		for i, pair := range pairs {
			conns[i] = newConn(pair[0], nil, server, Options{})
			go conns[i].Read(context.Background())
			pair[1].Write(raw{op: 9}.bytes(true))
			io.CopyN(io.Discard, pair[1], 2) // the pong
			conns[i].Write(context.Background(), Binary, make([]byte, 100<<10))
			io.CopyN(io.Discard, pair[1], 10+100<<10)
		}
		b.ReportMetric(float64(inUse()-before)/count, "B/conn")
		for i, c := range conns {
			c.CloseNow()
			pairs[i][1].Close()
		}
	}
}

// inUse returns the bytes of heap and stacks in use.
func inUse() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc + m.StackInuse
}
