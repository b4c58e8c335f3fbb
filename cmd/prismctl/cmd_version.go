package main

import (
	"runtime"

	"github.com/shopex/prism-go"
)

type versionCmd struct{}

// Run prints what this binary is.
func (versionCmd) Run(t *tool) error {
	platform := runtime.GOOS + "/" + runtime.GOARCH
	if t.Output == asJSON {
		return t.printJSON(struct {
			Version  string `json:"version"`
			Go       string `json:"go"`
			Platform string `json:"platform"`
		}{prism.Version, runtime.Version(), platform})
	}
	return t.println("prismctl %s (%s, %s)", prism.Version, runtime.Version(), platform)
}
