package wire

// NotReading ends the payload of a ping whose sender is alive but too busy to read
// for now, so that its pongs will be late (protocol chapter 7).
var NotReading = []byte("not reading")
