package jetstream_test

import (
	"context"
	"fmt"
	"os"

	"github.com/shopex/prism-go/platform"
	"github.com/shopex/prism-go/platform/jetstream"
)

// What was published before the engine was closed is there when it is opened
// again.
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
		_, err = engine.Publish(ctx, "", &platform.Message{ClientID: "buwb2lii", Key: "order.new", Body: []byte("42")})
		status, _ := engine.Status(ctx, "buwb2lii", "")
		fmt.Println(status.Ready, err, engine.Close())
	}
	// Output:
	// 1 <nil> <nil>
	// 2 <nil> <nil>
}
