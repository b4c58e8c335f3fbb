package settings

import (
	"fmt"
	"log/slog"
	"strings"
)

// Log is the setting of the log, which is a flag of all commands.
type Log struct {
	LogLevel string `short:"v" config:"log-level" choices:"error,warn,info,debug" placeholder:"LEVEL" help:"Log to standard error: error, warn, info or debug (PRISM_LOG)."`
}

// Level returns the level of a log that has this name.
func Level(asked string) (slog.Level, error) {
	levels := map[string]slog.Level{"error": slog.LevelError, "warn": slog.LevelWarn, "info": slog.LevelInfo, "debug": slog.LevelDebug}
	level, ok := levels[strings.ToLower(asked)]
	if !ok {
		return level, fmt.Errorf("%q is no log level: use error, warn, info or debug", asked)
	}
	return level, nil
}
