import stringWidth from 'string-width';

/**
 * Rows as aligned columns, two spaces between them. `align` says per column whether it is set to the right ("r")
 * or the left (anything else, and the default). Colour codes and wide characters count by their width.
 */
export function formatTable(rows: readonly (readonly string[])[], align = ''): string {
  const columns = Math.max(0, ...rows.map((row) => row.length));
  const widths = Array.from({ length: columns }, (_, column) =>
    Math.max(...rows.map((row) => stringWidth(row[column] ?? ''))),
  );
  const lines = rows.map((row) =>
    row
      .map((cell, column) => pad(cell, widths[column]!, align[column] === 'r'))
      .join('  ')
      .trimEnd(),
  );
  return lines.join('\n');
}

function pad(cell: string, width: number, right: boolean): string {
  const space = ' '.repeat(width - stringWidth(cell));
  return right ? space + cell : cell + space;
}
