// Takes the lock argv[2], by the module argv[3], says so, and keeps it. Before, where there is a folder argv[5], it begins to
// write a file there, under a name of the module argv[4].
import { writeFileSync } from 'node:fs';
import { runnerImport } from 'vite';

const [lock, lockModule, nameModule, folder] = process.argv.slice(2);
const load = async (path) => (await runnerImport(path, { configFile: false, logLevel: 'error' })).module;

if (folder !== undefined) writeFileSync(`${folder}/${(await load(nameModule)).temporaryName()}`, 'half');
const { withFileLock } = await load(lockModule);
await withFileLock(lock, async () => {
  console.log('held');
  await new Promise((resolve) => setTimeout(resolve, 600_000));
});
