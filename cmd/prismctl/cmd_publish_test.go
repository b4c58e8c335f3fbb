package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/shopex/prism-go/platform"
	"github.com/shopex/prism-go/platform/memory"
	"github.com/shopex/prism-go/prismtest"
)

func TestPublishIsConfirmed(t *testing.T) {
	srv := prismtest.NewServer(t)
	with(srv, "publish", "order.new", "hello world").want(t, exitDone, "", "1 message confirmed\n")
	with(srv, "publish", "order.new", "", "--output", "json").want(t, exitDone, `{"confirmed":1,"failed":0}`+"\n", "1 message confirmed\n")
	i := invocation{args: []string{"publish", "a", "-", "--type", "x/y"}, env: of(srv), in: strings.NewReader("l1\nl2\n\xff")}
	i.run().want(t, exitDone, "", "1 message confirmed\n")
	got := srv.WaitPublished(3)
	for n, want := range []string{"hello world text/plain", " text/plain", "l1\nl2\n\xff x/y"} {
		if m := got[n].Message; string(m.Body)+" "+m.ContentType != want {
			t.Errorf("message %d is %q %s, want %q", n, m.Body, m.ContentType, want)
		}
	}
}

func TestEachLineIsAMessage(t *testing.T) {
	srv := prismtest.NewServer(t)
	var in strings.Builder
	for i := range 1000 {
		fmt.Fprintf(&in, "message %d\n", i)
	}
	in.WriteString("\nwindows\r\n" + strings.Repeat("x", 200_000)) // an empty one, and no newline at the end
	i := invocation{args: []string{"publish", "a.b", "--lines"}, env: of(srv), in: strings.NewReader(in.String())}
	i.run().want(t, exitDone, "", "1003 messages confirmed\n")
	got := srv.Published()
	if len(got) != 1003 {
		t.Fatalf("%d messages are there", len(got))
	}
	for n, want := range map[int]string{0: "message 0", 999: "message 999", 1000: "", 1001: "windows", 1002: strings.Repeat("x", 200_000)} {
		if string(got[n].Message.Body) != want {
			t.Errorf("message %d is %q", n, got[n].Message.Body)
		}
	}
}

func TestALineThatCannotBeSentIsNamedAndTheOthersAreSent(t *testing.T) {
	srv := prismtest.NewServer(t)
	in := "one\n" + strings.Repeat("x", 2<<20) + "\nthree\n"
	i := invocation{args: []string{"publish", "a", "--lines"}, env: of(srv), in: strings.NewReader(in)}
	r := i.run()
	r.want(t, exitUsage, "", "2 messages confirmed, 1 not\nprismctl: line 2: a body of 2097152 bytes is not sent, it may have at most 1048576\n")
}

func TestARefusedMessageExits1WithTheReason(t *testing.T) {
	srv := prismtest.NewServerConfig(t, prismtest.Config{Platform: platform.Config{Limits: platform.Limits{MaxBody: 10}}})
	i := invocation{args: []string{"publish", "a", "--lines"}, env: of(srv), in: strings.NewReader("one\ntwo and a half\nthree\n")}
	i.run().want(t, exitRefused, "", "2 messages confirmed, 1 not\nprismctl: line 2: the platform refused the message")
}

func TestWhatTheAppMayNotPublishIsSaidOnce(t *testing.T) {
	srv := prismtest.NewServer(t)
	const refusal = "the platform refused the message: the routing key \"@system.x\" begins with @system., as those of the platform do; choose another first word (close code 1008)\n"
	r := with(srv, "publish", "@system.x", "hello")
	if r.status != exitRefused || r.out != "" || r.err != "prismctl: "+refusal {
		t.Errorf("%+v", r)
	}
	many := invocation{args: []string{"publish", "@system.x", "--lines"}, env: of(srv), in: strings.NewReader(strings.Repeat("x\n", 1000))}
	r = many.run()
	if lines := strings.Split(r.err, "\n"); r.status != exitRefused || len(lines) != 3 || !strings.HasPrefix(lines[0], "0 messages confirmed, ") || lines[1]+"\n" != "prismctl: line 1: "+refusal {
		t.Errorf("%+v", r)
	}
}

func TestAFullQueueExits4AndSaysSo(t *testing.T) {
	srv := prismtest.NewServerConfig(t, prismtest.Config{Memory: memory.Config{MaxMessages: 1}})
	with(srv, "publish", "a", "b").want(t, exitDone, "", "1 message confirmed")
	with(srv, "publish", "a", "b", "--timeout", "300ms").want(t, exitTimeout, "", "a queue of the platform is full")
}

func TestPublishingGoesOnWhenConnectionsAreCut(t *testing.T) {
	srv := prismtest.NewServer(t)
	in, lines := io.Pipe()
	done := begin(invocation{args: []string{"publish", "a", "--lines"}, env: of(srv), in: in})
	for i := range 300 {
		if i%100 == 50 {
			srv.WaitPublished(i / 2)
			srv.Cut()
		}
		fmt.Fprintf(lines, "message %d\n", i)
	}
	lines.Close()
	(<-done).want(t, exitDone, "", "300 messages confirmed\n")
	bodies := map[string]bool{}
	for _, p := range srv.Published() {
		bodies[string(p.Message.Body)] = true
	}
	if len(bodies) != 300 {
		t.Errorf("%d of 300 messages have arrived", len(bodies))
	}
}

func TestPublishIsInterruptedWhileItWaitsForInput(t *testing.T) {
	srv := prismtest.NewServer(t)
	for _, args := range [][]string{{"publish", "a", "--lines"}, {"publish", "a", "-"}} {
		in, lines := io.Pipe()
		ctx, cancel := context.WithCancel(t.Context())
		done := begin(invocation{ctx: ctx, args: args, env: of(srv), in: in})
		if args[2] == "--lines" {
			fmt.Fprintln(lines, "one")
			srv.WaitPublished(1)
		}
		cancel()
		if r := awaited(t, "the end", done); r.status != exitInterrupted {
			t.Errorf("%v: %+v", args, r)
		}
		lines.Close()
	}
}
