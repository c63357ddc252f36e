/** What one process learns about a deleted webhook, all that use it know. */
// Any error fails a test, so errors have no types here.
// @effect-diagnostics anyUnknownInErrorContext:off
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Logger from "effect/Logger"
import * as LogLevel from "effect/LogLevel"
import { expect, it } from "vitest"
import { deleted, ok, route } from "../responses.js"
import * as VirtualClock from "../../support/VirtualClock.js"
import { makeWorld } from "./World.js"
import { reactive } from "../model/policies.js"

it("requests of all processes fail without a request once one has seen that a webhook is gone", () =>
  Effect.gen(function* () {
    const world = yield* makeWorld({
      processes: 4,
      policy: reactive,
      faults: { delay: 5, loss: 0 },
    })
    let sent = 0
    const send = (index: number, webhookId: string) => {
      const { clock, limiter } = world.processes[index]!
      return limiter
        .withPermit(route({ webhookId }), { policy: reactive }, (permit) => {
          if (webhookId === "gone") sent += 1
          return Effect.zipRight(
            Effect.sleep("1 second"),
            permit.settle(webhookId === "gone" ? deleted() : ok()),
          )
        })
        .pipe(Effect.withClock(clock))
    }
    const first = yield* Effect.fork(send(0, "gone"))
    yield* Effect.sleep("100 millis")
    const others = yield* Effect.forEach([0, 1, 1, 2, 3], (index) =>
      Effect.fork(Effect.exit(send(index, "gone"))),
    )
    yield* Fiber.join(first)
    const exits = yield* Fiber.join(Fiber.all(others))
    for (const exit of exits) {
      expect(Exit.isFailure(exit)).toBe(true)
      expect(String(exit)).toContain("Unknown Webhook")
    }
    // Requests that come later fail as well, and other webhooks are not affected.
    expect(String(yield* Effect.exit(send(2, "gone")))).toContain("Unknown Webhook")
    yield* Effect.all([send(1, "alive"), send(2, "alive")], { concurrency: "unbounded" })
    expect(sent).toBe(1)
  }).pipe(Effect.scoped, Logger.withMinimumLogLevel(LogLevel.None), VirtualClock.runPromise))
