package main

import "testing"

func TestQueuesThatFillAreInTheMetrics(t *testing.T) {
	s := serve(t, nil, "--admin-listen", "127.0.0.1:0", "--limits-max-messages", "4")
	defer s.stop()
	for topic, n := range map[string]int{"quarter": 1, "half": 2, "all": 4} {
		for range n {
			s.do("queue write --topic "+topic+" x").want(t, exitDone, "written to queue "+topic+"\n", "")
		}
	}
	_, text := ask(t, s.AdminURL+"/metrics")
	for series, want := range map[string]string{
		`prism_queues_filled{percent="50"}`: "2", `prism_queues_filled{percent="80"}`: "1", `prism_queues_filled{percent="95"}`: "1",
		`prism_queue_filled_ratio{key="` + s.Key + `",topic="half"}`:    "0.5",
		`prism_queue_filled_ratio{key="` + s.Key + `",topic="all"}`:     "1",
		`prism_queue_filled_ratio{key="` + s.Key + `",topic="quarter"}`: "",
		`prism_queue_consumers{key="` + s.Key + `",topic="all"}`:        "0",
	} {
		if got := metric(text, series); got != want {
			t.Errorf("%s is %q, want %q", series, got, want)
		}
	}
}
