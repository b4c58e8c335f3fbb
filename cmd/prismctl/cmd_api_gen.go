package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/shopex/prism-go/admin"
	"github.com/shopex/prism-go/apijson"
	"github.com/shopex/prism-go/cmd/prismctl/internal/apifile"
	"github.com/shopex/prism-go/cmd/prismctl/internal/exit"
	"github.com/shopex/prism-go/cmd/prismctl/internal/gen"
	"github.com/shopex/prism-go/cmd/prismctl/internal/words"
)

type apiGenCmd struct {
	connection
	Service string `is:"file" arg:"" name:"file|prefix" help:"An api.json, - for that on standard input, or the prefix of a service of the platform."`
	Package string `placeholder:"NAME" help:"The name of the package; without it, one like the prefix."`
	Out     string `is:"file" placeholder:"DIR" help:"The directory of the package, made if it is not there, or - for standard output; without it, one like the package."`
}

// Help teaches by example.
func (*apiGenCmd) Help() string {
	return `The package has a method and a struct of parameters for each API, over the client of github.com/shopex/prism-go. The same description gives the same package, byte for byte.

    prismctl api gen api.json --package goods --out internal/goods
    prismctl api gen sysgoods

    goods.New(client).ItemGet(ctx, goods.ItemGetParams{ItemID: 7}, &item)

Parameters of the types int, integer, long and bigint are an int64, of float, double, number and numeric a float64, of bool and boolean a bool, of json, jsonArray, jsonObject and json_encode any value that is sent as JSON, and all others a string: dates have no agreed format, and money no place in a float64. What is not required is a pointer, or a string or JSON that is left out if it is empty.`
}

// A generatedLine is what was written, in JSON.
type generatedLine struct {
	File string   `json:"file"`
	APIs int      `json:"apis"`
	Left []string `json:"left"` // APIs without a method, and why
}

// Run writes the package.
func (c *apiGenCmd) Run(ctx context.Context, t *tool) error {
	if c.Package != "" {
		if err := gen.CheckName(c.Package); err != nil {
			return exit.With(exit.Usage, err)
		}
	}
	s, err := c.service(ctx, t)
	if err != nil {
		return err
	}
	name := cmp.Or(c.Package, gen.NameFor(s.Prefix))
	client, err := gen.Package(name, s)
	if err != nil {
		return err
	}
	return c.save(t, name, s, client)
}

// service reads the file, or gets that of the platform.
func (c *apiGenCmd) service(ctx context.Context, t *tool) (*apijson.Service, error) {
	_, missing := os.Stat(c.Service)
	if c.Service == "-" || missing == nil || apifile.IsURL(c.Service) || strings.HasSuffix(c.Service, ".json") {
		file, err := t.readOne(ctx, c.Service)
		if err != nil {
			return nil, err
		}
		return file.Service, nil
	}
	var text []byte
	err := c.provision(ctx, t, func(ctx context.Context, a *admin.Client) (err error) {
		text, err = a.ServiceFile(ctx, c.Service)
		return err
	})
	if err != nil {
		return nil, err
	}
	return apijson.Parse(text)
}

func (c *apiGenCmd) save(t *tool, name string, s *apijson.Service, client *gen.Client) error {
	for _, left := range client.Left {
		t.notice("%s", left)
	}
	if c.Out == "-" {
		return t.write(client.Source)
	}
	dir := cmp.Or(c.Out, name)
	file := filepath.Join(dir, name+".go")
	if err := checkGenerated(file); err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	if err := os.WriteFile(file, client.Source, 0o666); err != nil {
		return err
	}
	n := len(s.APIs) - len(client.Left)
	if t.Output == asJSON {
		return t.printJSON(generatedLine{file, n, append([]string{}, client.Left...)})
	}
	return t.println("wrote %s: %s of %s", words.Shown(file), words.Counted(n, "API", "APIs"), words.Shown(s.Prefix))
}

// checkGenerated refuses to write over what somebody has written.
func checkGenerated(file string) error {
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil && !bytes.HasPrefix(text, []byte(gen.Header)) {
		err = fmt.Errorf("%s was not generated: move it away, or give another --package or --out", words.Shown(file))
	}
	return err
}
