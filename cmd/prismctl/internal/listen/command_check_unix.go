//go:build unix

package listen

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"

	"github.com/shopex/prism-go/cmd/prismctl/internal/words"
)

// check refuses a script that the shell cannot read, and one whose first word is a command
// that is not there. What is neither shows when the first message comes.
func (c *command) check(ctx context.Context) error {
	if strings.TrimSpace(c.script) == "" {
		return errors.New("--exec: the command is empty")
	}
	read := exec.CommandContext(ctx, "sh", "-n", "-c", c.script)
	read.Env = c.env
	if said, err := read.CombinedOutput(); err != nil {
		if said := strings.TrimSpace(string(said)); said != "" {
			return fmt.Errorf("--exec: the shell cannot read the command: %s", said)
		}
		return fmt.Errorf("--exec: no shell can be started: %w", err)
	}
	name := strings.Fields(c.script)[0]
	if strings.ContainsAny(name, "'\"\\$`&|;<>(){}*?[]~#!=%") {
		return nil
	}
	found := exec.CommandContext(ctx, "sh", "-c", `command -v "$1"`, "sh", name)
	found.Env = c.env
	if err := found.Run(); err != nil {
		return fmt.Errorf("--exec: there is no command %s", words.Shown(name))
	}
	return nil
}
