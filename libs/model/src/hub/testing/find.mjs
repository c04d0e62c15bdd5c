// Finds the model argv[2] and prints its folder.
import { fileURLToPath } from 'node:url';
import { runnerImport } from 'vite';

const conditions = ['@captrain/source', 'node', 'import', 'default'];
const { module } = await runnerImport(fileURLToPath(new URL('../index.ts', import.meta.url)), {
  configFile: false,
  logLevel: 'error',
  resolve: { conditions },
  ssr: { resolve: { conditions, externalConditions: conditions } },
});
console.log(await module.modelFolder(process.argv[2]));
