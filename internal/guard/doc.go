// Package guard keeps a program from being used against the network it stands in: of the
// addresses that others give it, it connects only to those that are allowed.
//
// A name is checked by what it means when it is dialed, so that it cannot lead elsewhere
// than it did when somebody looked at it.
package guard
