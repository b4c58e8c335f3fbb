package signin

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"time"
)

// openTime is how long a browser has to say that it cannot be opened. One that
// can often runs on.
const openTime = 2 * time.Second

// OpenBrowser opens address in the user's browser.
func OpenBrowser(ctx context.Context, address string) error {
	name, args := opener(runtime.GOOS)
	if name == "xdg-open" && os.Getenv("DISPLAY")+os.Getenv("WAYLAND_DISPLAY")+os.Getenv("BROWSER") == "" {
		return errors.New("there is no display") // xdg-open would start one in this terminal
	}
	cmd := exec.Command(name, append(args, address)...) // the browser outlives ctx
	if err := cmd.Start(); err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	select {
	case err := <-ended:
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	case <-time.After(openTime):
	case <-ctx.Done():
	}
	return nil
}

// opener is the program that opens an address on a system.
func opener(system string) (name string, args []string) {
	switch system {
	case "darwin":
		return "open", nil
	case "windows":
		return "rundll32", []string{"url.dll,FileProtocolHandler"}
	}
	return "xdg-open", nil
}
