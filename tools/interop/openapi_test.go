package interop

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/shopex/prism-go/apijson"
)

func TestExportedServicesAreValidOpenAPI(t *testing.T) {
	names, err := filepath.Glob("../../apijson/testdata/*.json")
	if err != nil || len(names) == 0 {
		t.Fatalf("there are no samples: %v", err)
	}
	valid := 0
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		s, err := apijson.Parse(text)
		if err != nil {
			continue // one that shows faults
		}
		valid++
		validate(t, name, s, len(s.APIs))
	}
	if valid < 5 {
		t.Errorf("only %d samples could be read", valid)
	}
}

func TestAServiceOf200APIsIsValidOpenAPI(t *testing.T) {
	for _, mode := range []string{"path", "param"} {
		s, err := apijson.Parse([]byte(large(mode)))
		if err != nil {
			t.Fatal(err)
		}
		validate(t, mode, s, 200)
	}
}

// large is a file with 200 APIs, of which pairs have one path with names of their own.
func large(mode string) string {
	var b strings.Builder
	types := []string{"int", "string", "date", "bool", "money", "jsonArray", "number", ""}
	for i := range 200 {
		method := []string{`["GET"]`, `["PUT", "POST"]`}[i%2]
		fmt.Fprintf(&b, `"order.%d": {"path": "o%d/{id%d}/a%%20b", "method": %s, "require_oauth": %t, "notes": "*%d*",
			"limit_count": %d, "limit_seconds": 60, "params": [{"name": "id%d", "type": "int"}, {"name": "a[b]", "type": %q, "required": true}, {"name": "订单"}],
			"response": "{\"n\": %d}", "exception": [{"http_code": 404, "code": %d, "message": "none"}, {"code": "E"}, {"http_code": 404}]},`,
			i, i/2, i, method, i%3 == 0, i, i, i, types[i%len(types)], i, i)
	}
	return fmt.Sprintf(`{"url": "http://a.test/", "prefix": "large", "mode": %q, "apis": {%s}}`, mode, strings.TrimSuffix(b.String(), ","))
}

func validate(t *testing.T, name string, s *apijson.Service, apis int) {
	t.Helper()
	text, err := apijson.OpenAPI(s, "https://api.example.test/api")
	if err != nil {
		t.Errorf("%s: %v", name, err)
		return
	}
	doc, err := openapi3.NewLoader().LoadFromData(text)
	if err == nil {
		err = doc.Validate(t.Context())
	}
	if err != nil {
		t.Errorf("%s is no valid OpenAPI: %v\n%.2000s", name, err, text)
		return
	}
	found := map[string]bool{}
	for _, item := range doc.Paths.Map() {
		for _, operation := range item.Operations() {
			found[fmt.Sprint(operation.Extensions["x-prism-method"])] = true
		}
	}
	if len(found) != apis {
		t.Errorf("%s has %d APIs as OpenAPI, want %d", name, len(found), apis)
	}
}
