import { binOf } from '../setup/bin.mjs';
import { root } from '../setup/paths.mjs';
import { foreground } from '../setup/spawn.mjs';
import { runMany } from './nx.mjs';
import { clearResults, conclude, sumResults } from './results.mjs';

// npm run check: formatting, lint, types, build and tests. All of them run, so that one call shows every fault.
const tool = (name, ...args) => foreground(process.execPath, [binOf(name), ...args], { cwd: root });

const codes = [
  await tool('prettier', '--check', '--cache', '--log-level=warn', '.'),
  await tool('eslint', 'tools/vitest.mjs', 'eslint.config.mjs', 'prettier.config.mjs'),
];
clearResults();
codes.push(await runMany(['lint', 'typecheck', 'build', 'test'], process.argv.slice(2)));
process.exitCode = conclude(codes.find((code) => code !== 0) ?? 0, sumResults());
