package service

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"time"

	"github.com/shopex/prism-go/apijson"
	"github.com/shopex/prism-go/cmd/prismctl/internal/apisource"
	"github.com/shopex/prism-go/cmd/prismctl/internal/exit"
	"github.com/shopex/prism-go/cmd/prismctl/internal/mock"
	"github.com/shopex/prism-go/cmd/prismctl/internal/seed"
	"github.com/shopex/prism-go/cmd/prismctl/internal/words"
	"github.com/shopex/prism-go/internal/guard"
	"github.com/shopex/prism-go/platform"
)

// services returns the services that the settings give, and serves the mocks.
func (s *service) services(ctx context.Context) ([]seed.Service, error) {
	var all []seed.Service
	for _, name := range s.API {
		given, err := s.described(ctx, name)
		if err != nil {
			return nil, exit.With(exit.Usage, fmt.Errorf("%s: %w", s.From["api"], err))
		}
		all = append(all, given...)
	}
	for _, name := range s.Mock {
		given, err := s.mocked(name)
		if err != nil {
			return nil, exit.With(exit.Usage, fmt.Errorf("%s: %w", s.From["mock"], err))
		}
		all = append(all, given...)
	}
	if err := distinctPrefixes(all); err != nil {
		return nil, exit.With(exit.Usage, err)
	}
	return s.withBackends(all)
}

func distinctPrefixes(all []seed.Service) error {
	seen := map[string]bool{}
	for _, one := range all {
		if seen[one.File.Prefix] {
			return fmt.Errorf("two of the files have the prefix %s", words.Shown(one.File.Prefix))
		}
		seen[one.File.Prefix] = true
	}
	return nil
}

// withBackends gives services the addresses of --backend, and adds those that have
// nothing else.
func (s *service) withBackends(all []seed.Service) ([]seed.Service, error) {
	backends, err := s.Backends()
	if err != nil {
		return nil, err
	}
	for i := range all {
		if address := backends[all[i].File.Prefix]; address != "" && !all[i].Mock {
			all[i].Backend = address
			delete(backends, all[i].File.Prefix)
		}
	}
	prefixes := make([]string, 0, len(backends))
	for prefix := range backends {
		prefixes = append(prefixes, prefix)
	}
	slices.Sort(prefixes)
	for _, prefix := range prefixes {
		file := &apijson.Service{URL: backends[prefix], Prefix: prefix, Mode: apijson.Path}
		if file, err = apijson.Parse(file.Format()); err != nil {
			return nil, exit.Usagef("%s: the backend of %s: %w", s.From["backend"], words.Shown(prefix), err)
		}
		all = append(all, seed.Service{File: file, Backend: backends[prefix], Alone: true})
	}
	return all, nil
}

// described reads what an operator names.
func (s *service) described(ctx context.Context, name string) ([]seed.Service, error) {
	if apisource.IsURL(name) {
		return s.fetched(ctx, name)
	}
	files, err := apisource.Read(name)
	if err != nil {
		return nil, err
	}
	var all []seed.Service
	for _, file := range files {
		all = append(all, seed.Service{File: file.Service})
	}
	return all, nil
}

// fetched gets an api.json from where the operator says, which may be this machine. While
// it cannot be read, the service goes on as an earlier start has it.
func (s *service) fetched(ctx context.Context, address string) ([]seed.Service, error) {
	fetcher := guard.Fetcher{Networks: guard.Networks{Private: true, Loopback: true}}
	got, err := fetcher.Fetch(ctx, address)
	if err != nil {
		return s.known(ctx, address, err)
	}
	file, err := apisource.Parse(address, got.Body)
	if err != nil {
		return nil, err
	}
	return []seed.Service{{File: file.Service, Source: address}}, nil
}

func (s *service) known(ctx context.Context, address string, failed error) ([]seed.Service, error) {
	all, err := s.registry.Services(ctx)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(all, func(one platform.Service) bool { return one.Source == address })
	if i < 0 {
		return nil, fmt.Errorf("%s: %w", address, failed)
	}
	s.log.Warn("an api.json could not be fetched; the service goes on as it was", "url", address, "error", failed)
	file, err := apijson.Parse(all[i].File)
	return []seed.Service{{File: file, Source: address}}, err
}

// mocked serves the samples of files on this machine.
func (s *service) mocked(name string) ([]seed.Service, error) {
	files, err := apisource.Read(name)
	if err != nil {
		return nil, err
	}
	var all []seed.Service
	for _, file := range files {
		handler, err := mock.Handler(file.Service)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", words.Shown(file.Name), err)
		}
		address, err := s.serveMock(handler)
		if err != nil {
			return nil, err
		}
		all = append(all, seed.Service{File: file.Service, Backend: address, Mock: true})
	}
	return all, nil
}

// serveMock serves until the end of s, and returns the address.
func (s *service) serveMock(h http.Handler) (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	server := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second, MaxHeaderBytes: 64 << 10}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(l) }()
	s.ends = append(s.ends, func() error {
		_ = server.Close()
		if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
			return err
		}
		return nil
	})
	return "http://" + l.Addr().String(), nil
}
