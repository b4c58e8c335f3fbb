package console

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io/fs"
	"net/http"
	"path"
	"strings"

	"github.com/shopex/prism-go/internal/face"
)

// htmx.min.js is htmx 4.0.1, and hx-csp.min.js its extension of that version, which lets
// its attributes work only where they have the nonce of the page; both are as published,
// under the licence beside them.
// console.css goes on where the stylesheet of all pages ends.
//
//go:embed static
var staticFS embed.FS

// A staticFile is a file that browsers keep, as its address has its hash.
type staticFile struct {
	hash string
	text []byte
	kind string
}

var staticFiles = readStatic()

func readStatic() map[string]staticFile {
	kinds := map[string]string{".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8", ".svg": "image/svg+xml"}
	files := make(map[string]staticFile)
	err := fs.WalkDir(staticFS, "static", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := staticFS.ReadFile(name)
		if kind := kinds[path.Ext(name)]; kind != "" {
			files[strings.TrimPrefix(name, "static/")] = staticFile{text: text, kind: kind}
		}
		return err
	})
	if err != nil {
		panic(err) // the files are part of the program
	}
	files["icon.svg"] = staticFile{text: []byte(face.Icon), kind: kinds[".svg"]}
	for name, f := range files {
		if name == "console.css" {
			f.text = append([]byte(face.CSS), f.text...)
		}
		sum := sha256.Sum256(f.text)
		f.hash = hex.EncodeToString(sum[:8])
		files[name] = f
	}
	return files
}

func (c *Console) static(w http.ResponseWriter, r *http.Request) {
	f, ok := staticFiles[r.PathValue("file")]
	if !ok || r.PathValue("hash") != f.hash {
		c.refuse(w, r, http.StatusNotFound, "not_found", "there is no such file")
		return
	}
	w.Header().Set("Content-Type", f.kind)
	w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	_, _ = w.Write(f.text) // an error means that the browser has gone
}
