package main

type apiCmd struct {
	Gen apiGenCmd `cmd:"" help:"Write a Go package that calls the APIs of a service."`
}

// Help teaches by example.
func (*apiCmd) Help() string {
	return `A service is a group of APIs that a backend has, and that its provider describes in an api.json. The platform passes calls on to it, below the prefix of the service.`
}
