//go:build unix

// Package shell runs commands of the user by the shell of the system.
package shell

import (
	"context"
	"os/exec"
	"syscall"
)

// Command returns a command with a process group of its own: Ctrl-C is for this process
// alone, and when ctx ends all that the command has started ends.
func Command(ctx context.Context, script string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "sh", "-c", script)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	return cmd
}
