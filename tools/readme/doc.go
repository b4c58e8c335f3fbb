// Package readme has no code: its tests keep the READMEs and the documents
// beside them true. They build and run every program as a reader would, in a
// module of its own, and compare the two languages.
package readme
