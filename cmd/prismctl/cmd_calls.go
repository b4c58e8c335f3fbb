package main

type callsCmd struct {
	Tail   callsTailCmd   `cmd:"" help:"Show the last calls, and those that come."`
	Show   callsShowCmd   `cmd:"" help:"Show a call with both of its sides."`
	Replay callsReplayCmd `cmd:"" help:"Make a call to a service again."`
	Stats  callsStatsCmd  `cmd:"" help:"Count calls by app, key or API."`
}

// Help teaches by example.
func (*callsCmd) Help() string {
	return `What has gone through the gateway, and what was refused before because its signature was wrong, of the domain of an admin key. The last calls are in the memory of the process that answers; statistics are of all processes. Secrets are masked.

    prismctl calls tail --follow --failed
    prismctl calls show KNX2J5VHC6ZQ4LRT
    prismctl calls replay KNX2J5VHC6ZQ4LRT
    prismctl calls stats --by key --past 24h`
}
