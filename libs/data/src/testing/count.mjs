// Adds one to the number in `counter` of the store argv[2], argv[3] times, trying again after every conflict.
import { fileURLToPath } from 'node:url';
import { runnerImport } from 'vite';

const conditions = ['@captrain/source', 'node', 'import', 'default'];
const config = {
  configFile: false,
  logLevel: 'error',
  resolve: { conditions },
  ssr: { resolve: { conditions, externalConditions: conditions } },
};
const load = async (file) =>
  (await runnerImport(fileURLToPath(new URL(file, import.meta.url)), config)).module;
const { openStore } = await load('../open-store.ts');

const store = await openStore(process.argv[2]);
for (let done = 0; done < Number(process.argv[3]);) {
  const { etag } = await store.stat('counter');
  const count = Number(await store.get('counter'));
  try {
    await store.put('counter', String(count + 1), { ifMatch: etag });
    done++;
  } catch (error) {
    if (error.constructor.name !== 'ConflictError') throw error;
  }
}
