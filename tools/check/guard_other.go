//go:build !unix

package main

import (
	"os/exec"
	"time"
)

func guarded() []string { return []string{"-timeout", "30m"} }

func guardMain([]string) int { return 2 }

func inGroup(*exec.Cmd) {}

func endGroup(cmd *exec.Cmd, _ time.Duration) { _ = cmd.Process.Kill() }

func orphaned(int) bool { return false }
