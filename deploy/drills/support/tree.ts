// A copy of the sources, as one would unpack them on a server; a drill may break it, and builds it like any other.
import { cp, mkdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { Drill } from './drill.ts';
import { build, root } from './world.ts';

/** What is needed to build and to run. */
const parts = ['app.ts', 'server.ts', 'modules', 'shared', 'scripts', 'deploy', 'package.json', 'package-lock.json', 'tsconfig.json', 'tsconfig.build.json']; // prettier-ignore

export async function copySources(to: string): Promise<void> {
  await mkdir(to, { recursive: true });
  for (const part of parts) await cp(join(root, part), join(to, part), { recursive: true });
}

/** A file of deploy/drills/bugs takes the place of one of the tree. */
export async function plantBugs(tree: string, broken: string | null): Promise<void> {
  if (broken !== 'bare-close') return;
  await cp(join(root, 'deploy/drills/bugs/bare-close.ts'), join(tree, 'shared/lifecycle/http-drain.ts'));
}

/** @returns the folder of the program as it is shipped, built; or with the planted bug */
export async function builtProgram({ broken, folder }: Pick<Drill, 'broken' | 'folder'>): Promise<string> {
  if (broken === null) {
    build();
    return root;
  }
  const tree = join(folder, 'broken');
  await copySources(tree);
  await plantBugs(tree, broken);
  await symlink(join(root, 'node_modules'), join(tree, 'node_modules'));
  build(tree);
  return tree;
}
