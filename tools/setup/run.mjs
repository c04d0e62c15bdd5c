#!/usr/bin/env node
// node tools/setup/run.mjs [demo|test|check|captrain|bench|parity|chaos|profile] [arguments…]
// Installs and builds what is missing, then runs the named thing. Needs nothing but Node's own modules.
// The version is looked at before any other module is read, because an old Node could not even parse them.
const [major, minor] = process.versions.node.split('.').map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  console.error(
    `captrain: Node ${process.versions.node} is too old: install Node 20.19 or newer (https://nodejs.org/en/download, or: nvm install 22).`,
  );
  process.exit(2);
}
const { main } = await import('./main.mjs');
process.exitCode = await main(process.argv.slice(2));
