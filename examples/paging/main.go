// Command paging reads all orders from an API that gives them page by page, at most ten
// pages a second, and prints one a line.
//
//	PRISM_URL=... PRISM_KEY=... PRISM_SECRET=... go run . paid
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"os/signal"

	"golang.org/x/time/rate"

	prism "github.com/shopex/prism-go"
)

func main() {
	if len(os.Args) != 2 {
		log.Fatal("usage: paging STATUS")
	}
	client, err := prism.New(prism.Config{
		Server: os.Getenv("PRISM_URL"), Key: os.Getenv("PRISM_KEY"), Secret: os.Getenv("PRISM_SECRET"),
		Limiter: rate.NewLimiter(10, 1), // each second, one at a time; all goroutines share it
	})
	if err != nil {
		log.Fatal(err)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := list(ctx, client, os.Args[1], os.Stdout); err != nil && !errors.Is(err, context.Canceled) {
		log.Fatal(err)
	}
}

type order struct {
	ID    int
	Total string
}

// list prints all orders of a status. It holds one page at a time.
func list(ctx context.Context, client *prism.Client, status string, out io.Writer) error {
	page := 1
	first := prism.Call{Path: "orders", Params: prism.Params{"status": status, "page_no": page, "page_size": 100}, Repeatable: true}
	orders := prism.Paginate(ctx, client, first, func(res *prism.Response) ([]order, prism.Params, error) {
		var answer struct {
			Orders  []order
			HasNext bool `json:"has_next"`
		}
		if err := res.Decode(&answer); err != nil || !answer.HasNext {
			return answer.Orders, nil, err
		}
		page++
		return answer.Orders, prism.Params{"page_no": page}, nil
	})
	for o, err := range orders {
		if err != nil {
			return fmt.Errorf("page %d: %w", page, err) // where to go on
		}
		if _, err := fmt.Fprintln(out, o.ID, o.Total); err != nil {
			return err
		}
	}
	return nil
}
