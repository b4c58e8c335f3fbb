package service

import (
	"bytes"
	"io"
	"log/slog"
)

// logTo returns the log of the platform.
func (c *Config) logTo(out io.Writer, level slog.Level) *slog.Logger {
	options := &slog.HandlerOptions{Level: level}
	if c.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(out, options))
	}
	return slog.New(slog.NewTextHandler(out, options))
}

// lostLine says in the log how many of its lines are missing there.
func (c *Config) lostLine(lost int64) []byte {
	var line bytes.Buffer
	c.logTo(&line, slog.LevelWarn).Warn("lines of this log were lost, as nobody read it", "lines", lost)
	return line.Bytes()
}
