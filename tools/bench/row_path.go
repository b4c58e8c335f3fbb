package main

import "errors"

// openPath compares the whole way, publisher to platform to consumer and the
// ack back, with two bare loops for the same frames that run at the same time.
func openPath() (*contest, error) {
	w, err := openWay(inMemory, 0, accept)
	if err != nil {
		return nil, err
	}
	floor, stopFloor, err := bothLoops()
	if err != nil {
		w.close()
		return nil, err
	}
	return &contest{ours: w.pass, floor: floor, close: func() { stopFloor(); w.close() }}, nil
}

// openPathJetStream compares the whole way over JetStream with JetStream alone.
func openPathJetStream() (*contest, error) {
	w, err := openWay(inJetStream, 0, accept)
	if err != nil {
		return nil, err
	}
	d, err := openDirect()
	if err != nil {
		w.close()
		return nil, err
	}
	return &contest{ours: w.pass, floor: d.pass, close: func() { d.close(); w.close() }}, nil
}

// bothLoops publishes and consumes n messages over bare connections.
func bothLoops() (loops func(n int) error, stop func(), err error) {
	publish, err := openPublish()
	if err != nil {
		return nil, nil, err
	}
	consume, err := openConsume(1, reads)
	if err != nil {
		publish.close()
		return nil, nil, err
	}
	loops = func(n int) error {
		published := make(chan error, 1)
		go func() { published <- publish.floor(n) }()
		return errors.Join(consume.floor(n), <-published)
	}
	return loops, func() { publish.close(); consume.close() }, nil
}
