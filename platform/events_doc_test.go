package platform_test

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/shopex/prism-go/platform"
)

func TestTheDocumentOfEventsShowsEachKindAsItIs(t *testing.T) {
	text, err := os.ReadFile("../docs/events.md")
	must(t, err)
	common, chapters, _ := strings.Cut(string(text), "\n### ")
	chapters, _, _ = strings.Cut(chapters, "\n## ")
	kinds := strings.Split(chapters, "\n### ")
	examples := platform.EventsOfEachKind()
	if len(kinds) != len(examples) {
		t.Fatalf("the document has %d kinds, the platform %d", len(kinds), len(examples))
	}
	for i, example := range examples {
		want, err := json.Marshal(example)
		must(t, err)
		contains(t, kinds[i], "\n```json\n"+string(want)+"\n```")
		var members map[string]any
		must(t, json.Unmarshal(want, &members))
		if !strings.HasPrefix(kinds[i], "`"+members["event"].(string)+"`\n") {
			t.Errorf("the chapter of %v begins %.40q", members["event"], kinds[i])
		}
		for name := range members {
			contains(t, common+kinds[i], "\n| `"+name+"` | ")
		}
		if rows := strings.Count(kinds[i], "\n| `"); rows != len(members)-4 {
			t.Errorf("the chapter of %v explains %d members, and it has %d of its own", members["event"], rows, len(members)-4)
		}
	}
}
