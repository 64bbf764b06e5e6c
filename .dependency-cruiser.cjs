// The import rules of the house: docs/architecture.md says them in words.
module.exports = {
  forbidden: [
    {
      name: 'module-imports-module',
      comment:
        'A module imports itself and shared; what it needs of another it states as a type, and app.ts plugs it in.',
      severity: 'error',
      from: { path: '^modules/([^/]+)/', pathNot: '/tests/' },
      to: { path: '^modules/', pathNot: '^modules/$1/' },
    },
    {
      name: 'shared-knows-no-module',
      severity: 'error',
      from: { path: '^shared/', pathNot: '/tests/' },
      to: { path: '^(modules/|app\\.ts|server\\.ts)' },
    },
    {
      name: 'module-knows-no-wiring',
      severity: 'error',
      from: { path: '^modules/', pathNot: '/tests/' },
      to: { path: '^(app|server)\\.ts$' },
    },
    {
      name: 'only-by-the-face',
      comment: 'From outside, a module is its index.ts.',
      severity: 'error',
      from: { path: '^(app|server)\\.ts$|^(scripts|chaos|bench|deploy)/' },
      to: { path: '^modules/[^/]+/(?!index\\.ts$)' },
    },
    {
      name: 'server-only-through-app',
      severity: 'error',
      from: { path: '^server\\.ts$' },
      to: { path: '^modules/' },
    },
    {
      name: 'tests-stay-in-tests',
      severity: 'error',
      from: { path: '^(app|server)\\.ts$|^(modules|shared)/', pathNot: '/tests/' },
      to: { path: '(^|/)tests/' },
    },
    {
      name: 'pure-rules-stay-pure',
      comment: 'order.ts, payment.ts and their like decide; they touch no database, no HTTP, no clock of a library.',
      severity: 'error',
      from: { path: '^modules/[^/]+/(order|payment|product|stock|session|user|password|roles|audit)\\.ts$' },
      to: {
        path: '^shared/(database|http|middleware|logging)/|(^|/)node_modules/',
        pathNot: 'node_modules/(zod|@types)/',
      },
    },
    {
      name: 'client-stands-alone',
      comment: 'It goes into other programs: nothing of the server, no package, no Node.',
      severity: 'error',
      from: { path: '^clients/[^/]+/src/' },
      to: { pathNot: '^clients/[^/]+/src/' },
    },
    {
      name: 'server-knows-no-client',
      severity: 'error',
      from: { path: '^(app|server)\\.ts$|^(modules|shared|scripts|chaos|bench|deploy)/', pathNot: '/tests/' },
      to: { path: '^clients/' },
    },
    {
      name: 'no-cycles',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '(^|/)(dist|coverage)/' },
    tsPreCompilationDeps: true,
    // Without a TypeScript transpiler it saw 39 of 62 imports and stayed green; scripts/boundaries.ts asserts the count.
    parser: 'swc',
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { extensions: ['.ts', '.js', '.json'] },
  },
};
