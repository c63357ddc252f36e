/** How a process shows that it is alive, and compares its clock with the store's. */
// Any error fails a test, so errors have no types here.
// @effect-diagnostics anyUnknownInErrorContext:off
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import { beforeEach, describe, expect, it } from "vitest"
import { Presence } from "../../../src/ratelimit/distributed/presence.js"
import type { TurnStore } from "./engines.js"
import * as VirtualClock from "../../support/VirtualClock.js"
import { SimulatedStore } from "./SimulatedStore.js"
import { openProcess } from "./World.js"

const lease = 15_000

describe("the presence of a process", () => {
  let now = 0
  /** Milliseconds of a call, and the clock of the store. */
  let roundTrip = 0
  let ahead = 0
  let alive = new Set<string>()
  let requestedTurns: ReadonlyArray<string> = []
  let lostAt: number | undefined
  let events: Array<string> = []
  let presence: Presence

  const refreshStore: TurnStore["refresh"] = (process) =>
    Effect.sync(() => {
      const wasAlive = alive.has(process)
      alive.add(process)
      now += roundTrip
      return { wasAlive, requestedTurns, time: now - roundTrip / 2 + ahead }
    })

  const refresh = () => Effect.runSync(presence.refresh)

  beforeEach(() => {
    now = 1000
    roundTrip = 0
    ahead = 500
    alive = new Set()
    requestedTurns = []
    lostAt = undefined
    events = []
    presence = new Presence({
      store: {
        refresh: refreshStore,
        lostAt: () => Effect.succeed(lostAt),
      } as Partial<TurnStore> as TurnStore,
      name: "p",
      lease,
      now: () => now,
      onLeaseExpired: () => events.push("lease expired"),
      onStoreDataLost: () => events.push("loss"),
      onTurnsRequested: (keys) => events.push(...keys),
    })
    refresh()
  })

  it("lasts for most of the lease, and is due in time", () => {
    expect(presence).toMatchObject({ process: "p.0", aliveUntil: 1000 + 14_000, clockOffset: 500 })
    expect([5999, 6000].map((at) => presence.isRefreshDue(at))).toEqual([false, true])
    now = 14_000
    refresh()
    expect(presence).toMatchObject({ process: "p.0", aliveUntil: 28_000 })
    expect(events).toEqual([])
  })

  it("goes on as a new generation once the others may have taken the process for dead", () => {
    alive.clear()
    now = 15_000
    refresh()
    expect(presence).toMatchObject({ process: "p.1", aliveUntil: 29_000 })
    expect([...alive]).toEqual(["p.0", "p.1"])
    expect(events).toEqual(["lease expired"])
    refresh()
    expect(events).toEqual(["lease expired"])
  })

  it("is the same although it is late, if the store still knows the process", () => {
    now = 15_000
    refresh()
    expect(presence.process).toBe("p.0")
    expect(events).toEqual([])
  })

  it("that the store has lost in time is a loss of the store", () => {
    alive.clear()
    expect(presence.lostTurnsValidUntil).toBe(Number.NEGATIVE_INFINITY)
    lostAt = 9000
    now = 14_999
    refresh()
    expect(presence.process).toBe("p.0")
    expect(events).toEqual(["loss"])
    expect(presence.lostTurnsValidUntil).toBe(9000 - 500 + lease)
  })

  it("comes with what others ask of the process", () => {
    requestedTurns = ["1:a", "2:b"]
    refresh()
    expect(events).toEqual(["1:a", "2:b"])
  })

  it("keeps the best comparison of the clocks, which gets worse with time", () => {
    roundTrip = 100
    ahead = 700
    refresh()
    expect(presence).toMatchObject({ clockOffset: 500, maxClockError: 2.5 })
    roundTrip = 10
    refresh()
    expect(presence).toMatchObject({ clockOffset: 700, maxClockError: 5 })
  })

  it("compares the clocks anew after a reconnection, as the store may be another one", () => {
    roundTrip = 100
    ahead = 700
    now = 5000
    presence.onReconnect()
    refresh()
    expect(presence).toMatchObject({ clockOffset: 700, maxClockError: 50, connectedSince: 5000 })
  })
})

it("processes with the same Random have different names", () =>
  Effect.gen(function* () {
    const { store } = new SimulatedStore(yield* Effect.clock)
    const names = new Set<string>()
    const refresh: TurnStore["refresh"] = (process, time) =>
      Effect.suspend(() => {
        names.add(process)
        return store.refresh(process, time)
      })
    for (const index of [0, 1]) {
      const random = Random.make("seed")
      yield* Effect.withRandom(openProcess({ ...store, refresh }, index), random)
    }
    expect(names.size).toBe(2)
  }).pipe(Effect.scoped, VirtualClock.runPromise))
