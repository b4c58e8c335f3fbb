// Package browser holds nothing but tests: people with a real browser, Chromium
// without a window, who log in to applications of package oauth with the
// platform of prismtest. It is a module of its own, so that what drives the
// browser is no dependency of anybody.
//
// Without Chromium the tests fail and say how to get it. With PRISM_BROWSER=off
// in the environment they are skipped.
package browser
