/**
 * A table of Markdown as Prettier lays it out; the first row is the head. `align` has `l` or `r` for each column. Cells
 * are not escaped.
 */
export function markdownTable(rows: readonly (readonly string[])[], align: string): string {
  const isRight = (column: number) => align[column] === 'r';
  const widths = rows[0]!.map((_, column) => Math.max(3, ...rows.map((row) => row[column]!.length)));
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  const padded = (row: readonly string[]) =>
    line(row.map((cell, i) => (isRight(i) ? cell.padStart(widths[i]!) : cell.padEnd(widths[i]!))));
  const rule = line(widths.map((width, i) => (isRight(i) ? `${'-'.repeat(width - 1)}:` : '-'.repeat(width))));
  const [head, ...body] = rows;
  return [padded(head!), rule, ...body.map(padded)].join('\n');
}
