// Where the code of others comes from: the lockfile against its rules, and a bill of materials of production (reports/sbom.cdx.json).
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { lockFaults, productionPackages, type Lockfile, type Manifest } from './lockfile.ts';

type Bill = { components?: { name: string; group?: string; version: string }[] };

const manifest = JSON.parse(readFileSync('package.json', 'utf8')) as Manifest;
const lockfile = JSON.parse(readFileSync('package-lock.json', 'utf8')) as Lockfile;
const faults = lockFaults(manifest, lockfile);

// Everything: with --omit=dev npm 11 leaves out what production and development both use, zod for one. It marks what is for development.
const args = ['sbom', '--sbom-format', 'cyclonedx', '--package-lock-only'];
const { stdout } = spawnSync('npm', args, { encoding: 'utf8', maxBuffer: 2 ** 26 });
const bill = JSON.parse(stdout) as Bill;
const listed = new Set((bill.components ?? []).map(({ name, group, version }) => `${group === undefined ? '' : `${group}/`}${name}@${version}`)); // prettier-ignore
const deployed = productionPackages(lockfile);
faults.push(...deployed.filter((one) => !listed.has(one)).map((one) => `${one} is not in the bill of materials`));
mkdirSync('reports', { recursive: true });
writeFileSync('reports/sbom.cdx.json', stdout);

for (const fault of faults) process.stderr.write(`${fault}\n`);
process.stdout.write(`${Object.keys(lockfile.packages).length - 1} packages, ${deployed.length} of them in production, ${listed.size} in the bill of materials; ${faults.length} faults\n`); // prettier-ignore
process.exitCode = faults.length > 0 ? 1 : 0;
