package apijson_test

import (
	"fmt"

	"github.com/shopex/prism-go/apijson"
)

func ExampleParse() {
	_, err := apijson.Parse([]byte(`{
  "url": "https://shop.example.com/api",
  "prefix": "shop",
  "apis": {"order.get": {"path": "orders/{id", "method": ["fetch"]}}
}`))
	fmt.Println(err)
	// Output:
	// line 4, column 34: the path "orders/{id" has a brace that is not closed: write {name}
	// line 4, column 59: the HTTP method "fetch" is unknown: write one of GET, POST, PUT, DELETE, PATCH, HEAD, OPTIONS
}

func ExampleDiff() {
	old, _ := apijson.Parse([]byte(`{"prefix": "shop", "apis": {"order.get": {}, "order.list": {}}}`))
	new, _ := apijson.Parse([]byte(`{"prefix": "shop", "apis": {"order.get": {"params": [{"name": "id", "required": true}]}}}`))
	for _, c := range apijson.Diff(old, new) {
		fmt.Println(c.Breaking, c.API, c.Text)
	}
	// Output:
	// true order.list the API was removed
	// true order.get the parameter "id" was added, and is required
}
