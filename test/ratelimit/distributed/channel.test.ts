/** Webhooks of one channel share a limit that no header shows; here, processes send to them as well. */
// A test fails with whatever its processes fail with.
// @effect-diagnostics anyUnknownInErrorContext:off
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Logger from "effect/Logger"
import * as LogLevel from "effect/LogLevel"
import * as Random from "effect/Random"
import { expect, it } from "vitest"
import * as VirtualClock from "../../support/VirtualClock.js"
import { makeWorld } from "./World.js"
import { learning } from "../model/policies.js"

const count = 150
/** The fifth window of a minute begins after four, and ends with its thirtieth message. */
const optimum = 240_000

const play = (webhooks: ReadonlyArray<string>, processes: number, seed: number) =>
  Effect.gen(function* () {
    const world = yield* makeWorld({
      processes,
      policy: learning,
      faults: { delay: 4, loss: 0 },
      server: { channel: { limit: 30, window: 60_000 } },
    })
    const fibers: Array<Fiber.RuntimeFiber<void, unknown>> = []
    for (let index = 0; index < count; index += 1) {
      const process = world.processes[index % processes]
      const webhook = webhooks[index % webhooks.length]
      if (process === undefined || webhook === undefined) continue
      fibers.push(yield* process.send(webhook, String(index)))
      yield* Effect.sleep(7)
    }
    yield* Fiber.joinAll(fibers)
    return { refused: world.server.refused, accepted: world.server.accepted }
  }).pipe(
    Effect.scoped,
    Effect.withRandom(Random.make(seed)),
    Logger.withMinimumLogLevel(LogLevel.None),
    (program) => VirtualClock.runPromise(program),
  )

it("one process learns the limit of a webhook for all of them", async () => {
  for (const seed of [1, 2, 3]) {
    const { elapsed, value } = await play(["1"], 3, seed)
    expect(value.accepted).toBe(count)
    expect(value.refused).toBeLessThanOrEqual(1)
    expect(elapsed).toBeLessThanOrEqual(1.1 * optimum)
  }
})

it("webhooks of one channel that several processes use get few 429s, and lose no time", async () => {
  for (const seed of [1, 2, 3]) {
    const { elapsed, value } = await play(["1", "2", "3"], 2, seed)
    expect(value.accepted).toBe(count)
    // A process learns of requests to another webhook of the channel only with that webhook's turn.
    expect(value.refused).toBeLessThanOrEqual(10)
    expect(elapsed).toBeLessThanOrEqual(1.1 * optimum)
  }
})
