// Package topic matches routing keys with the patterns of a topic exchange. Keys and
// patterns are words between dots; in a pattern * stands for one word and # for any
// number of them, none included. The empty key has no words. In a key that is [Reserved],
// neither stands for the first word: a pattern has to name it.
package topic
