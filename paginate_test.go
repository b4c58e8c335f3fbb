package prism

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"testing"
)

type numbers struct {
	Numbers []int
	Next    int
}

// pages answers with three pages of two numbers each.
func pages(w http.ResponseWriter, r *http.Request) {
	at := 0
	fmt.Sscan(r.URL.Query().Get("page_no"), &at)
	next := at + 1
	if at == 2 {
		next = 0
	}
	fmt.Fprintf(w, `{"result":{"Numbers":[%d,%d],"Next":%d},"error":null}`, 2*at, 2*at+1, next)
}

func readNumbers(res *Response) ([]int, Params, error) {
	var page numbers
	if err := res.Result(&page); err != nil || page.Next == 0 {
		return page.Numbers, nil, err
	}
	return page.Numbers, Params{"page_no": page.Next}, nil
}

func TestPaginateGivesTheItemsOfAllPages(t *testing.T) {
	srv := newServer(t, pages)
	all := Paginate(background, newClient(t, srv.URL), Call{Path: "shop", Params: Params{"size": 2}}, readNumbers)
	for range 2 { // each range begins anew
		var got []int
		for n, err := range all {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, n)
		}
		if want := []int{0, 1, 2, 3, 4, 5}; !slices.Equal(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
	}
	for _, r := range srv.requests() {
		if r.Query.Get("size") != "2" || len(r.Query["page_no"]) > 1 {
			t.Errorf("a page was asked for by %v", r.Query)
		}
	}
	if n := len(srv.requests()); n != 6 {
		t.Errorf("%d requests, want 6", n)
	}
}

func TestPaginateAsksForNoPageTooMany(t *testing.T) {
	srv := newServer(t, pages)
	for range Paginate(background, newClient(t, srv.URL), Call{Path: "shop"}, readNumbers) {
		break
	}
	srv.only(t)
}

func TestPaginateEndsWithTheFirstError(t *testing.T) {
	broken := errors.New("broken")
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		read   func(*Response) ([]int, Params, error)
		want   string
	}{
		"of a call":      {answer(404, ""), readNumbers, "not found"},
		"of read":        {ok, func(*Response) ([]int, Params, error) { return []int{1}, Params{"page_no": 2}, broken }, "broken"},
		"of no progress": {ok, func(*Response) ([]int, Params, error) { return []int{1}, Params{"page_no": 2}, nil }, "shop has no next page: its parameters would be those of the page before"},
		"of none at all": {ok, func(*Response) ([]int, Params, error) { return []int{1}, Params{}, nil }, "shop has no next page"},
	} {
		t.Run(name, func(t *testing.T) {
			srv := newServer(t, c.answer)
			errs := 0
			for n, err := range Paginate(background, newClient(t, srv.URL), Call{Path: "shop?token=of-the-path"}, c.read) {
				switch {
				case errs > 0:
					t.Fatal("the loop went on after an error")
				case err != nil && n != 0:
					t.Errorf("the error came with the item %d", n)
				}
				if err != nil {
					errs++
					wantMatch(t, err.Error(), c.want)
				}
			}
			if errs != 1 {
				t.Errorf("%d errors, want 1", errs)
			}
		})
	}
}

func TestPaginateEndsWithItsContext(t *testing.T) {
	srv := newServer(t, pages)
	ctx, cancel := context.WithCancel(background)
	defer cancel()
	var last error
	for _, err := range Paginate(ctx, newClient(t, srv.URL), Call{Path: "shop"}, readNumbers) {
		cancel()
		last = err
	}
	if !errors.Is(last, context.Canceled) {
		t.Errorf("the loop ended with %v", last)
	}
}
