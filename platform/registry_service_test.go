package platform_test

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/shopex/prism-go/apijson"
	"github.com/shopex/prism-go/platform"
	"github.com/shopex/prism-go/platform/memory"
)

// apiFile returns an api.json with one API.
func apiFile(prefix, note string) []byte {
	file := apijson.Service{URL: "http://127.0.0.1:1/", Prefix: prefix, Mode: apijson.Path, ParamName: "method",
		APIs: []apijson.API{{ID: "list", Path: "list", Methods: []string{"GET"}, Notes: note}}}
	return file.Format()
}

func ids(services []platform.Service) (all []string) {
	for _, s := range services {
		all = append(all, s.ID)
	}
	return all
}

func TestAServiceComesBackAsItWasSaved(t *testing.T) {
	r := newRegistry(t, new(memory.Store))
	want := platform.Service{
		ID: "b2b", Prefix: "b2b", App: "shop", Source: "http://127.0.0.1/api.json", File: apiFile("b2b", "one"), Online: true, Trusted: true,
		Backend: "http://127.0.0.1:2/", Config: map[string]string{"token": "t"}, Nodes: map[string]map[string]string{"7": {"@url": "http://127.0.0.1:3/"}},
	}
	must(t, r.SaveService(t.Context(), want))
	got, err := r.Service(t.Context(), "b2b")
	must(t, err)
	if got.Created.IsZero() || !got.Changed.Equal(got.Created) {
		t.Errorf("created %v, changed %v", got.Created, got.Changed)
	}
	want.Created, want.Changed = got.Created, got.Changed
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if all, err := r.Services(t.Context()); err != nil || !reflect.DeepEqual(all, []platform.Service{want}) {
		t.Errorf("listed %+v, %v", all, err)
	}
	must(t, r.DeleteService(t.Context(), "b2b"))
	must(t, r.DeleteService(t.Context(), "b2b"))
	if _, err := r.Service(t.Context(), "b2b"); err != platform.ErrUnknownService {
		t.Errorf("a deleted service: %v", err)
	}
}

func TestTheFileBeforeARefreshCanBePutBack(t *testing.T) {
	r := newRegistry(t, new(memory.Store))
	one, two := apiFile("b2b", "one"), apiFile("b2b", "two")
	must(t, r.SaveService(t.Context(), platform.Service{ID: "b2b", File: one}))
	if _, err := r.RestoreService(t.Context(), "b2b"); err == nil {
		t.Error("a service without a previous file was restored")
	}
	refresh := func(file []byte) {
		t.Helper()
		_, err := r.UpdateService(t.Context(), "b2b", func(s *platform.Service) error { s.File = file; return nil })
		must(t, err)
	}
	holds := func(file, previous []byte) {
		t.Helper()
		s, err := r.Service(t.Context(), "b2b")
		must(t, err)
		if string(s.File) != string(file) || string(s.Previous) != string(previous) {
			t.Errorf("file %q, previous %q", s.File, s.Previous)
		}
	}
	refresh(two)
	holds(two, one)
	for _, file := range [][2][]byte{{one, two}, {two, one}} {
		_, err := r.RestoreService(t.Context(), "b2b")
		must(t, err)
		holds(file[0], file[1])
	}
	_, err := r.UpdateService(t.Context(), "b2b", func(s *platform.Service) error { s.Online = true; return nil })
	must(t, err)
	holds(two, one)
}

func TestAnAPIJSONOfFourMiBFits(t *testing.T) {
	r := newRegistry(t, new(memory.Store))
	random := rand.NewChaCha8([32]byte{})
	noise := make([]byte, 2<<20-500)
	random.Read(noise)
	file := apiFile("b2b", hex.EncodeToString(noise)) // which no compression makes small
	if len(file) < 4<<20-1000 || len(file) > platform.MaxServiceFile {
		t.Fatalf("the file has %d bytes", len(file))
	}
	must(t, r.SaveService(t.Context(), platform.Service{ID: "b2b", File: file}))
	s, err := r.Service(t.Context(), "b2b")
	must(t, err)
	if string(s.File) != string(file) {
		t.Error("it has changed")
	}
	err = r.SaveService(t.Context(), platform.Service{ID: "c", File: append(apiFile("c", ""), strings.Repeat(" ", 4<<20)...)})
	if err == nil || !strings.Contains(err.Error(), "at most 4194304") {
		t.Errorf("a larger one: %v", err)
	}
}

func TestWhatIsNoServiceIsNotSaved(t *testing.T) {
	r := newRegistry(t, new(memory.Store))
	for _, row := range []struct {
		s   platform.Service
		why string
	}{
		{platform.Service{ID: "", File: apiFile("a", "")}, "ID"},
		{platform.Service{ID: "a b", File: apiFile("a", "")}, "ID"},
		{platform.Service{ID: "a", File: []byte("{")}, "line 1"},
		{platform.Service{ID: "a", File: apiFile("platform", "")}, "platform's own"},
		{platform.Service{ID: "a", File: apiFile("platform/more", "")}, "platform's own"},
		{platform.Service{ID: "a", File: apiFile("notify", "")}, "platform's own"},
		{platform.Service{ID: "a", File: apiFile("a", ""), Config: map[string]string{"x": strings.Repeat("x", platform.MaxRecord)}}, "at most"},
	} {
		if err := r.SaveService(t.Context(), row.s); err == nil || !strings.Contains(err.Error(), row.why) {
			t.Errorf("%s %.60s: %v, want one about %q", row.s.ID, row.s.File, err, row.why)
		}
	}
	if all, err := r.Services(t.Context()); err != nil || len(all) > 0 {
		t.Errorf("saved %v, %v", ids(all), err)
	}
}

func TestOfManyImportsWithOnePrefixOneWins(t *testing.T) {
	store := new(memory.Store)
	r := newRegistry(t, store)
	var won atomic.Int64
	var group sync.WaitGroup
	for i := range 16 {
		group.Go(func() {
			err := platform.NewRegistry(store).SaveService(t.Context(), platform.Service{ID: fmt.Sprint("s", i), File: apiFile("b2b", "")})
			if err == nil {
				won.Add(1)
			} else if !errors.Is(err, platform.ErrPrefixTaken) {
				t.Error(err)
			}
		})
	}
	group.Wait()
	all, err := r.Services(t.Context())
	if err != nil || won.Load() != 1 || len(all) != 1 {
		t.Fatalf("%d have won, there are %v, %v", won.Load(), ids(all), err)
	}
	must(t, r.SaveService(t.Context(), platform.Service{ID: "elsewhere", Domain: "elsewhere", File: apiFile("b2b", "")}))
	must(t, r.DeleteService(t.Context(), all[0].ID))
	must(t, r.SaveService(t.Context(), platform.Service{ID: "next", File: apiFile("b2b", "")}))
}

func TestAServiceMayMoveToAPrefixThatIsFree(t *testing.T) {
	r := newRegistry(t, new(memory.Store))
	must(t, r.SaveService(t.Context(), platform.Service{ID: "a", File: apiFile("a", "")}))
	must(t, r.SaveService(t.Context(), platform.Service{ID: "b", File: apiFile("b", "")}))
	move := func(id, prefix string) error {
		_, err := r.UpdateService(t.Context(), id, func(s *platform.Service) error { s.File = apiFile(prefix, ""); return nil })
		return err
	}
	if err := move("a", "b"); !errors.Is(err, platform.ErrPrefixTaken) {
		t.Errorf("to the prefix of another: %v", err)
	}
	must(t, move("a", "c"))
	must(t, move("b", "a"))
	must(t, move("a", "b"))
	s, err := r.Service(t.Context(), "a")
	if err != nil || s.Prefix != "b" {
		t.Errorf("it has the prefix %q, %v", s.Prefix, err)
	}
}

// A process that is killed does nothing from some operation of the store on.
func TestAServiceIsWholeOrAbsentWheneverItsProcessIsKilled(t *testing.T) {
	one, two, moved := apiFile("b2b", strings.Repeat("1", 2000)), apiFile("b2b", strings.Repeat("2", 2000)), apiFile("new", "moved")
	for name, act := range map[string]func(ctx context.Context, r *platform.Registry) error{
		"import": func(ctx context.Context, r *platform.Registry) error {
			return r.SaveService(ctx, platform.Service{ID: "fresh", File: apiFile("fresh", strings.Repeat("f", 2000))})
		},
		"refresh": func(ctx context.Context, r *platform.Registry) error {
			return r.SaveService(ctx, platform.Service{ID: "b2b", File: two})
		},
		"move": func(ctx context.Context, r *platform.Registry) error {
			return r.SaveService(ctx, platform.Service{ID: "b2b", File: moved})
		},
		"delete": func(ctx context.Context, r *platform.Registry) error { return r.DeleteService(ctx, "b2b") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				for left := int64(0); ; left++ {
					inner := new(memory.Store)
					r := newRegistry(t, inner)
					platform.CutFiles(r, 1000)
					must(t, r.SaveService(t.Context(), platform.Service{ID: "b2b", File: one}))
					killed := &mortalStore{Store: inner}
					killed.left.Store(left)
					mortal := platform.NewRegistry(killed)
					platform.CutFiles(mortal, 1000)
					err := act(t.Context(), mortal)
					wholeOrAbsent(t, r, left, one, two, moved)
					freePrefixes(t, r, left)
					noRests(t, inner, left)
					if err == nil {
						return
					}
				}
			})
		})
	}
}

var errKilled = errors.New("killed")

// A mortalStore does nothing after some operations.
type mortalStore struct {
	platform.Store
	left atomic.Int64
}

func (s *mortalStore) die() error {
	if s.left.Add(-1) < 0 {
		return errKilled
	}
	return nil
}

func (s *mortalStore) Load(ctx context.Context, kind, id string) (platform.Record, error) {
	if err := s.die(); err != nil {
		return platform.Record{}, err
	}
	return s.Store.Load(ctx, kind, id)
}

func (s *mortalStore) Save(ctx context.Context, kind, id string, value []byte, revision uint64, ttl time.Duration) (uint64, error) {
	if err := s.die(); err != nil {
		return 0, err
	}
	return s.Store.Save(ctx, kind, id, value, revision, ttl)
}

func (s *mortalStore) Delete(ctx context.Context, kind, id string) error {
	if err := s.die(); err != nil {
		return err
	}
	return s.Store.Delete(ctx, kind, id)
}

func (s *mortalStore) List(ctx context.Context, kind string) (map[string]platform.Record, error) {
	if err := s.die(); err != nil {
		return nil, err
	}
	return s.Store.List(ctx, kind)
}

func wholeOrAbsent(t *testing.T, r *platform.Registry, left int64, files ...[]byte) {
	t.Helper()
	all, err := r.Services(t.Context())
	if err != nil {
		t.Fatalf("killed after %d operations: %v", left, err)
	}
	for _, s := range all {
		whole := slices.ContainsFunc(files, func(f []byte) bool { return string(f) == string(s.File) })
		if !whole && s.ID != "fresh" || s.ID == "fresh" && len(s.File) < 2000 {
			t.Fatalf("killed after %d operations: %s has %d bytes of its file", left, s.ID, len(s.File))
		}
	}
}

// freePrefixes checks that a prefix that no service has can be had at once.
func freePrefixes(t *testing.T, r *platform.Registry, left int64) {
	t.Helper()
	all, err := r.Services(t.Context())
	must(t, err)
	for i, prefix := range []string{"b2b", "new", "fresh"} {
		taken := slices.ContainsFunc(all, func(s platform.Service) bool { return s.Prefix == prefix })
		err := r.SaveService(t.Context(), platform.Service{ID: fmt.Sprint("heir", i), File: apiFile(prefix, "")})
		if taken != errors.Is(err, platform.ErrPrefixTaken) || !taken && err != nil {
			t.Fatalf("killed after %d operations: the prefix %s, taken is %v: %v", left, prefix, taken, err)
		}
	}
}

// noRests checks that an import, an hour later, removes what nobody needs, and that then
// all services can be deleted without a rest.
func noRests(t *testing.T, store platform.Store, left int64) {
	t.Helper()
	time.Sleep(2 * time.Hour)
	r := platform.NewRegistry(store)
	must(t, r.SaveService(t.Context(), platform.Service{ID: "sweeper", File: apiFile("sweeper", "")}))
	all, err := r.Services(t.Context())
	must(t, err)
	for _, s := range all {
		must(t, r.DeleteService(t.Context(), s.ID))
	}
	for _, kind := range []string{"service", "file"} {
		records, err := store.List(t.Context(), kind)
		if err != nil || len(records) > 0 {
			t.Fatalf("killed after %d operations: %d records of kind %s are left, %v", left, len(records), kind, err)
		}
	}
}

func TestDeletingAServiceTakesItsBindingsAway(t *testing.T) {
	r := newRegistry(t, new(memory.Store))
	for _, id := range []string{"a", "b"} {
		must(t, r.SaveService(t.Context(), platform.Service{ID: id, File: apiFile(id, "")}))
		must(t, r.BindAPI(t.Context(), "shop", platform.APIBinding{Service: id, Path: "*"}))
		must(t, r.BindAPI(t.Context(), "shop", platform.APIBinding{Service: id, Path: "list"}))
	}
	must(t, r.DeleteService(t.Context(), "a"))
	app, err := r.App(t.Context(), "shop")
	if err != nil || len(app.APIs) != 2 || app.APIs[0].Service != "b" || app.APIs[1].Service != "b" {
		t.Errorf("it is bound to %+v, %v", app.APIs, err)
	}
	must(t, r.UnbindAPI(t.Context(), "shop", "b", "*"))
	must(t, r.UnbindAPI(t.Context(), "shop", "b", "*"))
	if app, err = r.App(t.Context(), "shop"); err != nil || len(app.APIs) != 1 || app.APIs[0].Path != "list" {
		t.Errorf("it is bound to %+v, %v", app.APIs, err)
	}
}

func TestABindingIsReplacedByOneForTheSame(t *testing.T) {
	r := newRegistry(t, new(memory.Store))
	must(t, r.SaveService(t.Context(), platform.Service{ID: "a", File: apiFile("a", "")}))
	limit := apijson.Limit{Count: 2, Per: time.Minute}
	must(t, r.BindAPI(t.Context(), "shop", platform.APIBinding{Service: "a", Path: "*"}))
	must(t, r.BindAPI(t.Context(), "shop", platform.APIBinding{Service: "a", Path: "*", Limit: limit}))
	app, err := r.App(t.Context(), "shop")
	if err != nil || len(app.APIs) != 1 || app.APIs[0].Limit != limit {
		t.Errorf("it is bound to %+v, %v", app.APIs, err)
	}
}

func TestWhatIsNotThereIsNotBound(t *testing.T) {
	r := newRegistry(t, new(memory.Store))
	must(t, r.SaveService(t.Context(), platform.Service{ID: "a", File: apiFile("a", "")}))
	must(t, r.SaveService(t.Context(), platform.Service{ID: "far", Domain: "far", File: apiFile("a", "")}))
	for _, row := range []struct {
		app  string
		b    platform.APIBinding
		want error
	}{
		{"nobody", platform.APIBinding{Service: "a", Path: "*"}, platform.ErrUnknownApp},
		{"shop", platform.APIBinding{Service: "b", Path: "*"}, platform.ErrUnknownService},
		{"shop", platform.APIBinding{Service: "far", Path: "*"}, platform.ErrUnknownService},
		{"shop", platform.APIBinding{Service: "a"}, nil},
		{"shop", platform.APIBinding{Service: "a", Path: "*", Limit: apijson.Limit{Count: 1}}, nil},
		{"shop", platform.APIBinding{Service: "a", Path: "*", Limit: apijson.Limit{Count: 1, Per: time.Millisecond}}, nil},
	} {
		err := r.BindAPI(t.Context(), row.app, row.b)
		if err == nil || row.want != nil && !errors.Is(err, row.want) {
			t.Errorf("%s to %+v: %v", row.app, row.b, err)
		}
	}
}

func TestTheServicesOfADeletedAppAreNobodys(t *testing.T) {
	r := newRegistry(t, new(memory.Store))
	must(t, r.SaveService(t.Context(), platform.Service{ID: "a", App: "shop", File: apiFile("a", "")}))
	must(t, r.DeleteApp(t.Context(), "shop"))
	if s, err := r.Service(t.Context(), "a"); err != nil || s.App != "" {
		t.Errorf("it is of %q, %v", s.App, err)
	}
}

func TestNoChangeOfAServiceIsLostInACrowd(t *testing.T) {
	r := newRegistry(t, new(memory.Store))
	must(t, r.SaveService(t.Context(), platform.Service{ID: "a", File: apiFile("a", "")}))
	var group sync.WaitGroup
	for i := range 16 {
		group.Go(func() {
			_, err := r.UpdateService(t.Context(), "a", func(s *platform.Service) error {
				if s.Config == nil {
					s.Config = make(map[string]string)
				}
				s.Config[fmt.Sprint(i)] = "x"
				s.File = apiFile("a", fmt.Sprint(i))
				return nil
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	s, err := r.Service(t.Context(), "a")
	if err != nil || len(s.Config) != 16 {
		t.Errorf("%d of 16 changes are there, %v", len(s.Config), err)
	}
}
