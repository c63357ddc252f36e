/**
 * A process that stores entries in an SQLite file and sends others, beside its equals:
 * `sqliteWriter.ts FILE NAME COUNT`. It prints one line for each stored entry, or is killed.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { Outbox } from "../../src/outbox/index.js"
import { SqliteOutbox } from "../../src/sqlite/index.js"
import { claim, put, release, send } from "./storeSteps.js"

const [, , filename = "", name = "", count = "0"] = process.argv

const main = Effect.gen(function* () {
  const resolve = () => Effect.dieMessage("no token is needed")
  const layer = SqliteOutbox.layer({ filename, tablePrefix: "o_", tokens: { resolve } })
  const { store } = Context.get(yield* Layer.build(layer), Outbox.Engine)
  for (let n = 0; n < Number(count); n += 1) {
    yield* put(store, [`${name}-${n}`], { webhook: `${100 + (n % 5)}`, key: `${name}-${n}` })
    process.stdout.write(`${name}-${n}\n`)
    for (const queue of yield* claim(store, name, 1, 1)) {
      for (const { id, state } of queue.entries) {
        if (state === "ready") yield* send(store, name, queue, id)
      }
      yield* release(store, name, queue)
    }
  }
})

await Effect.runPromise(Effect.scoped(main))
