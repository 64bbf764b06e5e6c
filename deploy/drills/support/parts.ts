// A drill of several parts: each has its own folder and leaves nothing behind for the next; one that fails or lacks a program does not stop the others.
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Skip, type Drill } from './drill.ts';

export async function tryParts(drill: Drill, ways: Record<string, (here: Drill) => Promise<void>>): Promise<void> {
  for (const part of drill.parts) {
    drill.say(`── ${part}`);
    await tryPart(drill, part, ways[part] ?? (() => Promise.resolve()));
  }
}

async function tryPart(drill: Drill, part: string, way: (here: Drill) => Promise<void>): Promise<void> {
  const folder = join(drill.folder, part);
  await mkdir(folder);
  const undos: Parameters<Drill['onEnd']>[0][] = [];
  const undoAll = async () => {
    for (const undo of undos.splice(0).toReversed()) await undo();
  };
  drill.onEnd(undoAll); // if we are stopped half-way
  try {
    await way({ ...drill, folder, onEnd: (undo) => void undos.push(undo) });
  } catch (error) {
    const isOnlySkipped = error instanceof Skip && drill.parts.length > 1 && process.env['CI_DRILLS'] !== 'required';
    if (error instanceof Skip && !isOnlySkipped) throw error;
    if (isOnlySkipped) drill.say(`SKIP ${part} (${error.message})`);
    else drill.check(`${part}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`, false);
  } finally {
    await undoAll();
  }
}
