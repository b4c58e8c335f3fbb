// Package shell runs commands of the user by the shell of the system.
package shell

import (
	"context"
	"os/exec"
	"syscall"
)

// Command returns a command for cmd.exe, which reads the rest of its line by rules of its
// own.
func Command(ctx context.Context, script string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "cmd")
	cmd.SysProcAttr = &syscall.SysProcAttr{CmdLine: `cmd /S /C "` + script + `"`, CreationFlags: syscall.CREATE_NEW_PROCESS_GROUP}
	return cmd
}
