package prismtest

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

func ends() (client, server *pipe) { return newPipe(pipeAddr(2), pipeAddr(1)) }

func TestAPipeKeepsOrderBeyondItsBuffer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, server := ends()
		sent := make([]byte, 3*pipeBuffer+17)
		for i := range sent {
			sent[i] = byte(i / 251)
		}
		go func() {
			if n, err := client.Write(sent); n != len(sent) || err != nil {
				t.Errorf("Write: %d, %v", n, err)
			}
			client.Close()
		}()
		synctest.Wait() // the writer waits for room
		got, err := io.ReadAll(server)
		if err != nil || !bytes.Equal(got, sent) {
			t.Errorf("%d bytes arrived, %v", len(got), err)
		}
	})
}

func TestTheEndsOfAPipe(t *testing.T) {
	read := func(p *pipe) error { _, err := p.Read(make([]byte, 1)); return err }
	write := func(p *pipe) error { _, err := p.Write(make([]byte, 1)); return err }
	for _, row := range []struct {
		name             string
		end              func(*pipe)
		hereR, hereW     error
		thereR, thereW   error
		bytesStillArrive bool
	}{
		{"close", func(p *pipe) { p.Close() }, net.ErrClosed, net.ErrClosed, io.EOF, syscall.EPIPE, true},
		{"half close", func(p *pipe) { p.CloseWrite() }, nil, syscall.EPIPE, io.EOF, nil, true},
		{"reset", func(p *pipe) { reset(p) }, net.ErrClosed, net.ErrClosed, syscall.ECONNRESET, syscall.EPIPE, false},
		{"half close, then close", func(p *pipe) { p.CloseWrite(); p.Close() }, net.ErrClosed, syscall.EPIPE, io.EOF, syscall.EPIPE, true},
	} {
		t.Run(row.name, func(t *testing.T) {
			here, there := ends()
			write(here)
			if row.hereR == nil {
				write(there)
			}
			row.end(here)
			if row.bytesStillArrive {
				if err := read(there); err != nil {
					t.Errorf("what was sent before did not arrive: %v", err)
				}
			}
			for _, c := range []struct {
				what      string
				got, want error
			}{
				{"read here", read(here), row.hereR}, {"write here", write(here), row.hereW},
				{"read there", read(there), row.thereR}, {"write there", write(there), row.thereW},
			} {
				if !errors.Is(c.got, c.want) {
					t.Errorf("%s: %v, want %v", c.what, c.got, c.want)
				}
			}
		})
	}
}

// A conn has the deadlines of what is below it, and the gate keeps them.
func TestDeadlinesInterruptAndCanBeMoved(t *testing.T) {
	for name, wrap := range map[string]func(net.Conn) net.Conn{
		"pipe":    func(c net.Conn) net.Conn { return c },
		"open":    func(c net.Conn) net.Conn { return newConn(c, newNetwork(nil)) },
		"stalled": func(c net.Conn) net.Conn { s := newConn(c, newNetwork(nil)); s.stalled = true; return s },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				_, server := ends()
				c := wrap(server)
				began := time.Now()
				c.SetReadDeadline(began.Add(time.Second))
				c.SetWriteDeadline(began.Add(time.Minute))
				_, err := c.Read(make([]byte, 1))
				timedOut(t, err, began, time.Second)
				_, err = c.Write(make([]byte, 2*pipeBuffer))
				timedOut(t, err, began, time.Minute)

				c.SetDeadline(time.Time{})
				time.AfterFunc(time.Hour, func() { c.SetReadDeadline(time.Unix(1, 0)) })
				_, err = c.Read(make([]byte, 1))
				timedOut(t, err, began, time.Minute+time.Hour)
			})
		})
	}
}

func timedOut(t *testing.T, err error, began time.Time, want time.Duration) {
	t.Helper()
	var timeout net.Error
	if !errors.Is(err, os.ErrDeadlineExceeded) || !errors.As(err, &timeout) || !timeout.Timeout() {
		t.Errorf("err = %v, want that of a deadline", err)
	}
	if took := time.Since(began); took != want {
		t.Errorf("after %v, want %v", took, want)
	}
}
