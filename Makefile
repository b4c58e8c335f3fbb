# Without make, type the go command that stands behind a verb.

.PHONY: build test lint bench dist demo fuzz

build:
	go build -o bin/ ./cmd/prismctl

test:
	go run ./tools/check

lint:
	go run ./tools/check lint

# Built first, as go run makes every failure a 1: what could not be measured is a 2.
bench:
	go build -o bin/ ./tools/bench && bin/bench

dist:
	go run ./tools/dist
	go run ./tools/packages

demo:
	go run ./cmd/prismctl demo

# FUZZTIME is for each fuzz test.
FUZZTIME ?= 30s

fuzz:
	@for pkg in $$(go list work); do \
		for name in $$(go test -list '^Fuzz' $$pkg | grep '^Fuzz'); do \
			echo "=== $$name in $$pkg"; \
			go test -run '^$$' -fuzz "^$$name\$$" -fuzztime $(FUZZTIME) $$pkg || exit 1; \
		done; \
	done
