/** A program that uses the limiter, does not dispose of its runtime, and has nothing else to do. */
import * as Effect from "effect/Effect"
import * as ManagedRuntime from "effect/ManagedRuntime"
import { RateLimiter } from "../../../src/index.js"
import type { Outcome } from "../../../src/ratelimit/Permit.js"
import { deleted, ok, route } from "../responses.js"
import { proactive } from "../model/policies.js"

const runtime = ManagedRuntime.make(RateLimiter.layerMemory)

const send = (webhookId: string, outcome: Outcome) =>
  Effect.flatMap(RateLimiter.RateLimiter, (limiter) =>
    limiter.withPermit(route({ webhookId }), { policy: proactive }, (permit) =>
      permit.settle(outcome),
    ),
  )

await runtime.runPromise(Effect.zipRight(send("1", ok()), send("2", deleted())))

// Read after the loop has turned, because a timer that is cancelled is listed until then.
setImmediate(() => {
  const timers = process.getActiveResourcesInfo().filter((name) => name === "Timeout")
  console.log(timers.length)
  process.exit()
})
