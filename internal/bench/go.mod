module github.com/shopex/prism-go/internal/bench

go 1.25

require github.com/shopex/prism-go v0.0.0

require (
	github.com/gobwas/httphead v0.1.0 // indirect
	github.com/gobwas/pool v0.2.1 // indirect
	github.com/gobwas/ws v1.4.0 // indirect
)

replace github.com/shopex/prism-go => ../..
