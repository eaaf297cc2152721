/** Changes of a contract's source, one at a time, each of which some test should notice. */
import type { SyntaxNode } from '../static/compiler.ts';

/** One change: `replacement` instead of the bytes from `start` to `end`. */
export interface Mutant {
  readonly start: number;
  readonly end: number;
  readonly replacement: string;
}

const BOUNDARIES: Readonly<Record<string, string>> = {
  '<': '<=',
  '<=': '<',
  '>': '>=',
  '>=': '>',
};

function isNode(value: unknown): value is SyntaxNode {
  return typeof value === 'object' && value !== null && 'nodeType' in value && 'src' in value;
}

function childrenOf(node: SyntaxNode): SyntaxNode[] {
  return Object.entries(node)
    .filter(([name]) => name !== 'documentation')
    .flatMap(([, value]) => (Array.isArray(value) ? (value as unknown[]) : [value]))
    .filter(isNode);
}

function spanOf({ src }: SyntaxNode): [number, number] {
  const [start, length] = src.split(':').map(Number);
  return [start, start + length];
}

/** Whether the expression's value is a truth value that something depends on: not a literal, a name that is assigned. */
function isCondition(node: SyntaxNode): boolean {
  const kinds = ['BinaryOperation', 'UnaryOperation', 'FunctionCall', 'Identifier', 'MemberAccess', 'IndexAccess'];
  const type = node.typeDescriptions as { readonly typeString?: string } | undefined;
  return kinds.includes(node.nodeType) && type?.typeString === 'bool' && node.lValueRequested !== true;
}

function* ofNode(node: SyntaxNode): Generator<Mutant> {
  const [start, end] = spanOf(node);
  if (isCondition(node)) {
    yield { start, end, replacement: 'true' };
    yield { start, end, replacement: 'false' };
  }
  if (node.nodeType === 'BinaryOperation') {
    const [left, right] = [node.leftExpression, node.rightExpression] as [SyntaxNode, SyntaxNode];
    const boundary = BOUNDARIES[node.operator as string];
    if (boundary) yield { start: spanOf(left)[1], end: spanOf(right)[0], replacement: ` ${boundary} ` };
  }
  if (node.nodeType === 'ExpressionStatement') yield { start, end, replacement: '{}' };
  if (node.nodeType === 'EmitStatement') yield { start, end, replacement: '{}' };
  if (node.nodeType === 'ModifierInvocation' && node.kind === 'modifierInvocation') {
    yield { start, end, replacement: '' };
  }
  // In assembly: a condition never true, and each alternative alone.
  if (node.nodeType === 'YulIf') {
    const condition = node.condition as SyntaxNode;
    const alternatives = (condition.arguments ?? []) as SyntaxNode[];
    for (const part of [condition, ...alternatives]) {
      const [from, to] = spanOf(part);
      yield { start: from, end: to, replacement: '0' };
    }
  }
}

/**
 * Every mutant below a node: each condition and each operand of one set to true and to false, each bound moved by one,
 * each statement without its effect left out, each modifier left out.
 */
export function* mutantsOf(node: SyntaxNode): Generator<Mutant> {
  yield* ofNode(node);
  for (const child of childrenOf(node)) yield* mutantsOf(child);
}

/** The source with the change made; offsets are of bytes. */
export function applyMutant(source: string, { start, end, replacement }: Mutant): string {
  const bytes = Buffer.from(source, 'utf8');
  // A statement's own semicolon goes with it.
  const after = replacement === '{}' && bytes[end] === 0x3b ? end + 1 : end;
  return bytes.toString('utf8', 0, start) + replacement + bytes.toString('utf8', after);
}

/** The change in a line of words: "42: depth > 0 → true". */
export function describeMutant(source: string, { start, end, replacement }: Mutant): string {
  const bytes = Buffer.from(source, 'utf8');
  const line = bytes.toString('utf8', 0, start).split('\n').length;
  return `${line}: ${bytes.toString('utf8', start, end).replace(/\s+/g, ' ')} → ${replacement || 'nothing'}`;
}
