package console_test

import (
	"testing"

	"github.com/shopex/prism-go/internal/leak"
)

func TestMain(m *testing.M) { leak.Main(m) }
