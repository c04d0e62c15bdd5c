/**
 * Progress of the set-up, on stderr. A terminal sees one line that is redrawn; anything else sees a plain line at
 * the start of each step, one every ten seconds of it, and one at its end.
 */
const terminal = Boolean(process.stderr.isTTY);
const plainIntervalMs = 10_000;

export function say(line) {
  process.stderr.write(`captrain: ${line}\n`);
}

export const megabytes = (bytes) => `${(bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0)} MB`;

/**
 * Runs `work(update)` as a step called `title`. `update(bytes, totalBytes?)` reports how far a download is; without
 * it only the time is shown. Returns what `work` returns.
 */
export async function showStep(title, work) {
  const start = performance.now();
  const seconds = () => (performance.now() - start) / 1000;
  let detail = '';
  let lastPlain = start;

  const line = () => `captrain: ${title}${detail || ' …'} (${seconds().toFixed(0)} s)`;
  const draw = () => {
    if (terminal) {
      process.stderr.write(`\r\x1b[K${line()}`);
    } else if (performance.now() - lastPlain >= plainIntervalMs) {
      lastPlain = performance.now();
      process.stderr.write(`${line()}\n`);
    }
  };
  const update = (bytes, totalBytes) => {
    const total = totalBytes ? ` of ${megabytes(totalBytes)}` : '';
    detail = `: ${megabytes(bytes)}${total}, ${megabytes(bytes / Math.max(seconds(), 0.001))}/s`;
  };

  if (!terminal) say(`${title} …`);
  const timer = setInterval(draw, terminal ? 200 : 1000);
  try {
    const result = await work(update);
    process.stderr.write(
      `${terminal ? '\r\x1b[K' : ''}captrain: ${title}${detail}: done in ${seconds().toFixed(1)} s\n`,
    );
    return result;
  } catch (error) {
    if (terminal) process.stderr.write('\r\x1b[K');
    throw error;
  } finally {
    clearInterval(timer);
  }
}
