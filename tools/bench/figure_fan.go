package main

import (
	"context"
	"errors"
	"io/fs"
	"path/filepath"
	"strings"
	"time"
)

// openFurther returns how much longer it takes to store a message in one queue more,
// where there are n, in hundredths of the way of a message to one consumer.
func openFurther(open func() (*engine, error), n int) (*meter, error) {
	w, err := openWay(open, 0, accept)
	if err != nil {
		return nil, err
	}
	one, err := open()
	if err != nil {
		w.close()
		return nil, err
	}
	stop := func() { w.close(); _ = one.close() }
	many, err := open()
	if err != nil {
		stop()
		return nil, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := errors.Join(one.fan(ctx, 1), many.fan(ctx, n)); err != nil {
		stop()
		_ = many.close()
		return nil, err
	}
	read := func(ops int) (float64, error) {
		path, err := timeOf(func() error { return w.pass(10_000) })
		alone, err1 := one.timePublish(ops)
		all, errN := many.timePublish(ops)
		further := (all - alone) / float64(ops) / float64(n-1)
		return 100 * further / (path / 10_000), errors.Join(err, err1, errN)
	}
	return &meter{read: read, close: func() { stop(); _ = many.close() }}, nil
}

// publish publishes n messages, as many as a connection stores together.
func (e *engine) publish(ctx context.Context, n int) error {
	for n > 0 {
		some := messages(min(n, 256))
		n -= len(some)
		if _, err := e.queues.Publish(ctx, exchange, some...); err != nil {
			return err
		}
	}
	return nil
}

// timePublish returns how many nanoseconds it takes to publish n messages, and empties
// the queues.
func (e *engine) timePublish(n int) (float64, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	took, err := timeOf(func() error { return e.publish(ctx, n) })
	for i := range e.fans.Load() {
		err = errors.Join(err, e.queues.Purge(ctx, fanned(int(i+1)), ""))
	}
	return took, err
}

func timeOf(do func() error) (float64, error) {
	began := time.Now()
	err := do()
	return float64(time.Since(began)), err
}

// openFurtherLog returns how many bytes of log a message takes for each further queue.
func openFurtherLog() (*meter, error) {
	const many = 100
	read := func(n int) (float64, error) {
		one, err := logOf(1, n)
		if err != nil {
			return 0, err
		}
		all, err := logOf(many, n)
		return float64(all-one) / float64(n) / (many - 1), err
	}
	return &meter{read: read, close: func() {}}, nil
}

// logOf returns by how many bytes the log of a new engine grows with n messages, each
// in so many queues.
func logOf(queues, n int) (int64, error) {
	e, err := inJetStream()
	if err != nil {
		return 0, err
	}
	defer e.close()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := e.fan(ctx, queues); err != nil {
		return 0, err
	}
	before, err := bytesOf(e.dir)
	if err != nil {
		return 0, err
	}
	if err := e.publish(ctx, n); err != nil {
		return 0, err
	}
	after, err := bytesOf(e.dir)
	return after - before, err
}

// bytesOf returns the size of the files with messages below a directory.
func bytesOf(dir string) (bytes int64, err error) {
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".blk") {
			return err
		}
		info, err := d.Info()
		if err == nil {
			bytes += info.Size()
		}
		return err
	})
	return bytes, err
}
