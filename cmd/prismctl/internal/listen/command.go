package listen

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"github.com/shopex/prism-go/cmd/prismctl/internal/shell"
	"github.com/shopex/prism-go/notify"
)

// A command is run for each message.
type command struct {
	script  string
	env     []string // without what is said of the message
	timeout time.Duration
	out     *printer
}

// Command returns a receiver that runs a command of the shell for each message: the body
// is its standard input, the rest is in its environment. What the command prints goes to
// out, a line at a time; when listening ends nobody waits for that. environ is the
// environment of this process; of its variables that begin with PRISM_ the command gets
// no other than PRISM_URL and PRISM_KEY, so none with a secret.
func Command(script string, environ []string, timeout time.Duration, out io.Writer) Receiver {
	c := &command{script: script, timeout: timeout, out: newPrinter(out)}
	for _, variable := range environ {
		name, _, _ := strings.Cut(variable, "=")
		if upper := strings.ToUpper(name); !strings.HasPrefix(upper, "PRISM_") || upper == "PRISM_URL" || upper == "PRISM_KEY" {
			c.env = append(c.env, variable)
		}
	}
	return c
}

var errTimeout = errors.New("listen: time-out")

// outputDelay is how long the output of a command is waited for when it has ended, as
// what it has started may go on and hold it.
const outputDelay = 100 * time.Millisecond

func (c *command) deliver(ctx context.Context, d *notify.Delivery, a *Attempt) error {
	within, cancel := context.WithTimeoutCause(ctx, c.timeout, errTimeout)
	defer cancel()
	out := &output{to: func(line string) { c.out.print(ctx, line) }}
	cmd := shell.Command(within, c.script)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(d.Body), out, out
	cmd.Env = append(c.env[:len(c.env):len(c.env)], variables(d, a.Attempt)...)
	cmd.WaitDelay = outputDelay
	err := cmd.Run()
	out.end()
	if cmd.ProcessState != nil && cmd.ProcessState.Exited() {
		status := cmd.ProcessState.ExitCode()
		a.Exit = &status
	}
	if a.Exit != nil && *a.Exit == 0 {
		return nil // whatever has become of its output
	}
	return c.failure(within, err, out.last)
}

// failure says why a command has failed, with the last line that it printed.
func (c *command) failure(within context.Context, err error, last string) error {
	var exit *exec.ExitError
	switch {
	case context.Cause(within) == errTimeout:
		return fmt.Errorf("the command took longer than %v (--timeout), and was ended", c.timeout)
	case within.Err() != nil:
		return context.Cause(within)
	case !errors.As(err, &exit):
		return fmt.Errorf("the command cannot be started: %w", err)
	case last != "":
		return fmt.Errorf("the command ended with %v: %s", exit, last)
	}
	return fmt.Errorf("the command ended with %v", exit)
}

// variables say of a message what is not its body.
func variables(d *notify.Delivery, attempt int) []string {
	all := []string{
		"PRISM_ID=" + d.ID,
		"PRISM_ROUTING_KEY=" + d.Key,
		"PRISM_CONTENT_TYPE=" + d.ContentType,
		"PRISM_CLIENT_ID=" + d.ClientID,
		"PRISM_APP=" + d.App,
		"PRISM_TIME=" + unix(d.Time),
		"PRISM_ATTEMPT=" + strconv.Itoa(attempt),
	}
	for i, variable := range all {
		all[i] = strings.ReplaceAll(variable, "\x00", "\uFFFD") // no variable can have it
	}
	return all
}

func (c *command) close() {}
