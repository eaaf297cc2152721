/** One thing the doctor looked at. */
export interface Finding {
  /** What was looked at, in a word or two. */
  readonly subject: string;
  readonly ok: boolean;
  /** The one command that needs it, where others do without. */
  readonly only?: string;
  /** What was found, in one line. */
  readonly found: string;
  /** What to run or do when `ok` is false; empty otherwise. One line each, ready for a shell where it is a command. */
  readonly remedy: readonly string[];
  /** Figures and names for machines and for bug reports. */
  readonly details?: Readonly<Record<string, string | number | boolean | readonly string[]>>;
}

/** The findings as text: one line each, with the remedies of what is missing below it. */
export function formatFindings(findings: readonly Finding[]): string {
  const width = Math.max(...findings.map((finding) => finding.subject.length));
  const lines = findings.flatMap((finding) => [
    `${labelOf(finding)}  ${finding.subject.padEnd(width)}  ${finding.found}`,
    ...finding.remedy.map((line) => `${' '.repeat(width + 11)}→ ${line}`),
    ...(finding.ok ? detailLines(finding, width) : []),
  ]);
  return lines.join('\n');
}

function labelOf({ ok, only }: Finding): string {
  if (ok) return 'ok     ';
  return only === undefined ? 'missing' : 'absent ';
}

function detailLines(finding: Finding, width: number): string[] {
  return Object.entries(finding.details ?? {}).map(
    ([name, value]) => `${' '.repeat(width + 11)}${name}: ${Array.isArray(value) ? value.join(', ') : String(value)}`,
  );
}
