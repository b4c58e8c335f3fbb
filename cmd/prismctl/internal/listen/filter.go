package listen

import (
	"errors"
	"fmt"
	"strings"
	"unicode"

	"github.com/shopex/prism-go/cmd/prismctl/internal/words"
)

// CheckFilter refuses what is no pattern of routing keys, or cannot be meant as one. What
// the key may listen to the platform says.
func CheckFilter(pattern string) error {
	switch {
	case pattern == "":
		return errors.New("--filter is empty: give a pattern such as 'order.#'")
	case strings.ContainsFunc(pattern, unicode.IsControl):
		return errors.New("--filter has a line break or another control character, which no routing key has")
	}
	for word := range strings.SplitSeq(pattern, ".") {
		switch {
		case word == "":
			return fmt.Errorf("--filter %s is no pattern: a word between its dots is empty", words.Shown(pattern))
		case len(word) > 1 && strings.ContainsAny(word, "*#"):
			return fmt.Errorf("--filter %s is no pattern: * and # stand alone between dots, and %s does not", words.Shown(pattern), words.Shown(word))
		}
	}
	return nil
}
