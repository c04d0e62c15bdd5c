/**
 * In a program that another one started with `CAPTRAIN_SUPERVISED` and a pipe as its standard input: once that
 * pipe closes, because the other was killed, this program is asked to end too. Elsewhere: nothing.
 */
export function endWithParent(): void {
  if (!process.env['CAPTRAIN_SUPERVISED']) return;
  process.stdin.on('end', () => process.kill(process.pid, 'SIGTERM')).on('error', () => {});
  process.stdin.resume();
  // The pipe alone must not keep the program alive.
  (process.stdin as unknown as { unref?: () => void }).unref?.();
}
