package main

// onHangup does nothing: there is no SIGHUP.
func onHangup(func()) (stop func() error) { return func() error { return nil } }
