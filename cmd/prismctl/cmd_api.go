package main

type apiCmd struct {
	Check   apiCheckCmd   `cmd:"" help:"Say what is wrong in api.json files, and where."`
	Fmt     apiFmtCmd     `cmd:"" help:"Write an api.json as it should be."`
	Diff    apiDiffCmd    `cmd:"" help:"Say what a newer api.json changes, and what of it breaks."`
	Openapi apiOpenapiCmd `cmd:"" help:"Write an api.json as an OpenAPI document."`

	Gen apiGenCmd `cmd:"" help:"Write a Go package that calls the APIs of a service."`
}

// Help teaches by example.
func (*apiCmd) Help() string {
	return `A service is a group of APIs that a backend has, and that its provider describes in an api.json. The platform passes calls on to it, below the prefix of the service.`
}
