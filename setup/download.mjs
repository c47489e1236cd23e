// Downloads URL to FILE: download.mjs URL FILE. Gives up when nothing arrives for 15 s.
import { createWriteStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';

const [url, file] = process.argv.slice(2);
const silence = new AbortController();
const timer = setTimeout(() => silence.abort(), 15_000);

try {
  const response = await fetch(url, { signal: silence.signal });
  if (!response.ok) throw new Error(`HTTP ${response.status}`);
  await pipeline(
    response.body,
    async function* (chunks) {
      for await (const chunk of chunks) {
        timer.refresh();
        yield chunk;
      }
    },
    createWriteStream(file),
  );
} catch (error) {
  console.error(`${url}: ${error.cause?.message ?? error.message}`);
  process.exitCode = 1;
} finally {
  clearTimeout(timer);
}
