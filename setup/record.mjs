// Writes what set-up found as a JSON file that lab/ reads: record.mjs FILE NAME=VALUE...
import { readFileSync, renameSync, writeFileSync } from 'node:fs';

const [file, ...pairs] = process.argv.slice(2);
const entries = pairs.map((pair) => [
  pair.slice(0, pair.indexOf('=')),
  pair.slice(pair.indexOf('=') + 1),
]);
const text = `${JSON.stringify({ formatVersion: 1, ...Object.fromEntries(entries) }, undefined, 2)}\n`;
if (text !== current()) {
  // A test that starts meanwhile reads the old file or the new one, never half of it.
  writeFileSync(`${file}.new`, text);
  renameSync(`${file}.new`, file);
}

function current() {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}
