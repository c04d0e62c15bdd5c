import { SetupError } from './fail.mjs';
import { cacheDirectory } from './paths.mjs';
import { say } from './progress.mjs';
import { setUp } from './set-up.mjs';
import { runTarget, targets } from './targets.mjs';

/** Runs the set-up and then what the arguments name; resolves with the exit code. */
export async function main([name, ...args]) {
  try {
    if (name !== undefined && !(name in targets)) {
      throw new SetupError(`there is no "${name}" to run: name one of ${Object.keys(targets).join(', ')}.`);
    }
    // nx compiles what the tests need, so that they run, and are counted, where some package does not compile.
    await setUp({ compile: name !== 'test' && name !== 'check' });
    if (name !== undefined) return await runTarget(name, args);
    say('everything is installed and built');
    return 0;
  } catch (error) {
    const message = sentenceFor(error);
    if (message === undefined) throw error;
    for (const line of message.split('\n')) say(line);
    return 2;
  }
}

/** What the user can mend, as a sentence; undefined for everything else. */
function sentenceFor(error) {
  if (error instanceof SetupError) return error.message;
  const cache = cacheDirectory();
  if (error.code === 'ENOSPC')
    return `the disk of ${error.path ?? cache} is full: free some space, or set CAPTRAIN_CACHE.`;
  if (['EACCES', 'EROFS', 'ENOTDIR'].includes(error.code) && error.path?.startsWith(cache)) {
    return `${error.path} is not writable (${error.code}): set CAPTRAIN_CACHE to a folder that is.`;
  }
  return undefined;
}
