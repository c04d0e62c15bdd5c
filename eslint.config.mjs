import nx from '@nx/eslint-plugin';
import importX from 'eslint-plugin-import-x';
import tseslint from 'typescript-eslint';

/** Imports go down this list only; apps never import apps. */
const layers = {
  'layer:bench': [
    'layer:app',
    'layer:model',
    'layer:data',
    'layer:evaluation',
    'layer:exchange',
    'layer:engine',
    'layer:runtime',
    'layer:protos',
  ],
  'layer:infra': [
    'layer:model',
    'layer:data',
    'layer:evaluation',
    'layer:exchange',
    'layer:protos',
    'layer:runtime',
  ],
  'layer:app': [
    'layer:model',
    'layer:data',
    'layer:evaluation',
    'layer:exchange',
    'layer:engine',
    'layer:runtime',
    'layer:protos',
  ],
  'layer:exchange': ['layer:engine', 'layer:protos', 'layer:runtime'],
  'layer:model': ['layer:data', 'layer:engine', 'layer:runtime'],
  'layer:data': ['layer:runtime'],
  'layer:evaluation': ['layer:runtime'],
  'layer:engine': ['layer:runtime'],
  'layer:runtime': [],
  'layer:protos': [],
};

export default tseslint.config(
  { ignores: ['**/dist', '**/out-tsc', '**/generated', '**/test-results', '.nx', '**/assets'] },
  ...tseslint.configs.recommended,
  {
    files: ['**/*.ts', '**/*.mjs'],
    plugins: { '@nx': nx, 'import-x': importX },
    settings: {
      'import-x/resolver-next': [
        importX.createNodeResolver({
          extensions: ['.ts', '.js', '.mjs'],
          extensionAlias: { '.js': ['.ts', '.js'] },
        }),
      ],
    },
    rules: {
      'max-lines': ['error', { max: 300 }],
      'import-x/no-cycle': 'error',
      '@typescript-eslint/consistent-type-imports': 'error',
      '@nx/enforce-module-boundaries': [
        'error',
        {
          enforceBuildableLibDependency: false,
          allow: ['^.*/tools/vitest\\.mjs$'],
          depConstraints: Object.entries(layers).map(([sourceTag, onlyDependOnLibsWithTags]) => ({
            sourceTag,
            onlyDependOnLibsWithTags,
          })),
        },
      ],
      'no-restricted-imports': [
        'error',
        { patterns: [{ group: ['@tensorflow/*'], message: 'Only libs/engine imports TensorFlow.' }] },
      ],
    },
  },
  { files: ['libs/engine/**/*.ts'], rules: { 'no-restricted-imports': 'off' } },
  // The set-up runs before anything is installed, so its parts name each other by path.
  { files: ['tools/**/*.mjs'], rules: { '@nx/enforce-module-boundaries': 'off' } },
);
