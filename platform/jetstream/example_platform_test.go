package jetstream_test

import (
	"context"
	"log"
	"net/http"
	"os"
	"os/signal"

	"github.com/shopex/prism-go/platform"
	"github.com/shopex/prism-go/platform/jetstream"
)

// A platform over a directory. The next start finds its messages, apps and keys
// there.
func Example_platform() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	engine, err := jetstream.Open(ctx, jetstream.Config{Dir: "prism-data"})
	if err != nil {
		log.Fatal(err)
	}
	defer engine.Close()

	registry := platform.NewRegistry(engine.Store())
	key := platform.Key{ID: "buwb2lii", Secret: os.Getenv("PRISM_SECRET"), App: "shop"}
	if err := registry.SaveApp(ctx, platform.App{ID: "shop", Name: "Shop"}); err != nil {
		log.Fatal(err)
	}
	if err := registry.SaveKey(ctx, key); err != nil {
		log.Fatal(err)
	}

	p, err := platform.New(platform.Config{Store: engine.Store(), Queues: engine})
	if err != nil {
		log.Fatal(err)
	}
	defer p.Shutdown(context.Background())
	server := http.Server{Addr: "127.0.0.1:8080", Handler: p}
	context.AfterFunc(ctx, func() { server.Close() })
	log.Print(server.ListenAndServe())
}
