// A deadline for work that has none of its own.

/** Rejects when `work` is not done in time; it is not stopped, only no longer waited for. */
export async function within<T>(timeoutMs: number, work: () => Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    // A busy process is late itself: what has arrived meanwhile is read before it is given up.
    timer = setTimeout(() => setImmediate(() => reject(new Error(`not done within ${timeoutMs} ms`))), timeoutMs);
  });
  try {
    return await Promise.race([work(), late]);
  } finally {
    clearTimeout(timer);
  }
}
