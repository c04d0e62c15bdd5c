import { setFlagsFromString } from 'node:v8';

/**
 * Keeps V8 from marking the heap all the time in this process. Node's HTTP/2 reads into a new buffer of 64 KiB each time.
 * Young collections free them, but V8 also takes their bytes for growth of the old heap and begins to mark all of it,
 * once for every 26 MB received: half of the cycles of an exchange. Full collections are still done when they are due,
 * in one go.
 *
 * To be called first of all in a program, before other threads are started: V8 has been seen to end a process in which the
 * flag changed while a thread was marking.
 */
export function collectAtOnce(): void {
  setFlagsFromString('--no-incremental-marking');
}
