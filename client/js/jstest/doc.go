// Package jstest bundles TypeScript and runs it with Node.js, for tests. Bundling
// needs no Node.js; a test that runs something is skipped where there is none. It
// knows nothing of what the TypeScript is about.
package jstest
