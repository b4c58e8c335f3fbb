module github.com/shopex/prism-go/examples/paging

go 1.26.0

require (
	github.com/shopex/prism-go v0.0.0
	golang.org/x/time v0.16.0
)

require (
	github.com/gobwas/httphead v0.1.0 // indirect
	github.com/gobwas/ws v1.5.0 // indirect
)

replace github.com/shopex/prism-go => ../..
