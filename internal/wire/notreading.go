package wire

// NotReading ends the payload of a ping whose sender does not read for now, as it
// has enough to do: its pongs will be late, and it is alive (protocol chapter 7).
var NotReading = []byte("not reading")
