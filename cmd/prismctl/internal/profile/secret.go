package profile

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"time"

	"github.com/shopex/prism-go/cmd/prismctl/internal/exit"
	"github.com/shopex/prism-go/cmd/prismctl/internal/secrets"
	"github.com/shopex/prism-go/cmd/prismctl/internal/shell"
	"github.com/shopex/prism-go/cmd/prismctl/internal/words"
)

// SecretTime is how long a secret is waited for: somebody may have to unlock it first.
const SecretTime = time.Minute

// ReadSecret returns the secret of the profile. It waits at most SecretTime, and no longer
// than ctx. environ is the environment for a command.
func (p *Profile) ReadSecret(ctx context.Context, environ []string) (string, error) {
	if p.SecretFile != "" {
		return secrets.Read("secret", p.SecretFile)
	}
	within, cancel := context.WithTimeout(ctx, SecretTime)
	defer cancel()
	what, read := "the keyring", p.fromKeyring
	if p.SecretCommand != "" {
		what, read = "the secret command", func(ctx context.Context) (string, error) { return p.fromCommand(ctx, environ) }
	}
	began := time.Now()
	secret, err := read(within)
	switch {
	case errors.Is(within.Err(), context.DeadlineExceeded):
		return "", exit.With(exit.Timeout, fmt.Errorf("%s of profile %s gave no secret within %v: %s",
			what, p.Name, time.Since(began).Round(time.Second/10), p.tryByHand()))
	case within.Err() != nil:
		return "", within.Err()
	case err != nil:
		return "", exit.Usagef("%s of profile %s %w: %s", what, p.Name, err, p.tryByHand())
	}
	return secrets.Visible(what+" of profile "+p.Name, secret)
}

// tryByHand says how to go on after a failure.
func (p *Profile) tryByHand() string {
	if p.SecretCommand != "" {
		return "run it by hand, and give another one by \"prismctl profile add " + p.Name + " --replace\""
	}
	return "unlock it, or give the secret anew by \"prismctl profile add " + p.Name + " --replace --keyring\""
}

// longestOutput is more than a secret has.
const longestOutput = 64 << 10

// fromCommand runs the command. It has no input, as that is the input of prismctl.
func (p *Profile) fromCommand(ctx context.Context, environ []string) (string, error) {
	out, said := &head{most: longestOutput}, &tail{}
	cmd := shell.Command(ctx, p.SecretCommand)
	cmd.Stdout, cmd.Stderr, cmd.Env = out, said, environ
	cmd.WaitDelay = 100 * time.Millisecond // what it has started may hold its output
	err := cmd.Run()
	var ended *exec.ExitError
	switch {
	case out.over:
		return "", fmt.Errorf("printed more than %d bytes", longestOutput)
	case errors.As(err, &ended):
		return "", fmt.Errorf("failed (%v%s)", ended, said.text())
	case err != nil && !errors.Is(err, exec.ErrWaitDelay):
		return "", fmt.Errorf("cannot be started (%v)", err)
	}
	return oneLine(out.b.String())
}

// oneLine returns the only line of text.
func oneLine(text string) (string, error) {
	line, rest, _ := strings.Cut(strings.TrimRight(text, "\r\n"), "\n")
	switch {
	case strings.TrimSpace(line) == "" && rest == "":
		return "", errors.New("printed nothing")
	case rest != "":
		return "", errors.New("printed more than one line, and the secret is one")
	}
	return line, nil
}

// A head keeps the first bytes that are written, and takes no more.
type head struct {
	most int
	over bool
	b    bytes.Buffer
}

func (h *head) Write(p []byte) (int, error) {
	if h.b.Len()+len(p) > h.most {
		h.over = true
		return 0, errors.New("too much")
	}
	return h.b.Write(p)
}

// A tail keeps the last bytes that are written.
type tail struct{ b []byte }

const longestTail = 500

func (t *tail) Write(p []byte) (int, error) {
	t.b = append(t.b, p[max(0, len(p)-longestTail):]...)
	t.b = t.b[max(0, len(t.b)-longestTail):]
	return len(p), nil
}

// text is the last line, behind a colon, if there is one.
func (t *tail) text() string {
	lines := strings.Split(strings.TrimSpace(strings.ToValidUTF8(string(t.b), "")), "\n")
	last := strings.TrimSpace(lines[len(lines)-1])
	if last == "" {
		return ""
	}
	return ": " + words.Fitting(last, 200)
}
