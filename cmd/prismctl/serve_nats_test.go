package main

import (
	"path/filepath"
	"testing"
	"time"

	nats "github.com/nats-io/nats-server/v2/server"
)

// jetStream is a server for a test, as others run it. It returns its address.
func jetStream(t *testing.T) string {
	t.Helper()
	s, err := nats.NewServer(&nats.Options{Host: "127.0.0.1", Port: -1, NoSigs: true, NoLog: true, JetStream: true, StoreDir: t.TempDir(), MaxPayload: 8 << 20})
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	t.Cleanup(func() {
		s.Shutdown()
		s.WaitForShutdown()
	})
	if !s.ReadyForConnections(20 * time.Second) {
		t.Fatal("the server does not start")
	}
	return s.ClientURL()
}

func TestPlatformsOverOneJetStreamAreOne(t *testing.T) {
	url := jetStream(t)
	one := serve(t, nil, "--nats", url)
	two := serve(t, nil, "--nats", url, "--admin-listen", "127.0.0.1:0")
	if one.Key != two.Key || two.Secret != "" || two.User != one.User || two.Password != "" {
		t.Errorf("the first lines are %s and %s", one.first, two.first)
	}
	two.Secret = one.Secret
	one.do("publish order.new hello").want(t, exitDone, "", "1 message confirmed")
	if got := parsed(t, two.do("queue read").out); len(got) != 1 || got[0]["body"] != "hello" {
		t.Errorf("read %v", got)
	}
	if status, body := ask(t, two.AdminURL+"/readyz"); status != 200 {
		t.Errorf("%d %s", status, body)
	}
	one.stop().want(t, exitDone, "", "")
	two.do("queue status").want(t, exitDone, two.do("queue status").out, "")
	two.stop().want(t, exitDone, "", "")
}

func TestPlatformsThatStartTogetherMakeOneKey(t *testing.T) {
	url := jetStream(t)
	var starting []func(*testing.T) served
	for range 3 {
		starting = append(starting, serveSoon(nil, "--nats", url))
	}
	var all []served
	passwords, secret := 0, ""
	for _, ready := range starting {
		s := ready(t)
		if s.Password != "" {
			passwords++
		}
		if s.Secret != "" {
			secret = s.Secret
		}
		all = append(all, s)
	}
	for _, s := range all {
		if s.Key != all[0].Key || s.Secret != "" && s.Secret != secret {
			t.Errorf("%s is not %s", s.first, all[0].first)
		}
		s.Secret = secret
		s.do("queue status").want(t, exitDone, s.do("queue status").out, "")
	}
	if passwords != 1 {
		t.Errorf("%d of them have shown a password", passwords)
	}
	for _, s := range all {
		s.stop().want(t, exitDone, "", "")
	}
}

func TestServersThatAreNotThereEndServe(t *testing.T) {
	r := invocation{args: []string{"serve", "--listen", "127.0.0.1:0", "--nats", "nats://user:pass-word@127.0.0.1:1"}}.run()
	r.want(t, exitRefused, "", "the messages in nats://***@127.0.0.1:1 cannot be opened: JetStream at nats://***@127.0.0.1:1 cannot be reached: see that it runs")
}

func TestABackupOfServersGoesIntoADirectory(t *testing.T) {
	url, file, data := jetStream(t), filepath.Join(t.TempDir(), "prism.backup"), filepath.Join(t.TempDir(), "data")
	s := serve(t, nil, "--nats", url)
	s.do("publish order.new hello").want(t, exitDone, "", "1 message confirmed")
	invocation{args: []string{"backup", "--nats", url, file}}.run().want(t, exitDone, "backed up "+url+" to "+file+"\n", "")
	s.stop().want(t, exitDone, "", "")
	invocation{args: []string{"restore", "--data", data, file}}.run().want(t, exitDone, "restored "+data+"\n", "")
	again := serve(t, nil, "--data", data)
	again.Secret = s.Secret
	if got := parsed(t, again.do("queue read").out); again.Key != s.Key || len(got) != 1 || got[0]["body"] != "hello" {
		t.Errorf("read %v with the key %s", got, again.Key)
	}
	again.stop().want(t, exitDone, "", "")
}
