/** Text tables. */

/**
 * Rows under a heading, columns aligned: numbers right, texts left.
 *
 * @param heading one text a column
 * @param rows cells of every row
 */
export function table(heading: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  const text = (cell: string | number): string => (typeof cell === 'number' ? cell.toLocaleString('en') : cell);
  const widths = heading.map((h, c) => rows.reduce((w, row) => Math.max(w, text(row[c]).length), h.length));
  const right = heading.map((_, c) => rows.length > 0 && rows.every((row) => typeof row[c] === 'number'));
  const line = (cells: readonly (string | number)[]): string =>
    cells
      .map((cell, c) => (right[c] ? text(cell).padStart(widths[c]) : text(cell).padEnd(widths[c])))
      .join('  ')
      .trimEnd();
  return [line(heading), line(widths.map((w) => '─'.repeat(w))), ...rows.map(line)].join('\n');
}
