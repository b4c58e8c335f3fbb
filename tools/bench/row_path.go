package main

import "errors"

// openPath compares the whole way, publisher to platform to consumer and the
// ack back, with something that passes as many messages without a platform.
func openPath(engine func() (*engine, error), floor func() (pass func(n int) error, stop func(), err error)) (*contest, error) {
	w, err := openWay(engine, 0, accept)
	if err != nil {
		return nil, err
	}
	pass, stop, err := floor()
	if err != nil {
		w.close()
		return nil, err
	}
	return &contest{ours: w.pass, floor: pass, close: func() { stop(); w.close() }}, nil
}

// jetStreamAlone passes messages through JetStream.
func jetStreamAlone() (pass func(n int) error, stop func(), err error) {
	d, err := openDirect()
	if err != nil {
		return nil, nil, err
	}
	return d.pass, d.close, nil
}

// bothLoops publishes and consumes over bare connections at the same time.
func bothLoops() (pass func(n int) error, stop func(), err error) {
	publish, err := openPublish()
	if err != nil {
		return nil, nil, err
	}
	consume, err := openConsume(1)
	if err != nil {
		publish.close()
		return nil, nil, err
	}
	pass = func(n int) error {
		published := make(chan error, 1)
		go func() { published <- publish.floor(n) }()
		return errors.Join(consume.floor(n), <-published)
	}
	return pass, func() { publish.close(); consume.close() }, nil
}
