package main

import (
	"strings"

	"github.com/shopex/prism-go/cmd/prismctl/internal/completion"
	"github.com/shopex/prism-go/cmd/prismctl/internal/exit"
)

type completionCmd struct {
	Shell string `arg:"" choices:"bash,fish,powershell,zsh" help:"bash, zsh, fish or powershell."`
}

// Help teaches by example.
func (*completionCmd) Help() string {
	return `Prints what a shell has to read so that it completes commands, flags, and names of profiles, queues, apps and keys. It belongs into the file that the shell reads at its start, such as ~/.bashrc, ~/.zshrc, ~/.config/fish/config.fish or $PROFILE:

    eval "$(prismctl completion bash)"
    eval "$(prismctl completion zsh)"
    prismctl completion fish | source
    prismctl completion powershell | Out-String | Invoke-Expression

The script for PowerShell follows the documentation of Register-ArgumentCompleter, and was not run in a PowerShell.

Names of queues, apps and keys are asked of the platform that the flags, the environment or the profile say, for a second at most. It is silent when that fails. It never asks for a secret, so it asks for no names where only a command, a keyring or the keyboard has that.`
}

// Run prints the script of a shell.
func (c *completionCmd) Run(t *tool) error {
	script := completion.Script(c.Shell)
	if script == nil {
		return exit.Usagef("no shell %q is known: use %s", c.Shell, strings.Join(completion.Shells(), ", "))
	}
	return t.write(script)
}
