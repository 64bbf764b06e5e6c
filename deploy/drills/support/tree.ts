// A copy of the sources, as one would unpack them on a server; a drill may break it, and builds it like any other.
import { cp, mkdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { Drill } from './drill.ts';
import { build, root } from './world.ts';

/** What is needed to build and to run. */
const parts = ['app.ts', 'server.ts', 'modules', 'shared', 'scripts', 'deploy', 'package.json', 'package-lock.json', 'tsconfig.json', 'tsconfig.build.json']; // prettier-ignore

/** @param bugs file of the tree → the file of deploy/drills/bugs that takes its place */
export async function copySources(to: string, bugs: Record<string, string> = {}): Promise<void> {
  await mkdir(to, { recursive: true });
  for (const part of parts) await cp(join(root, part), join(to, part), { recursive: true });
  for (const [file, bug] of Object.entries(bugs)) await cp(join(root, 'deploy/drills/bugs', bug), join(to, file));
}

/** @returns the folder of the program as it is shipped, built; or with the planted bug */
export async function builtProgram({ broken, folder }: Pick<Drill, 'broken' | 'folder'>): Promise<string> {
  if (broken === null) {
    build();
    return root;
  }
  const tree = join(folder, 'broken');
  await copySources(tree, bugsOf(broken));
  await symlink(join(root, 'node_modules'), join(tree, 'node_modules'));
  build(tree);
  return tree;
}

export const bugsOf = (broken: string | null): Record<string, string> =>
  broken === 'bare-close' ? { 'shared/lifecycle/http-drain.ts': 'bare-close.ts' } : {};
