package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/alecthomas/kong"
)

type demoCmd struct{ storage }

// Help says what it shows.
func (*demoCmd) Help() string {
	return `Starts a platform on a free port of this machine and talks to it with the public packages over TCP: signed calls, the login of a user, publishing, consuming, acknowledging, a handler that fails, a connection that is cut and heals, a refused signature, a graceful end. Each step is checked; the exit status is 0 only if all of it held. It takes a second or two, needs nothing, and leaves nothing behind but, with --data or --nats, an empty queue.

    prismctl demo
    prismctl demo --data ./data`
}

// AfterApply is called for the flags; the environment does not count.
func (c *demoCmd) AfterApply(k *kong.Context) error {
	from, err := settle(k, func(string) string { return "" }, nil)
	if err != nil {
		return err
	}
	return c.storage.check(from)
}

const (
	// demoTime is more than enough on any machine; a healthy run takes a second.
	demoTime  = 30 * time.Second
	leaveTime = time.Second
)

// Run tells the story. It uses no environment, so that it shows the same
// everywhere.
func (c *demoCmd) Run(ctx context.Context, t *tool) error {
	timed, cancel := context.WithTimeout(ctx, demoTime)
	defer cancel()
	d := &demo{t: t, storage: &c.storage, began: time.Now()}
	d.write("A platform and its clients talk over TCP, on this machine only.")
	err := d.tell(timed)
	err = errors.Join(err, d.leave())
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case d.unwritten != nil:
		return d.unwritten
	case err != nil:
		return &exitError{exitRefused, err}
	}
	d.write("\nAll of it held, in %.1f s.", time.Since(d.began).Seconds())
	return d.unwritten
}

func (d *demo) tell(ctx context.Context) error {
	steps := []struct {
		title string
		play  func(context.Context) error
	}{
		{"A platform starts", d.start},
		{"An API is called, signed", d.call},
		{"A user signs in, and an API is called as the user", d.user},
		{"A message is published, consumed and acknowledged", d.message},
		{"A handler fails and its message is tried again", d.failing},
		{"Connections are cut in the middle, and nothing is lost", d.cutting},
		{"A wrong secret is refused, and the refusal explains itself", d.refusal},
		{"It ends with care for what is under way", d.ending},
	}
	for i, step := range steps {
		if err := d.step(ctx, i+1, step.title, step.play); err != nil {
			return err
		}
	}
	return nil
}

// step plays one step and tells how it went.
func (d *demo) step(ctx context.Context, number int, title string, play func(context.Context) error) error {
	d.write("\n%d. %s", number, title)
	d.said = nil
	began := time.Now()
	err := play(ctx)
	took := time.Since(began)
	d.record(number, title, took, err)
	if err != nil {
		d.write("   ✗ after %.1f ms", 1000*took.Seconds())
		return fmt.Errorf("step %d of the demo (%s) failed: %w", number, title, err)
	}
	d.write("   ✓ %.1f ms", 1000*took.Seconds())
	return nil
}

// say tells what was done within a step.
func (d *demo) say(done, format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	d.said = append(d.said, done+" "+text)
	d.write("   %-12s  %s", done, text)
}

// write prints a line of the transcript for people.
func (d *demo) write(format string, args ...any) {
	if d.t.Output != asJSON && d.unwritten == nil {
		d.unwritten = d.t.println(format, args...)
	}
}

// record prints a step for programs.
func (d *demo) record(number int, title string, took time.Duration, err error) {
	if d.t.Output != asJSON || d.unwritten != nil {
		return
	}
	d.unwritten = d.t.printJSON(struct {
		Step    int      `json:"step"`
		Title   string   `json:"title"`
		OK      bool     `json:"ok"`
		Seconds float64  `json:"seconds"`
		Said    []string `json:"said"`
	}{number, title, err == nil, took.Seconds(), d.said})
}
