package main

import (
	"path/filepath"
	"testing"
)

func TestABackupOfAPlatformThatRunsSaysWhenItCannotBeWritten(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	s := serve(t, nil, "--data", data)
	r := invocation{args: []string{"backup", "--data", data, "-"}, out: &clogged{}}.run()
	r.want(t, exitRefused, "", "there is no backup: it cannot be written: broken pipe")
	if r := (invocation{args: []string{"backup", "--data", data, "-"}}).run(); r.status != exitDone || r.out == "" {
		t.Errorf("%+v", r)
	}
	s.stop().want(t, exitDone, "", "")
}
