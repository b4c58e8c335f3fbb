//go:build !unix

package main

import "os/exec"

func guarded() []string { return []string{"-timeout", "30m"} }

func guardMain([]string) int { return 2 }

func inGroup(*exec.Cmd) {}

func killGroup(cmd *exec.Cmd) { _ = cmd.Process.Kill() }

func orphaned(int) bool { return false }
