// Takes the lock argv[3] with the module argv[2], says so, and keeps it.
import { runnerImport } from 'vite';

const { module } = await runnerImport(process.argv[2], { configFile: false, logLevel: 'error' });
await module.withFileLock(process.argv[3], async () => {
  console.log('held');
  await new Promise((resolve) => setTimeout(resolve, 600_000));
});
