// Package files has what prismctl does with files of the user: it finds them at
// home, reads what is nobody else's business, locks them and replaces them whole.
package files

import (
	"os"
	"path/filepath"
	"strings"
)

// AtHome puts the home directory in the place of ~, which a shell leaves alone
// behind a = or a colon, and nobody replaces in a file of settings.
func AtHome(file string) string {
	if rest, ok := strings.CutPrefix(file, "~/"); ok {
		if home, err := os.UserHomeDir(); err == nil {
			return filepath.Join(home, rest)
		}
	}
	return file
}
