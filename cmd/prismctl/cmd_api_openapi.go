package main

import (
	"errors"
	"net/url"

	"github.com/shopex/prism-go/apijson"
)

type apiOpenapiCmd struct {
	File   string `is:"file" arg:"" help:"An api.json, or - for that on standard input."`
	Server string `placeholder:"URL" help:"The base URL of the platform, such as https://api.example.com/api."`
}

// Help teaches by example.
func (*apiOpenapiCmd) Help() string {
	return `Prints the service as an OpenAPI 3.0.3 document, for tools that read such. What OpenAPI has no words for is in members whose names begin with x-prism-.

    prismctl api openapi api.json --server https://api.example.com/api > openapi.json`
}

// Validate is called for the arguments.
func (c *apiOpenapiCmd) Validate() error {
	if c.Server == "" {
		return nil
	}
	u, err := url.Parse(c.Server)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return errors.New("--server must be a base URL, such as https://api.example.com/api")
	}
	return nil
}

// Run exports.
func (c *apiOpenapiCmd) Run(t *tool) error {
	file, err := t.readService(c.File)
	if err != nil {
		return err
	}
	text, err := apijson.OpenAPI(file.Service, c.Server)
	if err != nil {
		return err
	}
	return t.write(text)
}
