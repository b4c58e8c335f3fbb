package prism

import (
	"context"
	"fmt"
	"iter"
	"maps"
	"reflect"
	"strings"
)

// Paginate returns the items of an API that gives them page by page. It makes the call
// first and gives the answer to read, which returns the items of the page and the
// parameters of the next one: those that differ, such as {"page_no": 2}. The others stay
// as they are in first. With nil parameters the page is the last.
//
//	orders := prism.Paginate(ctx, client, first, func(res *prism.Response) ([]Order, prism.Params, error) {
//		var page struct {
//			Orders []Order
//			Next   string
//		}
//		if err := res.Decode(&page); err != nil || page.Next == "" {
//			return page.Orders, nil, err
//		}
//		return page.Orders, prism.Params{"cursor": page.Next}, nil
//	})
//	for order, err := range orders {
//		...
//	}
//
// A page is asked for when the loop has taken all items of the one before, so one page
// is held at a time. Each range over the result begins with first. An error, be it of a
// call or of read, is yielded once and ends the loop; the items that read returned with
// it come before. A page whose parameters are the same as those of the page before is
// such an error, as the loop would have no end.
func Paginate[T any](ctx context.Context, c *Client, first Call, read func(*Response) (items []T, next Params, err error)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for call, more := first, true; more; {
			items, next, err := readPage(ctx, c, call, read)
			for _, item := range items {
				if !yield(item, nil) {
					return
				}
			}
			more = next != nil && err == nil
			if more {
				call, err = turnPage(call, next)
			}
			if err != nil {
				var none T
				yield(none, err)
				return
			}
		}
	}
}

func readPage[T any](ctx context.Context, c *Client, call Call, read func(*Response) ([]T, Params, error)) ([]T, Params, error) {
	res, err := c.Do(ctx, call)
	if err != nil {
		return nil, nil, err
	}
	return read(res)
}

// turnPage returns the call for the next page.
func turnPage(call Call, next Params) (Call, error) {
	params := make(Params, len(call.Params)+len(next))
	maps.Copy(params, call.Params)
	maps.Copy(params, next)
	if maps.EqualFunc(params, call.Params, reflect.DeepEqual) {
		path, _, _ := strings.Cut(call.Path, "?")
		return call, fmt.Errorf("prism: %s has no next page: its parameters would be those of the page before", path)
	}
	call.Params = params
	return call, nil
}
