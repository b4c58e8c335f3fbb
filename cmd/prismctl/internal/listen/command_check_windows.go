package listen

import (
	"context"
	"errors"
	"strings"
)

// check refuses an empty script. What else is wrong shows when the first message comes.
func (c *command) check(context.Context) error {
	if strings.TrimSpace(c.script) == "" {
		return errors.New("--exec: the command is empty")
	}
	return nil
}
