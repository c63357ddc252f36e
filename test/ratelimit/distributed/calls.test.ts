/** What a webhook costs that only one process uses. */
// Any error fails a test, so errors have no types here.
// @effect-diagnostics anyUnknownInErrorContext:off
import * as Effect from "effect/Effect"
import { expect, it } from "vitest"
import * as VirtualClock from "../../support/VirtualClock.js"
import { makeWorld } from "./World.js"
import { reactive } from "../model/policies.js"

it("a webhook that one process uses costs at most one call a minute", () =>
  Effect.gen(function* () {
    const { processes, sent, store } = yield* makeWorld({ processes: 2, policy: reactive })
    for (let second = 0; second < 600; second += 1) {
      yield* processes[0]!.send("1", String(second))
      yield* Effect.sleep("1 second")
    }
    expect(sent.length).toBe(600)
    const count = () => (store.calls.get("join") ?? 0) + (store.calls.get("pass") ?? 0)
    const used = count()
    expect(used).toBeLessThanOrEqual(10)
    // Without requests it is given up, and the store forgets it.
    yield* Effect.sleep("10 minutes")
    expect(store.size).toBe(0)
    expect(count()).toBeLessThanOrEqual(used + 1)
  }).pipe(Effect.scoped, VirtualClock.runPromise))
