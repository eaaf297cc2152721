import { defineConfig, globalIgnores } from 'eslint/config';
import tseslint from 'typescript-eslint';

/** The arrows of the layout: prover → protocol ← worker, both → api → protocol, and nothing points into the tests. */
function importsNothingFrom(folders, message) {
  return {
    'no-restricted-imports': ['error', { patterns: [{ regex: `^(\\.\\./)+(${folders.join('|')})/`, message }] }],
  };
}

const PURE = {
  'no-restricted-globals': [
    'error',
    ...['Date', 'performance', 'crypto', 'process', 'console', 'fetch', 'setTimeout'].map((name) => ({
      name,
      message: 'No input, output, clock or randomness: what this says depends on its arguments alone.',
    })),
  ],
  'no-restricted-properties': ['error', { object: 'Math', property: 'random', message: 'Nothing here is random.' }],
};

export default defineConfig(
  globalIgnores(['.build', '.zklora', '.wrangler', 'artifacts', 'cache', 'coverage', 'runs', 'ignition/deployments']),
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.recommendedTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      complexity: ['error', 15],
      eqeqeq: 'error',
      'max-lines': ['error', 400],
      'max-lines-per-function': ['error', { max: 80, skipBlankLines: true, skipComments: true }],
      'no-warning-comments': ['error', { terms: ['todo', 'fixme', 'xxx', 'hack'] }],
      '@typescript-eslint/no-floating-promises': 'error',
      // The CPU side of an asynchronous interface has nothing to wait for.
      '@typescript-eslint/require-await': 'off',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_' }],
      // Kernels and field code index arrays whose bounds the statement fixes.
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
    },
  },
  {
    files: ['protocol/**/*.ts'],
    rules: {
      ...importsNothingFrom(['prover', 'worker', 'test', 'bench', 'contracts'], 'protocol/ stands alone.'),
      '@typescript-eslint/no-restricted-imports': [
        'error',
        { patterns: [{ regex: '^(?!\\.|@noble/)', message: 'protocol/ depends on @noble/* alone.' }] },
      ],
      ...PURE,
    },
  },
  {
    files: ['commitment/**/*.ts'],
    rules: {
      ...importsNothingFrom(
        ['prover', 'worker', 'api', 'test', 'bench', 'contracts'],
        'commitment/ needs protocol/ alone.',
      ),
      '@typescript-eslint/no-restricted-imports': [
        'error',
        { patterns: [{ regex: '^(?!\\.)', message: 'commitment/ runs in browsers and depends on no package.' }] },
      ],
      ...PURE,
    },
  },
  {
    files: ['api/**/*.ts'],
    rules: importsNothingFrom(['prover', 'worker', 'commitment', 'test', 'bench'], 'api/ stands on protocol/ alone.'),
  },
  {
    files: ['prover/**/*.ts'],
    rules: importsNothingFrom(['worker', 'test', 'bench'], 'The arrows are prover → protocol ← worker.'),
  },
  {
    files: ['worker/**/*.ts'],
    rules: importsNothingFrom(['prover', 'test', 'bench'], 'The arrows are prover → protocol ← worker.'),
  },
  {
    files: ['site/**/*.ts'],
    rules: importsNothingFrom(
      ['prover', 'worker', 'test', 'bench'],
      'site/ stands on api/, commitment/ and protocol/.',
    ),
  },
  {
    files: ['test/**/*.ts'],
    rules: { 'max-lines-per-function': 'off' },
  },
  {
    // node:test returns promises that its runner awaits by itself.
    files: ['test/contracts/**/*.ts'],
    rules: { '@typescript-eslint/no-floating-promises': 'off' },
  },
);
