package provider_test

import (
	"crypto/md5"
	"fmt"
	"testing"

	"github.com/shopex/prism-go/internal/leak"
)

func TestMain(m *testing.M) { leak.Main(m) }

func md5Hex(text string) string { return fmt.Sprintf("%X", md5.Sum([]byte(text))) }
