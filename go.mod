module github.com/shopex/prism-go

go 1.26.0

require (
	github.com/alexedwards/scs/v2 v2.9.0
	github.com/gobwas/ws v1.5.0
	golang.org/x/oauth2 v0.38.0
)

require github.com/gobwas/httphead v0.1.0 // indirect
