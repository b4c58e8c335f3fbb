package gen

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"go/ast"
	"go/format"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/shopex/prism-go/apijson"
	"github.com/shopex/prism-go/internal/patience"
)

var update = flag.Bool("update", false, "write the package that is compared")

// goods is a service with all that a package differs by.
func goods() *apijson.Service {
	return &apijson.Service{
		Prefix: "shop/v1", Summary: "商品。", Mode: apijson.Path,
		APIs: []apijson.API{
			{
				ID: "item.get", Path: "items/{item_id}", Methods: []string{"GET"}, Summary: "取单个商品", Notes: "By **ID**.\r\n\r\nNot by name.",
				Limit:  apijson.Limit{Count: 100, Per: time.Minute},
				Params: []apijson.Parameter{{Name: "fields", Type: "field_list", Description: "字段"}, {Name: "page", Type: "int"}},
			},
			{
				ID: "item.stock", Methods: []string{"POST", "PUT"}, RequireOAuth: true, Response: "{\"left\": 3}",
				Params: []apijson.Parameter{
					{Name: "note", Type: "string"}, {Name: "skus", Type: "jsonArray", Required: true},
					{Name: "more", Type: "json"}, {Name: "price", Type: "money", Required: true}, {Name: "force", Type: "bool"},
					{Name: "sign"}, {Name: "h-t-t-p method"}, {Name: "HTTPMethod"},
				},
				Exceptions: []apijson.Exception{{Status: 400, Code: "E1", Message: "库存不足"}},
			},
			{ID: "item patch", Methods: []string{"PATCH"}},
			{ID: "with token", Path: "tokens"},
			{ID: "查询", Path: "查询/50%", Methods: []string{"DELETE"}, Params: []apijson.Parameter{{Name: "数量", Type: "Integer", Required: true}}},
		},
	}
}

func source(t *testing.T, name string, s *apijson.Service) []byte {
	t.Helper()
	c, err := Package(name, s)
	if err != nil {
		t.Fatal(err)
	}
	return c.Source
}

// The tests of package goods call by it.
func TestThePackageOfTheTestsIsWhatIsGenerated(t *testing.T) {
	const name = "internal/goods/goods.go"
	got := source(t, "goods", goods())
	if *update {
		if err := os.WriteFile(name, got, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(name)
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("%s is another (%v): write it by go test -run %s -update", name, err, t.Name())
	}
}

func TestTheSameServiceGivesTheSamePackage(t *testing.T) {
	first := source(t, "goods", goods())
	for range 3 {
		if !bytes.Equal(first, source(t, "goods", goods())) {
			t.Fatal("it is another one")
		}
	}
}

func TestWhatCannotBeCalledIsSaid(t *testing.T) {
	c, err := Package("goods", goods())
	if err != nil || len(c.Left) != 1 || !strings.HasPrefix(c.Left[0], "item patch has no method: it is called by PATCH only") || bytes.Contains(c.Source, []byte("ItemPatch(")) {
		t.Errorf("left out is %q, %v", c.Left, err)
	}
}

func TestNamesOfPackagesAreThoseOfGo(t *testing.T) {
	for prefix, want := range map[string]string{
		"b2b": "b2b", "pay/v1": "pay", "v1": "service", "Sys-Goods": "sysgoods", "2fa": "service", "商品": "service", "func": "service", "": "service", "main": "service",
	} {
		if got := NameFor(prefix); got != want {
			t.Errorf("for %q it is %q, want %q", prefix, got, want)
		}
	}
	for _, wrong := range []string{"", "_", "main", "a-b", "type", "a b"} {
		if _, err := Package(wrong, goods()); err == nil {
			t.Errorf("%q is taken as the name of a package", wrong)
		}
	}
	if _, err := Package("goods", &apijson.Service{Prefix: "empty"}); err == nil {
		t.Error("a package without methods is written")
	}
}

func TestEveryNameHasAnIdentifierOfItsOwn(t *testing.T) {
	names := []string{"a.b", "a_b", "a b", "ab2", "A.B2", "func", "2fa", "查询", "--", "item_id", "sku_url", "WithToken", "\xff", "été"}
	want := []string{"AB", "AB3", "AB4", "Ab2", "AB2", "Func", "X2fa", "X查询", "X", "ItemID", "SKUURL", "WithToken2", "X2", "Été"}
	if got := identifiers(names, "WithToken"); !slices.Equal(got, want) {
		t.Errorf("they are\n%q, want\n%q", got, want)
	}
}

// large is a service with n APIs of eight parameters each.
func large(n int) *apijson.Service {
	s := &apijson.Service{Prefix: "large", Mode: apijson.Param, ParamName: "method"}
	types := []string{"string", "int", "bool", "field_list", "jsonArray", "money", "date", "number"}
	for i := range n {
		api := apijson.API{ID: fmt.Sprintf("group.thing%d.update", i), Methods: []string{"POST"}, Summary: "更新", Notes: "Some notes."}
		for j, kind := range types {
			api.Params = append(api.Params, apijson.Parameter{Name: fmt.Sprint("param_", j), Type: kind, Required: j%2 == 0, Description: "参数"})
		}
		s.APIs = append(s.APIs, api)
	}
	return s
}

func TestTwoHundredAPIsCompileInTwoSeconds(t *testing.T) {
	build := builder(t)
	build("goods", source(t, "goods", goods())) // and what it imports
	text := source(t, "large", large(200))
	start := time.Now()
	build("large", text)
	took := time.Since(start)
	t.Logf("%d KiB compile in %v", len(text)>>10, took)
	if limit := patience.Of(2 * time.Second); took > limit {
		t.Errorf("%d KiB took %v, and may take %v", len(text)>>10, took, limit)
	}
}

// Whatever compiles, vet may find something in.
func TestStrangeServicesCompile(t *testing.T) {
	build := builder(t)
	strange := []string{"", "a", "A", "a.a", "p", "ctx", "result", "c", "path", "err", "text", "string", "nil", "error", "Client", "New", "With_Token",
		"more", "HTTPMethod", "params", "int64", "`", "\"", "\\", "*/", "\n//go:build ignore\n", "查询", "2", "a\x00b", "{a}", "a{b}c", "..", "%2F", "call", "any", "json"}
	for _, mode := range []apijson.Mode{apijson.Path, apijson.Param} {
		s := &apijson.Service{Prefix: "strange", Summary: "\n//go:build ignore\n\npackage x", Mode: mode, ParamName: "a"}
		for _, name := range strange {
			api := apijson.API{ID: name, Path: name + "/{" + name + "}", Summary: name, Notes: name, Response: name}
			for _, param := range strange {
				api.Params = append(api.Params, apijson.Parameter{Name: param, Type: param, Description: param, Required: len(param)%2 == 0})
			}
			s.APIs = append(s.APIs, api)
		}
		build("strange"+string(mode), source(t, "strange", s))
	}
}

// builder returns a function that compiles a package as if it were in this module.
func builder(t *testing.T) func(name string, source []byte) {
	dir := t.TempDir()
	module, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	return func(name string, source []byte) {
		t.Helper()
		file := filepath.Join(dir, name+".go")
		if err := os.WriteFile(file, source, 0o666); err != nil {
			t.Fatal(err)
		}
		place := filepath.Join(module, "internal", "gen", "virtual", name)
		overlay, err := json.Marshal(map[string]any{"Replace": map[string]string{filepath.Join(place, name+".go"): file}})
		if err != nil {
			t.Fatal(err)
		}
		list := filepath.Join(dir, name+".json")
		if err := os.WriteFile(list, overlay, 0o666); err != nil {
			t.Fatal(err)
		}
		cmd := exec.CommandContext(t.Context(), "go", "build", "-overlay", list, "./internal/gen/virtual/"+name)
		cmd.Dir = module
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
	}
}

func FuzzAPackageIsGoWhateverTheServiceIsCalled(f *testing.F) {
	f.Add("a.b", "a_b", "{c}/d", "int", "notes\n# Title\n - one\n+build x", true)
	f.Add("Client", "New", "x/{x}/{x}", "json", "//go:build ignore\n\tcode\n*/", false)
	f.Fuzz(func(t *testing.T, one, other, path, kind, text string, byPath bool) {
		s := &apijson.Service{Prefix: one, Summary: text, Mode: apijson.Param, ParamName: other}
		if byPath {
			s.Mode = apijson.Path
		}
		params := []apijson.Parameter{{Name: one, Type: kind, Required: true, Description: text}, {Name: other, Type: kind, Description: text}}
		for _, id := range []string{one, other, one + other} {
			s.APIs = append(s.APIs, apijson.API{ID: id, Path: path, Summary: text, Notes: text, Response: text, Params: params,
				Exceptions: []apijson.Exception{{Code: kind, Message: text}}})
		}
		c, err := Package("fuzz", s)
		if err != nil {
			t.Fatal(err)
		}
		if again, err := format.Source(c.Source); err != nil || !bytes.Equal(again, c.Source) {
			t.Fatalf("gofmt would change it, %v:\n%s", err, c.Source)
		}
		checkNames(t, c.Source)
	})
}

// checkNames fails if two things have one name, or a comment means something to a compiler.
func checkNames(t *testing.T, source []byte) {
	file, err := parser.ParseFile(token.NewFileSet(), "fuzz.go", source, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	for _, group := range file.Comments {
		for _, line := range group.List {
			if strings.HasPrefix(line.Text, "/*") || len(line.Text) > 2 && line.Text[2] != ' ' && line.Text[2] != '\t' {
				t.Errorf("a comment is %q", line.Text)
			}
		}
	}
	seen := map[string]bool{}
	once := func(name string) {
		if seen[name] {
			t.Errorf("%s is there twice:\n%s", name, source)
		}
		seen[name] = true
	}
	for _, decl := range file.Decls {
		switch d := decl.(type) {
		case *ast.FuncDecl:
			once(fmt.Sprint("func ", d.Recv != nil, " ", d.Name.Name))
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				typed, ok := spec.(*ast.TypeSpec)
				if !ok {
					continue
				}
				once(typed.Name.Name)
				for _, f := range typed.Type.(*ast.StructType).Fields.List {
					for _, name := range f.Names {
						once(typed.Name.Name + "." + name.Name)
					}
				}
			}
		}
	}
}
