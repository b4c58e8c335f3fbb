module github.com/shopex/prism-go/cmd/prismctl

go 1.25.0

require (
	github.com/alecthomas/kong v1.17.0
	github.com/shopex/prism-go v0.0.0
	golang.org/x/oauth2 v0.36.0
	golang.org/x/sys v0.41.0
	golang.org/x/term v0.40.0
)

require (
	github.com/alexedwards/scs/v2 v2.9.0 // indirect
	github.com/gobwas/httphead v0.1.0 // indirect
	github.com/gobwas/pool v0.2.1 // indirect
	github.com/gobwas/ws v1.4.0 // indirect
)

replace github.com/shopex/prism-go => ../..
