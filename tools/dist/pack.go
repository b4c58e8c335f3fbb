package main

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"fmt"
	"io/fs"
	"path"
	"strconv"
	"time"
)

// A file is one entry of an archive.
type file struct {
	name       string
	content    []byte
	executable bool
}

func (f file) mode() fs.FileMode {
	if f.executable {
		return 0o755
	}
	return 0o644
}

// stamp is the time of every entry: that of the build would make each archive
// another one.
var stamp = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// stampOf returns the time that SOURCE_DATE_EPOCH says, or else stamp.
func stampOf(epoch string) (time.Time, error) {
	if epoch == "" {
		return stamp, nil
	}
	seconds, err := strconv.ParseInt(epoch, 10, 64)
	if err != nil {
		return stamp, fmt.Errorf("SOURCE_DATE_EPOCH is no number of seconds: %q", epoch)
	}
	return time.Unix(seconds, 0).UTC(), nil
}

// packTar puts files into the folder stem of a .tar.gz.
func packTar(stem string, files []file) ([]byte, error) {
	var archive bytes.Buffer
	compressor, err := gzip.NewWriterLevel(&archive, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	tape := tar.NewWriter(compressor)
	for _, f := range files {
		header := &tar.Header{
			Typeflag: tar.TypeReg, Name: path.Join(stem, f.name), Size: int64(len(f.content)),
			Mode: int64(f.mode()), ModTime: stamp, Format: tar.FormatUSTAR,
		}
		if err := tape.WriteHeader(header); err != nil {
			return nil, err
		}
		if _, err := tape.Write(f.content); err != nil {
			return nil, err
		}
	}
	if err := tape.Close(); err != nil {
		return nil, err
	}
	err = compressor.Close()
	return archive.Bytes(), err
}

// packZip puts files into the folder stem of a .zip.
func packZip(stem string, files []file) ([]byte, error) {
	var archive bytes.Buffer
	z := zip.NewWriter(&archive)
	for _, f := range files {
		header := &zip.FileHeader{Name: path.Join(stem, f.name), Method: zip.Deflate, Modified: stamp}
		header.SetMode(f.mode())
		w, err := z.CreateHeader(header)
		if err != nil {
			return nil, err
		}
		if _, err := w.Write(f.content); err != nil {
			return nil, err
		}
	}
	err := z.Close()
	return archive.Bytes(), err
}
