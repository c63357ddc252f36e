/** A process dies that was the only one to use a webhook. */
// A test fails with whatever its processes fail with.
// @effect-diagnostics anyUnknownInErrorContext:off
import * as Effect from "effect/Effect"
import { expect, it } from "vitest"
import * as VirtualClock from "../../support/VirtualClock.js"
import { literal } from "../model/policies.js"
import { makeWorld } from "./World.js"

it("what it has learned is known to the process that continues", () =>
  Effect.gen(function* () {
    const { processes, sent } = yield* makeWorld({
      processes: 2,
      policy: literal,
      // Both routes count together, and the window is longer than the lease of a process.
      server: { limit: 1, window: 30_000, hash: "shared" },
    })
    const [first, second] = [processes[0]!, processes[1]!]
    yield* first.send("1", "a")
    yield* Effect.sleep("40 seconds")
    yield* first.send("1", "b", "PATCH")
    yield* Effect.sleep("40 seconds")
    yield* first.send("1", "c")
    yield* Effect.sleep("1 second")
    first.clock.freeze()
    yield* second.send("1", "d", "PATCH")
    yield* second.send("1", "e")
    yield* Effect.sleep("5 minutes")
    // So that its limiter closes.
    first.clock.thaw()
    expect(sent.map(({ label, status }) => `${label} ${status}`)).toEqual([
      "a 200",
      "b 200",
      "c 200",
      "d 200",
      "e 200",
    ])
  }).pipe(Effect.scoped, VirtualClock.runPromise))
