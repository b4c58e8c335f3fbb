package service

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/shopex/prism-go/apijson"
	"github.com/shopex/prism-go/cmd/prismctl/internal/apifile"
	"github.com/shopex/prism-go/cmd/prismctl/internal/exit"
	"github.com/shopex/prism-go/cmd/prismctl/internal/mock"
	"github.com/shopex/prism-go/cmd/prismctl/internal/seed"
	"github.com/shopex/prism-go/cmd/prismctl/internal/words"
	"github.com/shopex/prism-go/internal/guard"
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
		given, err := s.mocked(ctx, name)
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

// describeTime is how long one setting may take to fetch its files.
const describeTime = 30 * time.Second

// described reads what a setting names: a file or those of a list, here or where the
// operator says, which may be this machine. While one of them cannot be fetched, the
// services of the setting go on as an earlier start has them.
func (s *service) described(ctx context.Context, name string) ([]seed.Service, error) {
	within, cancel := context.WithTimeout(ctx, describeTime)
	defer cancel()
	files, lost, err := fetched(within, name)
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case lost:
		return s.known(ctx, name, err)
	case err != nil:
		return nil, err
	}
	var all []seed.Service
	for _, file := range files {
		given := seed.Service{File: file.Service, From: name}
		if apifile.IsURL(file.Name) {
			given.Source = file.Name
		}
		all = append(all, given)
	}
	return all, nil
}

// fetched reads the files that a setting names. It says of an error whether it is one of
// the way to them, and none of what is in them.
func fetched(ctx context.Context, name string) (files []apifile.Found, lost bool, err error) {
	fetcher := guard.Fetcher{Networks: guard.Networks{Private: true, Loopback: true}}
	failed := false
	files, err = apifile.Read(ctx, name, func(ctx context.Context, u *url.URL) ([]byte, *url.URL, error) {
		got, err := fetcher.Fetch(ctx, u.String())
		if err != nil {
			failed = true
			return nil, nil, err
		}
		return got.Body, got.URL, nil
	})
	return files, err != nil && (failed || ctx.Err() != nil), err
}

// known returns the services that an earlier start has from a setting.
func (s *service) known(ctx context.Context, name string, failed error) ([]seed.Service, error) {
	all, err := seed.Known(ctx, s.engine.Store, s.registry, name)
	switch {
	case err != nil:
		return nil, err
	case all == nil:
		return nil, failed
	}
	s.log.Warn("files could not be fetched; the services of this setting go on as they were", "name", name, "error", failed)
	return all, nil
}

// mocked serves the samples of files on this machine.
func (s *service) mocked(ctx context.Context, name string) ([]seed.Service, error) {
	all, err := s.described(ctx, name)
	for i := range all {
		handler, err := mock.Handler(all[i].File)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", words.Shown(name), err)
		}
		if all[i].Backend, err = s.serveMock(handler); err != nil {
			return nil, err
		}
		all[i].Mock = true
	}
	return all, err
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
