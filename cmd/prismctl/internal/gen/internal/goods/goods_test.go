package goods_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"strings"
	"testing"

	prism "github.com/shopex/prism-go"
	"github.com/shopex/prism-go/cmd/prismctl/internal/gen/internal/goods"
)

// A call is what a server has received.
type call struct {
	Method, Path, Token string
	Form                url.Values
}

// serve returns a client of a server, and what calls of it bring there.
func serve(t *testing.T, answer string) (*goods.Client, *call) {
	last := new(call)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		for _, name := range []string{"client_id", "sign", "sign_method", "sign_time"} {
			delete(r.Form, name)
		}
		*last = call{r.Method, r.URL.EscapedPath(), strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "), r.Form}
		_, _ = w.Write([]byte(answer))
	}))
	t.Cleanup(server.Close)
	client, err := prism.New(prism.Config{Server: server.URL + "/api", Key: "k", Secret: "s"})
	if err != nil {
		t.Fatal(err)
	}
	return goods.New(client), last
}

func (c *call) want(t *testing.T, want call) {
	t.Helper()
	if !reflect.DeepEqual(*c, want) {
		t.Errorf("the call was %+v, want %+v", *c, want)
	}
}

func TestAParameterOfThePathStandsThereAndTheOthersInTheQuery(t *testing.T) {
	client, last := serve(t, `{"error":null,"result":{"title":"a"}}`)
	var item struct{ Title string }
	err := client.ItemGet(t.Context(), goods.ItemGetParams{ItemID: "7/8 ?", Page: new(int64(0)), More: prism.Params{"node_id": "n1"}}, &item)
	if err != nil || item.Title != "a" {
		t.Errorf("the result is %+v, %v", item, err)
	}
	last.want(t, call{"GET", "/api/shop/v1/items/7%2F8%20%3F", "", url.Values{"page": {"0"}, "node_id": {"n1"}}})
}

func TestAnEmptyValueInThePathIsNotSent(t *testing.T) {
	client, last := serve(t, `{}`)
	err := client.ItemGet(t.Context(), goods.ItemGetParams{}, nil)
	if err == nil || !strings.Contains(err.Error(), "shop/v1/items/") || last.Method != "" {
		t.Errorf("the error is %v, the call %+v", err, last)
	}
}

func TestParametersAreSentByTheirTypesForAUser(t *testing.T) {
	client, last := serve(t, `{"left": 3}`)
	var raw json.RawMessage
	err := client.WithToken("t1").ItemStock(t.Context(), goods.ItemStockParams{
		Skus: []map[string]any{{"id": 1}}, Price: "12.50", Force: new(false), More2: json.RawMessage(`[1]`), HTTPMethod: "PUT",
	}, &raw)
	if err != nil || string(raw) != `{"left": 3}` {
		t.Errorf("the result is %s, %v", raw, err)
	}
	last.want(t, call{"PUT", "/api/shop/v1/item.stock", "t1",
		url.Values{"skus": {`[{"id":1}]`}, "price": {"12.50"}, "force": {"0"}, "more": {"[1]"}}})
}

func TestNamesOfAnyLetterArrive(t *testing.T) {
	client, last := serve(t, `{}`)
	if err := client.X查询(t.Context(), goods.X查询Params{X数量: 3}, nil); err != nil {
		t.Fatal(err)
	}
	last.want(t, call{"DELETE", "/api/shop/v1/" + url.PathEscape("查询") + "/50%25", "", url.Values{"数量": {"3"}}})
}

func TestAFailureIsAnErrorOfPrism(t *testing.T) {
	client, _ := serve(t, `{"error":{"code":"E1","message":"库存不足"},"result":null}`)
	var failure *prism.Error
	if err := client.ItemStock(t.Context(), goods.ItemStockParams{}, nil); !errors.As(err, &failure) || failure.Code != "E1" {
		t.Errorf("the error is %v", err)
	}
}
