/**
 * Whether the SDK tells the truth on a bad network: real sockets, every client, a server whose faults
 * follow a seed. Exits with 1 if the bar is missed.
 *
 *     npm run bench:chaos                              100 000 sends on each client, about 10 min
 *     npm run bench:chaos -- --sends 2000 --seed 7     fewer, and other faults
 *     npm run bench:chaos -- --client NodeDiscord      the clients whose name contains this
 */
import { fork } from "node:child_process"
import type { ChildProcess } from "node:child_process"
import { resolve } from "node:path"
import { parseArgs } from "node:util"
import * as Effect from "effect/Effect"
import { count, holds } from "./chaos/ledger.js"
import type { Counts, Entry } from "./chaos/ledger.js"
import { clients, run } from "./chaos/run.js"
import type { Begin } from "./chaos/server.js"
import { table } from "./simulation/table.js"

const { values } = parseArgs({
  options: {
    sends: { type: "string", default: "100000" },
    seed: { type: "string", default: "1" },
    client: { type: "string", default: "" },
  },
})
const sends = Number(values.sends)
const seed = Number(values.seed)
const timeout = 1000

function hear<A>(child: ChildProcess): Promise<A> {
  return new Promise((done) => child.once("message", (text) => done(text as A)))
}

const server = fork(resolve(import.meta.dirname, "chaos/server.js"))
const port = await hear<number>(server)
const rows: Array<readonly [string, Counts]> = []
for (const [name, client] of Object.entries(clients)) {
  if (!name.includes(values.client)) continue
  const begun = hear(server)
  server.send({ seed, sends, timeout } satisfies Begin)
  await begun
  const ran = await Effect.runPromise(run({ client, port, seed, sends, timeout }))
  const ledger = hear<ReadonlyArray<Entry>>(server)
  server.send("report")
  rows.push([name, count(ran.results, await ledger, ran.stillCounted)])
}
server.disconnect()

console.log(
  table(
    [
      "client",
      "sends",
      "posted",
      "lost",
      "doubled",
      'false "no"',
      'false "yes"',
      "unsettled",
    ].concat(["in doubt", "never left", "bar"]),
    rows.map(([name, counts]) => [
      name,
      ...Object.values(counts).map(String),
      holds(counts) ? "holds" : "missed",
    ]),
  ),
)
if (rows.length === 0 || !rows.every(([, counts]) => holds(counts))) process.exitCode = 1
