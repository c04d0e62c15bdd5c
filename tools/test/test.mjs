import { runMany } from './nx.mjs';
import { clearResults, conclude, sumResults } from './results.mjs';

// npm test: every project's tests.
clearResults();
const code = await runMany(['test'], process.argv.slice(2));
process.exitCode = conclude(code, sumResults());
