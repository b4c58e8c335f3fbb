package jetstream_test

import (
	"context"
	"fmt"
	"os"

	"github.com/shopex/prism-go/platform"
	"github.com/shopex/prism-go/platform/jetstream"
)

// What was published before the engine was closed is there when it is opened
// again, and so is the owner whom it reaches.
func Example() {
	dir, err := os.MkdirTemp("", "prism")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	ctx := context.Background()
	for range 2 {
		engine, err := jetstream.Open(ctx, jetstream.Config{Dir: dir})
		if err != nil {
			fmt.Println(err)
			return
		}
		erp := platform.Owner{Exchange: "default", Bindings: []platform.Binding{{Pattern: "order.#"}}}
		if err := engine.Declare(ctx, "buwb2lii", erp); err != nil {
			fmt.Println(err)
			return
		}
		routed, err := engine.Publish(ctx, "default", &platform.Message{ClientID: "shop", Key: "order.new", Body: []byte("42")})
		status, _ := engine.Status(ctx, "buwb2lii", "")
		fmt.Println(routed, status.Ready, err, engine.Close())
	}
	// Output:
	// [1] 1 <nil> <nil>
	// [1] 2 <nil> <nil>
}
