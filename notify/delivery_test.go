package notify

import (
	"testing"

	"github.com/shopex/prism-go/internal/wire"
)

// Whoever keeps one delivery of a tray keeps all of them.
func TestALargeDeliveryIsOnNoTray(t *testing.T) {
	var small tray
	small.next(&wire.Delivery{Body: make([]byte, traysBody)})
	left := len(small)
	if left != traySize-1 {
		t.Fatalf("%d places are left", left)
	}
	small.next(&wire.Delivery{Body: make([]byte, traysBody+1)})
	if len(small) != left {
		t.Error("a large delivery shares its memory with others")
	}
}
