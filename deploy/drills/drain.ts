// Processes are replaced, again and again, while 64 customers order on kept-alive connections: nobody notices.
import { drill, type Drill } from './support/drill.ts';
import { judge, placeOrders } from './support/load.ts';
import { until } from './support/processes.ts';
import { build, environment, openShop, startPostgres, startServer } from './support/world.ts';

const ways: Record<string, (here: Drill) => Promise<void>> = { workers };

await drill({ name: 'drain', parts: Object.keys(ways) }, async (here) => {
  build();
  for (const part of here.parts) await ways[part]?.(here);
});

/** WORKERS=2, reloaded by SIGHUP. */
async function workers(here: Drill): Promise<void> {
  const { isShort, check, say } = here;
  const [reloads, orders] = isShort ? [2, 1_000] : [8, 10_000];
  const postgres = await startPostgres(here);
  const fleet = await startServer(here, { ...environment(postgres.server.url), WORKERS: '2' });
  const load = placeOrders(here, fleet.url, await openShop(fleet.url));
  const said = (text: string) => fleet.log.filter((line) => line.includes(text)).length;
  for (let reload = 1; reload <= reloads || load.sent() < orders; reload++) {
    fleet.child.kill('SIGHUP');
    await until(`reload ${reload} is over`, () => said('"msg":"reloaded"') >= reload);
    say(`reload ${reload}: ${load.sent()} orders sent`);
  }
  await load.end();
  await judge(here, postgres, load);
  check('SIGTERM ends the fleet with 0', (await fleet.stop()) === 0);
}
