// Proves that a wrong environment is refused in one message without secrets, and a right one becomes a frozen Config.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import { afterAll, describe, expect, test } from 'vitest';
import { renderEnvExample } from '../config.env-example.ts';
import { about, variableGroups } from '../config.schema.ts';
import { CONFIG_EXIT_CODE, ConfigError, loadConfig } from '../config.ts';
import { loadEnvFile } from '../env-file.ts';

const strong = 'q7Zt1vXo9Lr4Kd8Wm2Bs6Hn3Pj5Gy0Cf';
const databaseUrl = 'postgres://waybill:pg@db:5432/waybill';
const production = {
  NODE_ENV: 'production',
  PUBLIC_URL: 'https://shop.example',
  DATABASE_URL: databaseUrl,
  JWT_SECRET: strong,
  PAYMENT_PROVIDER: 'test',
  TEST_PROVIDER_SECRET: strong,
};
const staging = { NODE_ENV: 'staging', DATABASE_URL: databaseUrl, JWT_SECRET: strong };

const rules = Object.values(variableGroups('development')).flatMap((group) => Object.entries(group));
const names = rules.map(([name]) => name);
const secretNames = rules.filter(([, rule]) => about.get(rule)?.secret).map(([name]) => name);

const folder = mkdtempSync(join(tmpdir(), 'waybill-config-'));
afterAll(() => rmSync(folder, { recursive: true }));

describe('a right environment', () => {
  test('an empty one gives the documented defaults of development', () => {
    expect(loadConfig({})).toEqual({
      nodeEnv: 'development',
      role: 'all',
      workers: 1,
      replicas: 1,
      logLevel: 'info',
      dataDir: '.data',
      drainDelayMs: 0,
      shutdownTimeoutMs: 25_000,
      port: 3000,
      host: '127.0.0.1',
      publicUrl: 'http://localhost:3000',
      trustProxy: 0,
      corsOrigin: [],
      httpConnectionsMax: 4000,
      overloadLoopDelayMs: 100,
      metricsToken: null,
      databaseUrl: null,
      databaseDirectUrl: null,
      databasePoolMax: 20,
      databasePrepared: true,
      databaseStatementTimeoutMs: 2500,
      migrate: 'on',
      jwtSecret: null,
      accessTokenTtlMs: 900_000,
      refreshTokenTtlMs: 2_592_000_000,
      refreshGraceMs: 10_000,
      adminEmail: null,
      adminPassword: null,
      smtpUrl: null,
      mailFrom: null,
      storefrontUrl: null,
      verifyEmailTtlMs: 86_400_000,
      passwordResetTtlMs: 1_800_000,
      redisUrl: null,
      rateLimitMax: 100,
      rateLimitAccountMax: 1000,
      rateLimitWindowMs: 900_000,
      loginRateLimitMax: 5,
      loginRateLimitAddressMax: 20,
      reservationTtlMs: 900_000,
      orderBatchMax: 64,
      idempotencyTtlMs: 86_400_000,
      eventsPollMs: 1000,
      paymentProvider: 'test',
      testProviderSecret: null,
      stripeSecretKey: null,
      stripeWebhookSecret: null,
      stripeApiUrl: null,
      otelExporterOtlpEndpoint: null,
      otelTracesSamplerArg: 1,
    });
  });

  test('blank variables count as absent', () => {
    const blank = Object.fromEntries(
      [...names, ...secretNames.map((name) => `${name}_FILE`)].map((name) => [name, '']),
    );
    expect(loadConfig(blank)).toEqual(loadConfig({}));
    expect(loadConfig({ PORT: '  ' }).port).toBe(3000);
  });

  test('it is frozen, lists included, and takes no later change of the environment', () => {
    const env = { PORT: '4000', CORS_ORIGIN: 'https://a.example, http://localhost:5173' };
    const config = loadConfig(env);
    env.PORT = '5000';
    expect(config.corsOrigin).toEqual(['https://a.example', 'http://localhost:5173']);
    expect(config.port).toBe(4000);
    expect(Object.isFrozen(config)).toBe(true);
    expect(Object.values(config).every(Object.isFrozen)).toBe(true);
    expect(Object.isFrozen(loadConfig({}).corsOrigin)).toBe(true);
  });

  test('what is not set follows from what is', () => {
    expect(loadConfig({ PORT: '4000' }).publicUrl).toBe('http://localhost:4000');
    expect(loadConfig({ PUBLIC_URL: 'https://Shop.Example:443/' }).publicUrl).toBe('https://shop.example');
    expect(loadConfig({ DATABASE_URL: databaseUrl }).databaseDirectUrl).toBe(databaseUrl);
    const direct = 'postgresql://direct/waybill';
    expect(loadConfig({ DATABASE_URL: databaseUrl, DATABASE_DIRECT_URL: direct })).toMatchObject({
      databaseUrl,
      databaseDirectUrl: direct,
    });
  });

  test('production and staging listen on every interface, unless told', () => {
    expect(loadConfig(production).host).toBeNull();
    expect(loadConfig(staging).host).toBeNull();
    expect(loadConfig({ ...production, HOST: '10.0.0.7' }).host).toBe('10.0.0.7');
    expect(loadConfig({ NODE_ENV: 'test' }).host).toBe('127.0.0.1');
  });

  test.each<[string, string, object]>([
    ['PORT', '0', { port: 0 }],
    ['HOST', '::1', { host: '::1' }],
    ['HOST', 'my-laptop.local', { host: 'my-laptop.local' }],
    ['CORS_ORIGIN', '*', { corsOrigin: ['*'] }],
    ['MIGRATE', 'only', { migrate: 'only' }],
    ['DATABASE_PREPARED', 'off', { databasePrepared: false }],
    ['TRUST_PROXY', '10', { trustProxy: 10 }],
    ['RATE_LIMIT_MAX', '0', { rateLimitMax: 0 }],
    ['JWT_SECRET', 'development-development-development', { jwtSecret: 'development-development-development' }],
  ])('%s=%s is welcome in development', (name, value, expected) => {
    expect(loadConfig({ [name]: value })).toMatchObject(expected);
  });
});

describe('a wrong value', () => {
  const notWhole = ['abc', '1e3', '0x10', ' 5 ', '5.0', '-1', '+5', '1_000', '٣', '99999999999999999999'];
  const notDurations = [...notWhole, '9999999999999'];
  const notPostgres = ['mysql://db/x', 'db:5432', 'postgres:db', 'postgres://u:p#w@db/x', 'postgres://u:50%@db/x'];
  const badValues: Record<string, string[]> = {
    NODE_ENV: ['prod', 'Production', ' test'],
    ROLE: ['api', 'web,worker'],
    WORKERS: ['0', '65', '-1', '1.5', 'max', ''.padStart(30, '9')],
    LOG_LEVEL: ['verbose', 'INFO', '30'],
    DRAIN_DELAY_MS: [...notDurations, '300001'],
    SHUTDOWN_TIMEOUT_MS: [...notDurations, '99', '600001'],
    PORT: [...notWhole, '65536'],
    HOST: ['http://localhost', 'localhost:3000', 'a b', '-x', '*'],
    PUBLIC_URL: [
      'shop.example',
      'ftp://shop.example',
      'https://shop.example/api',
      'https://shop.example/?a=1',
      'https://shop.example?',
      'https://shop.example/#x',
      'https://me@shop.example',
      'https://*.shop.example',
    ],
    TRUST_PROXY: ['true', 'false', '11', '-1', '1.0', '10.0.0.0/8', 'loopback', '01'],
    CORS_ORIGIN: [
      'shop.example',
      'https://shop.example/',
      'https://Shop.Example',
      'https://shop.example:443',
      'https://*.shop.example',
      'https://a.example,,https://b.example',
      'https://a.example,',
      'https://a.example;https://b.example',
      'null',
      'file:///x',
    ],
    REPLICAS: [...notWhole, '0', '1001'],
    HTTP_CONNECTIONS_MAX: [...notWhole, '0', '65536'],
    OVERLOAD_LOOP_DELAY_MS: [...notWhole, '60001'],
    METRICS_TOKEN: ['fifteen-letters', 'a token with spaces', 'tokentokentokené', 'x'.repeat(513)],
    DATABASE_URL: notPostgres,
    DATABASE_DIRECT_URL: notPostgres,
    DATABASE_POOL_MAX: [...notWhole, '0', '1001'],
    DATABASE_PREPARED: ['true', 'ON', '1'],
    DATABASE_STATEMENT_TIMEOUT_MS: [...notDurations, '99', '60001'],
    MIGRATE: ['yes', 'false', '0'],
    JWT_SECRET: ['x'.repeat(31), 'x'.repeat(1025)],
    ACCESS_TOKEN_TTL_MS: [...notDurations, '999', '86400001'],
    REFRESH_TOKEN_TTL_MS: [...notDurations, '999', '31536000001'],
    REFRESH_GRACE_MS: [...notDurations, '60001'],
    ADMIN_EMAIL: ['ada', 'ada@', 'ada@example', 'Ada <ada@example.com>', `${'a'.repeat(250)}@example.com`],
    ADMIN_PASSWORD: ['seven77', 'x'.repeat(129)],
    SMTP_URL: [
      'mail.example:587',
      'http://mail.example',
      'smtp://',
      'smtp://u:50%@mail.example',
      'smtp://u@mail.example',
      'smtp://mail.example/x',
      'smtps://mail.example?tls.rejectUnauthorized=false',
      'smtp://mail.example#x',
    ],
    MAIL_FROM: ['shop', 'The Shop', 'a@shop.example, b@shop.example', 'Shop\r\nBcc: <a@shop.example>', 'Shop <shop>'],
    STOREFRONT_URL: ['shop.example', 'https://shop.example/de'],
    REDIS_URL: [
      'cache:6379',
      'http://cache',
      'redis://',
      'redis://u:50%@cache',
      'redis://cache/a',
      'redis://cache?x=1',
    ],
    VERIFY_EMAIL_TTL_MS: [...notDurations, '999', '2592000001'],
    PASSWORD_RESET_TTL_MS: [...notDurations, '999', '86400001'],
    RATE_LIMIT_MAX: [...notWhole, '1000001'],
    RATE_LIMIT_ACCOUNT_MAX: [...notWhole, '1000001'],
    RATE_LIMIT_WINDOW_MS: [...notDurations, '0', '86400001'],
    LOGIN_RATE_LIMIT_MAX: [...notWhole, '1000001'],
    LOGIN_RATE_LIMIT_ADDRESS_MAX: [...notWhole, '1000001'],
    RESERVATION_TTL_MS: [...notDurations, '999', '604800001'],
    IDEMPOTENCY_TTL_MS: [...notDurations, '999', '2592000001'],
    ORDER_BATCH_MAX: ['0', '501', '-1', '1.5', 'all', '1e2'],
    EVENTS_POLL_MS: [...notDurations, '9', '60001'],
    PAYMENT_PROVIDER: ['paypal', 'TEST'],
    TEST_PROVIDER_SECRET: ['fifteen-letters', 'a secret with spaces'],
    STRIPE_SECRET_KEY: ['pk_live_0123456789', 'sk_live_', 'sk_live_0123 456789', 'whsec_0123456789'],
    STRIPE_WEBHOOK_SECRET: ['sk_live_0123456789', 'whsec_', 'whsec_0123 456789'],
    OTEL_EXPORTER_OTLP_ENDPOINT: [
      'collector:4318',
      'grpc://collector.example:4317',
      'http://user:secret@collector.example:4318',
      'http://collector.example:4318?key=secret',
    ],
    OTEL_TRACES_SAMPLER_ARG: ['1.5', '-1', 'all', '.', '10%'],
    STRIPE_API_URL: [
      'api.stripe.com',
      'ftp://stripe.example',
      'https://stripe.example/v1',
      'https://a:b@stripe.example',
    ],
  };
  const cases = Object.entries(badValues).flatMap(([name, values]) => values.map((value) => [name, value] as const));
  const partners = {
    ADMIN_EMAIL: 'ada@example.com',
    ADMIN_PASSWORD: 'lovelace-1815',
    SMTP_URL: 'smtp://mail.example',
    MAIL_FROM: 'shop@shop.example',
  };

  test('has a row for every variable (any text is a directory)', () => {
    expect(Object.keys(badValues).toSorted()).toEqual(names.filter((name) => name !== 'DATA_DIR').toSorted());
  });

  test.each(cases)('%s=%s is exactly one fault, with what was expected', (name, value) => {
    const faults = faultsOf({ ...partners, [name]: value });
    expect(faults.map((fault) => fault.variable)).toEqual([name]);
    expect(faults[0]?.problem).toMatch(/^[^;]+; expected .+/);
  });

  test.each(cases.filter(([name]) => name !== 'NODE_ENV'))('%s=%s is one fault in production too', (name, value) => {
    expect(faultsOf({ ...production, ...partners, [name]: value }).map((fault) => fault.variable)).toEqual([name]);
  });

  test('TRUST_PROXY=true is told why', () => {
    expect(messageOf({ TRUST_PROXY: 'true' })).toContain('forge its address');
  });
});

test('all faults come in one message, a line each', () => {
  const env = { NODE_ENV: 'production', PORT: 'abc', LOG_LEVEL: 'loud', RATE_LIMT_MAX: '5', JWT_SECRET: 'short' };
  const more = { METRICS_TOKEN_FILE: join(folder, 'nowhere'), ADMIN_EMAIL: 'ada@example.com' };
  const [title, ...lines] = messageOf({ ...env, ...more }).split('\n');
  expect(title).toBe('The configuration is refused:');
  expect(lines.map((line) => line.trim().split(':')[0])).toEqual([
    'LOG_LEVEL',
    'PORT',
    'PUBLIC_URL',
    'METRICS_TOKEN_FILE',
    'DATABASE_URL',
    'JWT_SECRET',
    'ADMIN_PASSWORD',
    'PAYMENT_PROVIDER',
    'RATE_LIMT_MAX',
  ]);
});

test('the message repeats no value, wherever a secret was put', () => {
  const canary = 'c4n4ry';
  const everyVariable = Object.fromEntries(names.map((name) => [name, `${canary} ${name}`]));
  const everyFile = Object.fromEntries(secretNames.map((name) => [`${name}_FILE`, `/${canary}/${name}`]));
  for (const NODE_ENV of ['production', 'development', canary]) {
    for (const env of [everyVariable, everyFile, { ...everyVariable, ...everyFile }, { JWT_SECERT: canary }]) {
      const error = errorOf({ ...env, NODE_ENV });
      expect([error.message, error.stack, JSON.stringify(error), error.cause].join()).not.toContain(canary);
    }
  }
  const nearly = { PUBLIC_URL: `https://me:${canary}@shop.example`, DATABASE_URL: `postgres://u:${canary}%@db/x` };
  expect(messageOf(nearly)).not.toContain(canary);
});

test('a supervisor can tell a wrong configuration from a crash', () => {
  expect(CONFIG_EXIT_CODE).toBe(78);
  expect(errorOf({ PORT: 'x' })).toBeInstanceOf(ConfigError);
  expect(errorOf({ PORT: 'x' }).name).toBe('ConfigError');
});

describe('production', () => {
  test('starts with what it needs, and so does staging with less', () => {
    expect(loadConfig(production)).toMatchObject({ nodeEnv: 'production', jwtSecret: strong });
    expect(loadConfig(staging)).toMatchObject({ nodeEnv: 'staging', publicUrl: 'http://localhost:3000' });
  });

  test.each(['PUBLIC_URL', 'DATABASE_URL', 'JWT_SECRET', 'PAYMENT_PROVIDER', 'TEST_PROVIDER_SECRET'])(
    'misses %s',
    (name) => {
      expect(faultsOf({ ...production, [name]: '' })).toEqual([
        { variable: name, problem: expect.stringMatching(/^missing; expected /) },
      ]);
    },
  );

  const live = { STRIPE_SECRET_KEY: 'sk_live_0123456789', STRIPE_WEBHOOK_SECRET: 'whsec_0123456789' };
  const stripe = { ...production, PAYMENT_PROVIDER: 'stripe', TEST_PROVIDER_SECRET: '', ...live };

  test('takes Stripe with a live key, and needs no secret of the test provider then', () => {
    expect(loadConfig(stripe)).toMatchObject({
      paymentProvider: 'stripe',
      stripeSecretKey: live.STRIPE_SECRET_KEY,
      stripeApiUrl: null,
    });
    expect(loadConfig({ ...stripe, STRIPE_API_URL: 'https://proxy.example/' }).stripeApiUrl).toBe(
      'https://proxy.example',
    );
  });

  test.each(['STRIPE_SECRET_KEY', 'STRIPE_WEBHOOK_SECRET'])(
    'misses %s with Stripe, and so does development',
    (name) => {
      const missing = [{ variable: name, problem: 'missing; expected together with PAYMENT_PROVIDER' }];
      expect(faultsOf({ ...stripe, [name]: '' })).toEqual(missing);
      expect(faultsOf({ ...live, PAYMENT_PROVIDER: 'stripe', [name]: '' })).toEqual(missing);
    },
  );

  test.each([
    ['STRIPE_SECRET_KEY', 'sk_test_0123456789'],
    ['STRIPE_SECRET_KEY', 'rk_test_0123456789'],
    ['STRIPE_API_URL', 'http://127.0.0.1:12111'],
  ])('refuses %s=%s, which development takes', (name, value) => {
    loadConfig({ ...live, PAYMENT_PROVIDER: 'stripe', [name]: value });
    expect(faultsOf({ ...stripe, [name]: value })).toEqual([
      { variable: name, problem: expect.stringContaining('refused in production') },
    ]);
  });

  test.each(['DATABASE_URL', 'JWT_SECRET'])('staging misses %s', (name) => {
    expect(faultsOf({ ...staging, [name]: '' }).map((fault) => fault.variable)).toEqual([name]);
  });

  test.each([
    ['CORS_ORIGIN', '*'],
    ['CORS_ORIGIN', 'https://shop.example,*'],
    ['RATE_LIMIT_MAX', '0'],
    ['RATE_LIMIT_ACCOUNT_MAX', '00'],
    ['LOGIN_RATE_LIMIT_MAX', '0'],
    ['LOGIN_RATE_LIMIT_ADDRESS_MAX', '0'],
  ])('refuses %s=%s, which development takes, and says that it is production', (name, value) => {
    loadConfig({ [name]: value });
    expect(faultsOf({ ...production, [name]: value })).toEqual([
      { variable: name, problem: expect.stringContaining('refused in production') },
    ]);
  });

  const weakSecrets = [
    'changemechangemechangemechangeme',
    'secretpasswordsecretpasswordsecretpassword',
    'change-me-to-a-long-random-string-please',
    'your-256-bit-secret-your-256-bit-secret',
    'supersecretjwtkeychangemeinproduction',
    'replace_with_a_32_character_secret_key',
    'abcdefghijklmnopqrstuvwxyz1234567890',
    '0123456789abcdef0123456789abcdef',
    'Tr0ub4dor&3xTr0ub4dor&3xTr0ub4dor',
    'a'.repeat(64),
    'abcdefghi'.repeat(3) + 'ihgfedcba',
  ];
  const stages: Record<string, NodeJS.ProcessEnv> = { production, staging };
  const weakCases = weakSecrets.flatMap((secret) => Object.keys(stages).map((stage) => [secret, stage] as const));
  test.each(weakCases)('JWT_SECRET=%s is too weak for %s', (secret, stage) => {
    loadConfig({ JWT_SECRET: secret });
    expect(faultsOf({ ...stages[stage], JWT_SECRET: secret })).toEqual([
      { variable: 'JWT_SECRET', problem: expect.stringContaining('too weak') },
    ]);
  });

  test.each([
    ['METRICS_TOKEN', 'changemechangeme'],
    ['TEST_PROVIDER_SECRET', 'test-provider-secret'],
    ['ADMIN_PASSWORD', 'password123'],
    ['ADMIN_PASSWORD', 'Password123!'],
  ])('the placeholder %s=%s is refused', (name, value) => {
    const env = { ...production, ADMIN_EMAIL: 'ada@example.com', ADMIN_PASSWORD: 'lovelace-1815', [name]: value };
    expect(faultsOf(env).map((fault) => fault.variable)).toEqual([name]);
  });

  test.each([
    '8f1d0c3b5a7e92466d8b0f1c3e5a79d24b6f8e0a1c3d5f7b9e2a4c6d8f0b1e3a',
    'kJ8s0QwZ3xV5n7Tb2LmRr1YcHf6DgPa9UeXi4oWq+/A=',
    'correct horse battery staple over the lazy brown fox',
    '3f2504e0-4f89-41d3-9a0c-0305e82c3301',
  ])('the random JWT_SECRET=%s is accepted', (secret) => {
    expect(loadConfig({ ...production, JWT_SECRET: secret }).jwtSecret).toBe(secret);
  });
});

describe('the first admin', () => {
  test.each([
    ['ADMIN_PASSWORD', { ADMIN_EMAIL: 'ada@example.com' }],
    ['ADMIN_EMAIL', { ADMIN_PASSWORD: 'lovelace-1815' }],
  ])('misses %s', (name, env) => {
    expect(faultsOf(env)).toEqual([{ variable: name, problem: expect.stringContaining('together with') }]);
  });

  test('may bring the password in a file', () => {
    const env = { ADMIN_EMAIL: 'ada@example.com', ADMIN_PASSWORD_FILE: fileWith('lovelace-1815\n') };
    expect(loadConfig(env).adminPassword).toBe('lovelace-1815');
  });
});

describe('mail', () => {
  test('the server and the sender go together', () => {
    expect(faultsOf({ SMTP_URL: 'smtp://mail.example' })).toMatchObject([{ variable: 'MAIL_FROM' }]);
    expect(faultsOf({ MAIL_FROM: 'shop@shop.example' })).toMatchObject([{ variable: 'SMTP_URL' }]);
  });

  test.each([
    ['shop@shop.example', { name: '', address: 'shop@shop.example' }],
    ['The Shop, Ltd. <shop@shop.example>', { name: 'The Shop, Ltd.', address: 'shop@shop.example' }],
  ])('the sender may have a name: %s', (MAIL_FROM, mailFrom) => {
    expect(loadConfig({ SMTP_URL: 'smtps://u:p%40ss@mail.example:465', MAIL_FROM })).toMatchObject({ mailFrom });
  });
});

describe('a secret from a file', () => {
  test.each(secretNames)('%s_FILE is read', (name) => {
    const shaped: Record<string, string> = {
      STRIPE_SECRET_KEY: `sk_test_${strong}`,
      STRIPE_WEBHOOK_SECRET: `whsec_${strong}`,
      SMTP_URL: 'smtp://mail.example',
      REDIS_URL: 'redis://:pass@cache:6379/1',
    };
    const value = shaped[name] ?? (name.endsWith('_URL') ? databaseUrl : strong);
    const env = {
      SMTP_URL: 'smtps://mail.example',
      MAIL_FROM: 'shop@shop.example',
      ADMIN_EMAIL: 'ada@example.com',
      ADMIN_PASSWORD: strong,
      [name]: '',
      [`${name}_FILE`]: fileWith(value),
    };
    expect(Object.values(loadConfig(env))).toContain(value);
  });

  test.each([
    [`${strong}\n`, strong],
    [`${strong}\r\n`, strong],
    [`${strong}\n\n`, `${strong}\n`],
    [` ${strong} `, ` ${strong} `],
  ])('loses one newline at the end and nothing else (%j)', (content, secret) => {
    expect(loadConfig({ JWT_SECRET_FILE: fileWith(content) }).jwtSecret).toBe(secret);
  });

  test('satisfies production', () => {
    const env = { ...production, JWT_SECRET: '', JWT_SECRET_FILE: fileWith(`${strong}\n`) };
    expect(loadConfig(env).jwtSecret).toBe(strong);
  });

  test.each<[string, NodeJS.ProcessEnv, RegExp]>([
    ['is missing', { JWT_SECRET_FILE: join(folder, 'nowhere') }, /ENOENT/],
    ['is a directory', { JWT_SECRET_FILE: folder }, /EISDIR/],
    ['is empty', { JWT_SECRET_FILE: fileWith('') }, /empty/],
    ['holds only a newline', { JWT_SECRET_FILE: fileWith('\n') }, /empty/],
    [
      'comes beside the variable',
      { JWT_SECRET: strong, JWT_SECRET_FILE: fileWith(strong) },
      /together with JWT_SECRET/,
    ],
    ['holds a bad value', { JWT_SECRET_FILE: fileWith('short') }, /too short/],
  ])('is one fault, even in production, when the file %s', (_, env, problem) => {
    const expected = [{ variable: 'JWT_SECRET_FILE', problem: expect.stringMatching(problem) }];
    expect(faultsOf(env)).toEqual(expected);
    expect(faultsOf({ ...production, JWT_SECRET: '', ...env })).toEqual(expected);
  });
});

describe('a misspelt variable', () => {
  test.each([
    ['RATE_LIMT_MAX', 'RATE_LIMIT_MAX'],
    ['RATE_LIMITS_MAXX', 'RATE_LIMIT_MAX'],
    ['JWT_SERCET', 'JWT_SECRET'],
    ['JWT_SECRET_FIEL', 'JWT_SECRET_FILE'],
    ['DATABSE_URL', 'DATABASE_URL'],
    ['DATABASE_URI', 'DATABASE_URL'],
    ['NODE_EVN', 'NODE_ENV'],
    ['NDOE_EVN', 'NODE_ENV'],
    ['MIGRAET', 'MIGRATE'],
    ['CORS_ORIGINS', 'CORS_ORIGIN'],
    ['LOGIN_RATE_LIMIT_MXA', 'LOGIN_RATE_LIMIT_MAX'],
    ['TRUSTPROXY', 'TRUST_PROXY'],
  ])('%s: did you mean %s?', (name, meant) => {
    expect(faultsOf({ [name]: '1' })).toEqual([{ variable: name, problem: `unknown; did you mean ${meant}?` }]);
  });

  test('does no harm while it is blank', () => {
    expect(loadConfig({ RATE_LIMT_MAX: '' }).rateLimitMax).toBe(100);
  });

  test.each(['NODE_EMVVX', 'MIGRTAES', 'RATE_LIMIT', 'JWT_SECRET_KEY'])('%s is too far from anything', (name) => {
    expect(loadConfig({ [name]: '1' })).toEqual(loadConfig({}));
  });

  test('is not found among the names a real machine has', () => {
    const machine = Object.fromEntries(ordinaryNames().map((name) => [name, 'x']));
    expect(loadConfig(machine)).toEqual(loadConfig({}));
  });
});

describe('.env.example', () => {
  const committed = readFileSync(new URL('../../../.env.example', import.meta.url), 'utf8');

  test('is what the schema renders', () => {
    expect(committed).toBe(renderEnvExample());
  });

  test('names every variable once, and sets no secret', () => {
    const lines = committed.split('\n').filter((line) => /^[A-Z]/.test(line));
    expect(lines.map((line) => line.split('=')[0])).toEqual(names);
    for (const name of secretNames) expect(lines).toContain(`${name}=`);
  });

  test('copied as it stands changes nothing', () => {
    expect(loadConfig(parseEnv(committed))).toEqual(loadConfig({}));
  });

  test('says what production demands', () => {
    const required = committed.split('\n\n').filter((block) => block.includes('required in'));
    expect(required.map((block) => /^[A-Z_]+/m.exec(block)?.[0])).toEqual([
      'PUBLIC_URL',
      'DATABASE_URL',
      'JWT_SECRET',
      'PAYMENT_PROVIDER',
    ]);
    expect(required.filter((block) => block.includes('staging and production'))).toHaveLength(2);
  });
});

describe('a .env file', () => {
  // A process of its own: process.env inside the test runner is a copy that loadEnvFile does not reach.
  const script = `import { loadEnvFile } from ${JSON.stringify(new URL('../env-file.ts', import.meta.url).href)};
    loadEnvFile(process.argv[1]); console.log(JSON.stringify([process.env.PORT, process.env.ROLE, process.env.MIGRATE]));`;
  const run = (path: string) =>
    execFileSync(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script, path], {
      env: { PATH: process.env['PATH'], PORT: '4000', MIGRATE: '' },
      encoding: 'utf8',
    });

  test('adds what is not set', () => {
    expect(JSON.parse(run(fileWith('PORT=5000\nROLE=web\nMIGRATE=off\n')))).toEqual(['4000', 'web', '']);
  });

  test('may be absent', () => {
    expect(JSON.parse(run(join(folder, 'nowhere')))).toEqual(['4000', null, '']);
    expect(loadEnvFile(join(folder, 'nowhere'))).toBeUndefined();
  });
});

let filesWritten = 0;

function fileWith(content: string): string {
  filesWritten += 1;
  const path = join(folder, `file-${filesWritten}`);
  writeFileSync(path, content);
  return path;
}

function faultsOf(env: NodeJS.ProcessEnv) {
  return errorOf(env).faults;
}

function messageOf(env: NodeJS.ProcessEnv): string {
  return errorOf(env).message;
}

function errorOf(env: NodeJS.ProcessEnv): ConfigError {
  try {
    loadConfig(env);
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
  throw new Error('the configuration was accepted');
}

/** From shells, desktops, systemd, containers, Kubernetes, CI, npm and neighbours of an order service. */
function ordinaryNames(): string[] {
  return `
    HOME PATH PWD OLDPWD USER USERNAME LOGNAME SHELL SHLVL TERM TERM_PROGRAM COLORTERM LANG LANGUAGE LC_ALL LC_CTYPE TZ
    EDITOR VISUAL PAGER LESS LS_COLORS MAIL HOSTNAME HOSTTYPE OSTYPE MACHTYPE DISPLAY XAUTHORITY XDG_SESSION_ID
    XDG_RUNTIME_DIR XDG_DATA_DIRS XDG_DATA_HOME XDG_CONFIG_DIRS XDG_CONFIG_HOME XDG_CACHE_HOME XDG_STATE_HOME
    DBUS_SESSION_BUS_ADDRESS SSH_AUTH_SOCK SSH_AGENT_PID SSH_CONNECTION SSH_CLIENT SSH_TTY SUDO_USER SUDO_UID TMPDIR TEMP
    TMP TMP_DIR TEMP_DIR BASE_DIR WORK_DIR CACHE_DIR CONFIG_DIR LOG_DIR LIB_DIR ROOT_DIR HOME_DIR APP_DIR STATE_DIR
    PORTS HOSTS ROLES POST SORT PORT_ HOST_IP HOST_PORT SERVER_PORT APP_PORT HTTP_PORT METRICS_PORT REDIS_PORT
    _ __CF_USER_TEXT_ENCODING __CFBundleIdentifier Apple_PubSub_Socket_Render COMMAND_MODE SECURITYSESSIONID
    APPDATA LOCALAPPDATA PROGRAMDATA ProgramFiles SystemRoot SystemDrive USERPROFILE COMPUTERNAME ComSpec PATHEXT OS
    PROCESSOR_ARCHITECTURE NUMBER_OF_PROCESSORS WINDIR windir
    INVOCATION_ID JOURNAL_STREAM NOTIFY_SOCKET LISTEN_FDS LISTEN_PID MAINPID WATCHDOG_USEC WATCHDOG_PID
    RUNTIME_DIRECTORY STATE_DIRECTORY LOGS_DIRECTORY CREDENTIALS_DIRECTORY CONFIGURATION_DIRECTORY MEMORY_PRESSURE_WATCH
    KUBERNETES_PORT KUBERNETES_SERVICE_HOST KUBERNETES_SERVICE_PORT KUBERNETES_SERVICE_PORT_HTTPS
    KUBERNETES_PORT_443_TCP KUBERNETES_PORT_443_TCP_ADDR WAYBILL_PORT WAYBILL_SERVICE_HOST DATABASE_PORT DATABASE_HOST
    DATABASE_NAME DATABASE_USER DATABASE_SERVICE_HOST DATABASE_SERVICE_PORT METRICS_SERVICE_PORT POD_NAME POD_IP
    POD_NAMESPACE NODE_NAME NODE_IP CONTAINER container DOCKER_HOST COMPOSE_PROJECT_NAME
    NODE NODE_PATH NODE_OPTIONS NODE_VERSION NODE_HOME NODE_DEBUG NODE_EXTRA_CA_CERTS NODE_NO_WARNINGS NODE_APP_INSTANCE
    NODE_CHANNEL_FD NODE_UNIQUE_ID NODE_V8_COVERAGE NODE_TEST_CONTEXT NVM_DIR NVM_BIN NVM_INC FNM_DIR VOLTA_HOME
    PNPM_HOME YARN_VERSION COREPACK_HOME INIT_CWD npm_command npm_config_cache npm_config_loglevel npm_execpath
    npm_lifecycle_event npm_lifecycle_script npm_node_execpath npm_package_json npm_package_name npm_package_version
    PM2_HOME PM2_USAGE PM2_JSON_PROCESSING PM2_DISCRETE_MODE pm_id pm_exec_path exec_mode instances
    CI DEBUG VERBOSE NO_COLOR FORCE_COLOR CLICOLOR VITEST VITEST_MODE VITEST_POOL_ID VITEST_WORKER_ID TEST MODE DEV PROD
    BASE_URL SSR TINYPOOL_WORKER_ID
    GITHUB_ACTIONS GITHUB_TOKEN GITHUB_SHA GITHUB_REF GITHUB_ENV GITHUB_PATH GITHUB_ACTOR GITHUB_JOB GITHUB_RUN_ID
    GITHUB_WORKSPACE GITHUB_REPOSITORY GITHUB_SERVER_URL GITHUB_API_URL GITHUB_GRAPHQL_URL GITHUB_EVENT_NAME RUNNER_OS
    RUNNER_TEMP RUNNER_ARCH RUNNER_TOOL_CACHE ACTIONS_RUNTIME_TOKEN GITLAB_CI CI_COMMIT_SHA CI_JOB_TOKEN
    JAVA_HOME GOPATH GOROOT GOCACHE CARGO_HOME RUSTUP_HOME PYENV_ROOT PYTHONPATH VIRTUAL_ENV CONDA_PREFIX RBENV_ROOT
    GEM_HOME ANDROID_HOME DOTNET_ROOT CC CXX CFLAGS LDFLAGS LD_LIBRARY_PATH PKG_CONFIG_PATH MANPATH INFOPATH
    HTTP_PROXY HTTPS_PROXY NO_PROXY ALL_PROXY http_proxy https_proxy no_proxy SSL_CERT_FILE SSL_CERT_DIR
    PGHOST PGPORT PGUSER PGPASSWORD PGDATABASE PGDATA PGSSLMODE POSTGRES_USER POSTGRES_PASSWORD POSTGRES_DB
    REDIS_HOST MYSQL_HOST MONGO_URL AMQP_URL SMTP_HOST SMTP_PORT SMTP_USER SMTP_PASSWORD
    AWS_REGION AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN GOOGLE_APPLICATION_CREDENTIALS AZURE_CLIENT_ID
    OTEL_SERVICE_NAME OTEL_LOG_LEVEL SENTRY_DSN DD_ENV DD_SERVICE DD_VERSION LOG_FORMAT
    LOG_FILE RUST_LOG PUBLIC_IP PUBLIC_DIR API_URL APP_ENV APP_URL APP_SECRET API_TOKEN ADMIN_TOKEN SESSION_SECRET
    STRIPE_PUBLISHABLE_KEY JWT_PUBLIC_KEY JWT_ISSUER JWT_AUDIENCE DYNO PORT_NUMBER FLY_APP_NAME RENDER RAILWAY_ENVIRONMENT
    K_SERVICE K_REVISION WEBSITE_SITE_NAME VSCODE_PID VSCODE_IPC_HOOK VSCODE_GIT_ASKPASS_NODE GIT_ASKPASS GIT_EDITOR
    GPG_AGENT_INFO WSL_DISTRO_NAME WSLENV WT_SESSION TMUX STY MOTD_SHOWN HISTSIZE HISTFILE PS1 PROMPT_COMMAND LINES COLUMNS
  `
    .trim()
    .split(/\s+/);
}
