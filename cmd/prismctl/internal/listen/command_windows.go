package listen

import (
	"context"
	"errors"
	"os/exec"
	"strings"
	"syscall"
)

// shell returns a command for cmd.exe, which reads the rest of its line by rules of its
// own.
func shell(ctx context.Context, script string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "cmd")
	cmd.SysProcAttr = &syscall.SysProcAttr{CmdLine: `cmd /S /C "` + script + `"`, CreationFlags: syscall.CREATE_NEW_PROCESS_GROUP}
	return cmd
}

// check refuses an empty script. What else is wrong shows when the first message comes.
func (c *command) check(context.Context) error {
	if strings.TrimSpace(c.script) == "" {
		return errors.New("--exec: the command is empty")
	}
	return nil
}
