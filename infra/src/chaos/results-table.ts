import { colors, formatTable } from '@captrain/runtime';
import type { ChaosCase } from './chaos-case.js';
import type { Result } from './run-case.js';

const ALIGN = 'llrrll';
const head = ['case', 'what was done', 'seconds', 'workers', 'result', 'reason'];

/** A table that grows by a line with every case that ends; its columns are as wide as all cases need. */
export class ResultsTable {
  private readonly widest: string[];

  constructor(cases: readonly ChaosCase[]) {
    const longest = (words: readonly string[]) => words.toSorted((a, b) => b.length - a.length)[0] ?? '';
    this.widest = [
      longest(cases.map(({ name }) => name)),
      longest(cases.map(({ did }) => did)),
      '',
      '',
      'left out',
    ];
    this.print(head.map((word) => colors.bold(word)));
  }

  passedOrFailed({ name, did }: ChaosCase, { passed, seconds, workers, reason }: Result): void {
    const result = passed ? colors.green('passed') : colors.red('failed');
    this.print([name, did, seconds.toFixed(1), String(workers), result, reason.replaceAll('\n', ' ')]);
  }

  leftOut({ name, did, needs }: ChaosCase): void {
    this.print([name, did, '', '', colors.yellow('left out'), `this machine does not allow ${needs}`]);
  }

  private print(row: readonly string[]): void {
    const lines = formatTable([head, this.widest, row], ALIGN).split('\n');
    process.stdout.write(`${lines.at(-1)}\n`);
  }
}
