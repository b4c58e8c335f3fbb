// Package face is how all pages of the platform look: one stylesheet and one mark, for the
// pages on which users log in as for the console.
package face

import _ "embed"

var (
	// CSS is the stylesheet: the colors by day and by night, the type, fields, buttons and
	// notices, and the card of a page that says or asks one thing. It loads nothing.
	//
	//go:embed face.css
	CSS string
	// Icon is the mark, as SVG.
	//
	//go:embed icon.svg
	Icon string
)
