package main

import (
	"archive/zip"
	"bytes"
	"fmt"
	"os"
	"time"
)

// publish puts the module into a module proxy that is a folder.
func (m module) publish(proxy string) error {
	archive, err := m.zip()
	if err != nil {
		return err
	}
	var goMod []byte
	for _, f := range m.files {
		if f.name == "go.mod" {
			goMod, err = os.ReadFile(f.path)
		}
	}
	if err != nil {
		return err
	}
	info := fmt.Appendf(nil, `{"Version":%q,"Time":%q}`, m.version, time.Now().UTC().Format(time.RFC3339))
	for name, content := range map[string][]byte{
		m.version + ".info": info,
		m.version + ".mod":  goMod,
		m.version + ".zip":  archive,
		"list":              []byte(m.version + "\n"), // or the next proxy is asked which versions there are
	} {
		if err := write(proxy, m.path()+"/@v/"+name, content, 0o644); err != nil {
			return err
		}
	}
	return nil
}

func (m module) zip() ([]byte, error) {
	var archive bytes.Buffer
	z := zip.NewWriter(&archive)
	for _, f := range m.files {
		content, err := os.ReadFile(f.path)
		if err != nil {
			return nil, err
		}
		w, err := z.Create(m.path() + "@" + m.version + "/" + f.name)
		if err != nil {
			return nil, err
		}
		if _, err := w.Write(content); err != nil {
			return nil, err
		}
	}
	err := z.Close()
	return archive.Bytes(), err
}
