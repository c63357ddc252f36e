/** The rules of a `TurnStore`, for the simulated one and for Redis. */
// A test fails with whatever its processes fail with.
// @effect-diagnostics anyUnknownInErrorContext:off
import * as Array from "effect/Array"
import * as Effect from "effect/Effect"
import * as Queue from "effect/Queue"
import type * as Scope from "effect/Scope"
import { describe, expect, it } from "vitest"
import { engines, inboxOf } from "./engines.js"
import type { Reply, TurnStore } from "./engines.js"

const ttl = 60_000
const endless = Number.POSITIVE_INFINITY

const turn = (reply: Reply) => {
  if (reply._tag !== "Turn") throw new Error(`no turn: ${JSON.stringify(reply)}`)
  return reply.turn
}

const waiting = (reply: Reply) => {
  if (reply._tag !== "Waiting") throw new Error(`a turn: ${JSON.stringify(reply)}`)
  return reply
}

let lastSequence = 0

/** The calls of one process for one webhook. */
const callsOf = (store: TurnStore) => (process: string, key: string) => {
  const at = { key, process, ttl }
  const pass = (how: "give" | "keep" | "leave") => (epoch: number, state: string) =>
    store.pass({ ...at, epoch, state, how })
  return {
    /** With a sequence after all others. */
    join: Effect.suspend(() => {
      const sequence = (lastSequence += 10)
      return Effect.map(store.join({ ...at, sequences: [sequence] }), (reply) => ({
        ...reply,
        sequence,
      }))
    }),
    joinAt: (...sequences: ReadonlyArray<number>) => store.join({ ...at, sequences }),
    poll: store.join({ ...at, sequences: [] }),
    give: pass("give"),
    keep: pass("keep"),
    leave: pass("leave"),
    takeOver: (owner: string, epoch: number) => store.takeOver({ ...at, owner, epoch }),
    withdraw: (used = 0) => store.withdraw({ ...at, used }),
  }
}

type Calls = ReturnType<ReturnType<typeof callsOf>>

interface Setting {
  readonly store: TurnStore
  readonly at: (process: string, key?: string) => Calls
  readonly p: Calls
  readonly q: Calls
  readonly r: Calls
}

const sequenceOf = (join: Calls["join"]) => Effect.map(join, ({ sequence }) => sequence)

for (const { isAvailable, make, name, seesAll } of engines) {
  const rule = (
    title: string,
    test: (setting: Setting) => Effect.Effect<void, unknown, Scope.Scope>,
    isApplicable = true,
  ) =>
    it.skipIf(!isAvailable || !isApplicable)(title, () =>
      Effect.flatMap(make, (store) => {
        const calls = callsOf(store)
        const at = (process: string, key = "1:a") => calls(process, key)
        return test({ store, at, p: at("p.0"), q: at("q.0"), r: at("r.0") })
      }).pipe(Effect.scoped, Effect.runPromise),
    )

  describe(`a queue in a store: ${name}`, () => {
    rule("the first process gets the turn, and needs no place in the queue", ({ p }) =>
      Effect.gen(function* () {
        const { epoch, isUncertain, state, until } = turn(yield* p.join)
        expect({ isUncertain, state, until }).toEqual({
          isUncertain: false,
          state: undefined,
          until: endless,
        })
        expect(turn(yield* p.give(epoch, "state"))).toMatchObject({ epoch, until: endless })
      }),
    )

    rule("epochs increase", ({ p, q }) =>
      Effect.gen(function* () {
        const first = turn(yield* p.join)
        yield* q.join
        const second = waiting(yield* p.give(first.epoch, ""))
        yield* p.join
        const third = waiting(yield* q.give(second.epoch, ""))
        const numbers = [first.epoch, second.epoch, third.epoch]
        expect(numbers).toEqual([...new Set(numbers)].sort((one, other) => one - other))
        expect(numbers.every(Number.isSafeInteger)).toBe(true)
      }),
    )

    rule("webhooks do not affect each other", ({ at, p }) =>
      Effect.gen(function* () {
        turn(yield* p.join)
        turn(yield* at("q.0", "2:a").join)
        turn(yield* at("q.0", "1:b").join)
      }),
    )

    rule("a process that polls gets no place", ({ p, q, r }) =>
      Effect.gen(function* () {
        const { epoch } = turn(yield* p.join)
        expect(waiting(yield* q.poll).owner).toBe("p.0")
        yield* r.join
        expect(waiting(yield* p.give(epoch, "")).owner).toBe("r.0")
      }),
    )

    rule("nobody has the turn if nobody waits", ({ p }) =>
      Effect.gen(function* () {
        expect(waiting(yield* p.poll)).toMatchObject({ owner: undefined, epoch: 0, isLost: false })
      }),
    )

    rule("a process that joins again keeps its place", ({ p, q, r }) =>
      Effect.gen(function* () {
        const { epoch } = turn(yield* p.join)
        const first = yield* sequenceOf(q.join)
        yield* r.join
        yield* q.joinAt(first)
        yield* q.joinAt(first)
        const given = waiting(yield* p.give(epoch, ""))
        expect(given.owner).toBe("q.0")
        // One place only: the turn goes on to the next.
        expect(waiting(yield* q.give(given.epoch, "")).owner).toBe("r.0")
      }),
    )

    rule("the place of a request is that of its arrival, however late it joins", ({ p, q, r }) =>
      Effect.gen(function* () {
        const first = yield* p.join
        yield* q.join
        yield* r.joinAt(first.sequence)
        expect(waiting(yield* p.give(turn(first).epoch, "")).owner).toBe("r.0")
      }),
    )

    rule("of requests with the same sequence, one is first", ({ p, q, r }) =>
      Effect.gen(function* () {
        const { epoch } = turn(yield* p.join)
        yield* q.joinAt(7, 8)
        yield* r.joinAt(7)
        const given = waiting(yield* p.give(epoch, ""))
        expect(given.owner).toBe("q.0")
        expect(turn(yield* q.joinAt(7)).until).toBe(8)
        const next = waiting(yield* q.give(given.epoch, ""))
        expect(next.owner).toBe("r.0")
        expect(turn(yield* r.poll).until).toBe(8)
      }),
    )

    rule("the next generation takes the places of all earlier ones", ({ at, p, q }) =>
      Effect.gen(function* () {
        const { epoch } = turn(yield* p.join)
        const known = [yield* sequenceOf(at("r.0").join), yield* sequenceOf(at("r.1").join)]
        yield* q.join
        yield* at("r.2").joinAt(...known)
        const given = waiting(yield* p.give(epoch, ""))
        expect(given.owner).toBe("r.2")
        expect(waiting(yield* at("r.2").give(given.epoch, "")).owner).toBe("q.0")
        expect(turn(yield* q.poll).until).toBe(endless)
      }),
    )

    rule("a thousand requests wait in order", ({ p, q, r }) =>
      Effect.gen(function* () {
        const { epoch } = turn(yield* p.join)
        const others = yield* Effect.replicateEffect(sequenceOf(q.join), 999)
        const last = yield* sequenceOf(r.join)
        expect(others).toEqual([...others].sort((one, other) => one - other))
        yield* q.joinAt(...others)
        const given = waiting(yield* p.give(epoch, ""))
        expect(given.owner).toBe("q.0")
        expect(turn(yield* q.poll).until).toBe(last)
        const next = waiting(yield* q.give(given.epoch, ""))
        expect(next.owner).toBe("r.0")
        expect(turn(yield* r.poll).until).toBe(endless)
      }),
    )
  })

  describe(`turns in a store: ${name}`, () => {
    rule(
      "a turn goes to the next with the state, up to the first request of another",
      ({ p, q, store }) =>
        Effect.gen(function* () {
          const messages = yield* inboxOf(store, "q")
          const { epoch } = turn(yield* p.join)
          yield* q.join
          yield* q.join
          const third = yield* sequenceOf(p.join)
          yield* q.join
          const given = waiting(yield* p.give(epoch, "the state"))
          expect(given).toMatchObject({ owner: "q.0", isLost: false })
          expect(given.epoch).toBeGreaterThan(epoch)
          const expected = {
            epoch: given.epoch,
            until: third,
            state: "the state",
            isUncertain: false,
          }
          expect(yield* Queue.take(messages)).toEqual({
            _tag: "Turn",
            key: "1:a",
            process: "q.0",
            turn: expected,
          })
          // The message may be lost: a poll has the same.
          expect(turn(yield* q.poll)).toEqual(expected)
          expect(waiting(yield* q.give(given.epoch, "")).owner).toBe("p.0")
        }),
    )

    rule("the second process waits, and the first is told each time", ({ p, q, store }) =>
      Effect.gen(function* () {
        const messages = yield* inboxOf(store, "p")
        turn(yield* p.join)
        const until = yield* sequenceOf(q.join)
        yield* q.poll
        const wanted = { _tag: "Wanted", key: "1:a", until }
        expect([...(yield* Queue.takeN(messages, 2))]).toEqual([wanted, wanted])
      }),
    )

    rule("a process keeps the turn although others wait, and stores its state", ({ p, q }) =>
      Effect.gen(function* () {
        const { epoch } = turn(yield* p.join)
        const until = yield* sequenceOf(q.join)
        expect(turn(yield* p.keep(epoch, "kept"))).toEqual({
          epoch,
          until,
          state: "kept",
          isUncertain: false,
        })
        expect(waiting(yield* q.poll).owner).toBe("p.0")
      }),
    )

    rule("a process whose own request is first keeps the turn when it gives it", ({ p, q, r }) =>
      Effect.gen(function* () {
        const { epoch } = turn(yield* p.join)
        yield* q.join
        const until = yield* sequenceOf(r.join)
        const newer = epoch + 5_000_000_000
        expect(turn(yield* q.give(newer, "newer"))).toMatchObject({ epoch: newer, until })
      }),
    )

    rule("without the turn of this epoch nothing is stored", ({ p, q }) =>
      Effect.gen(function* () {
        const { epoch } = turn(yield* p.join)
        yield* q.join
        const given = waiting(yield* p.give(epoch, "good"))
        for (const how of ["give", "keep", "leave"] as const) {
          const lost = { isLost: true, owner: "q.0", epoch: given.epoch }
          expect(waiting(yield* p[how](epoch, "old"))).toMatchObject(lost)
          // The epoch is that of the turn, but the process is another one.
          expect(waiting(yield* p[how](given.epoch, "stolen"))).toMatchObject(lost)
        }
        expect(turn(yield* q.poll)).toMatchObject({ epoch: given.epoch, state: "good" })
      }),
    )

    rule("a turn that the store has lost ends one of which no state was stored", ({ p, q }) =>
      Effect.gen(function* () {
        // The store loses everything while `p` has a turn; `q` gets one of a later epoch.
        const { epoch } = turn(yield* q.join)
        const lost = epoch - 1
        expect(turn(yield* p.keep(lost, "lost"))).toMatchObject({ epoch: lost, state: "lost" })
        expect(waiting(yield* q.join)).toMatchObject({ owner: "p.0", epoch: lost })
        const given = waiting(yield* p.give(lost, "given"))
        expect(given.owner).toBe("q.0")
        expect(given.epoch).toBeGreaterThan(epoch)
        expect(waiting(yield* p.keep(lost, "old")).isLost).toBe(true)
        expect(turn(yield* q.poll).state).toBe("given")
      }),
    )

    rule("a newer epoch wins, because the store has lost it", ({ p, q }) =>
      Effect.gen(function* () {
        const { epoch } = turn(yield* p.join)
        yield* q.join
        const newer = epoch + 5_000_000_000
        const kept = turn(yield* q.keep(newer, "newer"))
        expect(kept).toMatchObject({ epoch: newer, state: "newer" })
        expect(waiting(yield* p.keep(epoch, "old"))).toMatchObject({ isLost: true, owner: "q.0" })
        // What is issued later is greater still.
        yield* p.join
        expect(waiting(yield* q.give(newer, "")).epoch).toBeGreaterThan(newer)
      }),
    )

    rule("epochs increase although the clock is behind, also in a take-over", ({ p, q }) =>
      Effect.gen(function* () {
        const { epoch } = turn(yield* p.join)
        yield* q.join
        const ahead = epoch + 5_000_000_000
        const given = waiting(yield* p.give(ahead, ""))
        expect(given.epoch).toBeGreaterThan(ahead)
        yield* p.join
        expect(turn(yield* p.takeOver("q.0", given.epoch)).epoch).toBeGreaterThan(given.epoch)
      }),
    )

    rule("an epoch that the store has lost is restored", ({ p, q }) =>
      Effect.gen(function* () {
        expect(turn(yield* p.keep(7, "the state"))).toMatchObject({ epoch: 7, until: endless })
        expect(waiting(yield* q.join)).toMatchObject({ owner: "p.0", epoch: 7 })
      }),
    )

    rule("a process that withdraws has no places any more", ({ p, q, r }) =>
      Effect.gen(function* () {
        const { epoch } = turn(yield* p.join)
        yield* q.join
        yield* r.join
        yield* q.join
        yield* q.withdraw()
        const given = waiting(yield* p.give(epoch, "the state"))
        expect(given.owner).toBe("r.0")
        expect(turn(yield* r.poll)).toMatchObject({ epoch: given.epoch, until: endless })
      }),
    )

    rule(
      "a process that withdraws gives away a turn that it does not know of",
      ({ p, q, r, store }) =>
        Effect.gen(function* () {
          const messages = yield* inboxOf(store, "r")
          const { epoch } = turn(yield* p.join)
          yield* q.join
          yield* r.join
          const given = waiting(yield* p.give(epoch, "the state"))
          expect(given.owner).toBe("q.0")
          yield* q.withdraw(epoch)
          const next = turn(yield* r.poll)
          expect(next).toMatchObject({ until: endless, state: "the state", isUncertain: false })
          expect(next.epoch).toBeGreaterThan(given.epoch)
          expect(yield* Queue.take(messages)).toMatchObject({ _tag: "Turn", turn: next })
        }),
    )

    rule("a turn that it has used is uncertain", ({ p, q }) =>
      Effect.gen(function* () {
        const { epoch } = turn(yield* p.join)
        yield* p.keep(epoch, "the state")
        yield* q.join
        yield* p.withdraw(epoch)
        expect(turn(yield* q.poll)).toMatchObject({ state: "the state", isUncertain: true })
      }),
    )

    rule("a process that withdraws leaves the turns of others alone", ({ at, p, q }) =>
      Effect.gen(function* () {
        const { epoch } = turn(yield* p.join)
        yield* q.withdraw(epoch)
        yield* at("p.1").withdraw(epoch)
        yield* at("p.0", "2:a").withdraw(epoch)
        expect(turn(yield* p.poll)).toMatchObject({ epoch, isUncertain: false })
        expect(waiting(yield* at("q.0", "2:a").poll)).toMatchObject({ owner: undefined, epoch: 0 })
      }),
    )

    rule("a process that leaves has neither turn nor places", ({ p, q }) =>
      Effect.gen(function* () {
        const { epoch } = turn(yield* p.join)
        yield* p.joinAt(epoch - 1)
        const left = waiting(yield* p.leave(epoch, "the last state"))
        expect(left).toMatchObject({ owner: undefined, isLost: false })
        expect(turn(yield* q.join)).toMatchObject({ until: endless, state: "the last state" })
      }),
    )

    rule("a process that leaves gives the turn to the next", ({ p, q, store }) =>
      Effect.gen(function* () {
        const messages = yield* inboxOf(store, "q")
        const { epoch } = turn(yield* p.join)
        yield* q.join
        yield* p.join
        const left = waiting(yield* p.leave(epoch, "the last state"))
        expect(left.owner).toBe("q.0")
        expect(yield* Queue.take(messages)).toMatchObject({
          _tag: "Turn",
          turn: { epoch: left.epoch, until: endless, state: "the last state" },
        })
      }),
    )

    rule("the turn of a dead process goes on, uncertain until the next state", ({ p, q, r }) =>
      Effect.gen(function* () {
        const { epoch } = turn(yield* p.join)
        yield* p.keep(epoch, "old")
        yield* q.join
        yield* p.join
        const until = yield* sequenceOf(r.join)
        const taken = turn(yield* q.takeOver("p.0", epoch))
        expect(taken).toMatchObject({ isUncertain: true, state: "old", until })
        expect(turn(yield* q.poll)).toMatchObject({ epoch: taken.epoch, isUncertain: true })
        expect(turn(yield* q.keep(taken.epoch, "new"))).toMatchObject({ isUncertain: false })
        // The dead process has no places any more.
        const given = waiting(yield* q.give(taken.epoch, "new"))
        expect(given.owner).toBe("r.0")
        expect(turn(yield* r.poll)).toMatchObject({ isUncertain: false, until: endless })
      }),
    )

    rule(
      "a take-over by a process that is not the first gives the turn to the first",
      ({ p, q, r, store }) =>
        Effect.gen(function* () {
          const messages = yield* inboxOf(store, "q")
          const { epoch } = turn(yield* p.join)
          yield* q.join
          yield* r.join
          expect(waiting(yield* r.takeOver("p.0", epoch)).owner).toBe("q.0")
          const message = yield* Queue.take(messages)
          expect(message).toMatchObject({ _tag: "Turn", turn: { isUncertain: true } })
        }),
    )

    rule("only the turn that was seen is taken over", ({ p, q }) =>
      Effect.gen(function* () {
        const { epoch } = turn(yield* p.join)
        yield* q.join
        for (const stale of [q.takeOver("p.0", epoch - 1), q.takeOver("r.0", epoch)]) {
          expect(waiting(yield* stale)).toMatchObject({ owner: "p.0", epoch })
        }
        expect(turn(yield* p.poll).isUncertain).toBe(false)
      }),
    )

    rule("a take-over that nobody waits for leaves nobody with the turn", ({ p, q }) =>
      Effect.gen(function* () {
        const { epoch } = turn(yield* p.join)
        expect(waiting(yield* q.takeOver("p.0", epoch)).owner).toBe(undefined)
        expect(turn(yield* q.join).isUncertain).toBe(true)
      }),
    )
  })

  describe(`processes in a store: ${name}`, () => {
    rule("a process is alive until its lease ends, or it leaves", ({ store }) =>
      Effect.gen(function* () {
        expect(yield* store.ask("p.0", "1:a")).toBe(false)
        expect((yield* store.refresh("p.0", 60_000)).wasAlive).toBe(false)
        const again = yield* store.refresh("p.0", 60_000)
        expect(again.wasAlive).toBe(true)
        expect(again.time).toBeGreaterThan(1e12)
        expect(yield* store.ask("p.0", "1:a")).toBe(true)
        expect(yield* store.ask("p.1", "1:a")).toBe(false)
        yield* store.leave("p.0")
        expect(yield* store.ask("p.0", "1:a")).toBe(false)
        yield* store.refresh("p.0", 1)
        yield* Effect.sleep("2 millis").pipe(
          Effect.zipRight(store.ask("p.0", "1:a")),
          Effect.repeat({ while: (isAlive) => isAlive }),
        )
        expect((yield* store.refresh("p.0", 60_000)).wasAlive).toBe(false)
      }),
    )

    rule(
      "a store knows that it has lost everything, and tells those that are connected",
      ({ store }) =>
        Effect.gen(function* () {
          const messages = yield* inboxOf(store, "p")
          const lostAt = yield* store.lostAt(false)
          expect(yield* Queue.take(messages)).toEqual({ _tag: "Lost" })
          const { time } = yield* store.refresh("p.0", 60_000)
          expect(lostAt).toBeGreaterThan(1e12)
          expect(lostAt).toBeLessThanOrEqual(time)
          expect(yield* store.lostAt(true)).toBe(lostAt)
          expect(yield* store.lostAt(false)).toBe(lostAt)
          expect(yield* Queue.size(messages)).toBe(0)
        }),
      seesAll,
    )

    rule("a new store has lost nothing", ({ store }) =>
      Effect.gen(function* () {
        expect(yield* store.lostAt(false)).toBe(undefined)
        const messages = yield* inboxOf(store, "p")
        expect(yield* store.lostAt(false)).toBe(undefined)
        expect(yield* store.lostAt(true)).toBe(undefined)
        expect(yield* Queue.size(messages)).toBe(0)
      }),
    )

    rule(
      "a store that does not know a process that has called before has lost everything",
      ({ store }) =>
        Effect.map(store.lostAt(true), (lostAt) => expect(lostAt).toBeGreaterThan(1e12)),
    )

    rule("a process learns once what others ask of it", ({ store }) =>
      Effect.gen(function* () {
        yield* store.refresh("p.0", 60_000)
        for (const key of ["1:a", "2:b", "1:a"]) yield* store.ask("p.0", key)
        const { asked } = yield* store.refresh("p.0", 60_000)
        expect([...asked].sort()).toEqual(["1:a", "2:b"])
        expect((yield* store.refresh("p.0", 60_000)).asked).toEqual([])
        yield* store.ask("p.0", "3:c")
        yield* store.leave("p.0")
        expect((yield* store.refresh("p.0", 60_000)).asked).toEqual([])
      }),
    )

    rule("a report is written only on the version that was read", ({ store }) =>
      Effect.gen(function* () {
        const report = { text: '{"one":1}', remove: [], ttl: 60_000 }
        const empty = yield* store.readReports("egress")
        expect(empty.texts).toEqual(new Map())
        const { version } = empty
        const write = (process: string, at: string, remove: ReadonlyArray<string> = []) =>
          store.writeReport("egress", { ...report, process, version: at, remove })
        expect(yield* write("p.0", version)).toBe(true)
        expect(yield* write("q.0", version)).toBe(false)
        const second = yield* store.readReports("egress")
        expect(second.texts).toEqual(new Map([["p.0", report.text]]))
        expect(yield* write("q.0", second.version)).toBe(true)
        const third = yield* store.readReports("egress")
        expect([...third.texts.keys()].sort()).toEqual(["p.0", "q.0"])
        expect(yield* write("q.0", third.version, ["p.0", "unknown"])).toBe(true)
        const last = yield* store.readReports("egress")
        expect(last.texts).toEqual(new Map([["q.0", report.text]]))
        expect(new Set([empty, second, third, last].map((one) => one.version)).size).toBe(4)
        expect((yield* store.readReports("other")).texts).toEqual(new Map())
      }),
    )

    rule("one of many that report at once succeeds", ({ store }) =>
      Effect.gen(function* () {
        const { version } = yield* store.readReports("egress")
        const written = yield* Effect.forEach(
          Array.range(1, 20),
          (index) =>
            store.writeReport("egress", {
              process: `p${index}.0`,
              version,
              text: "x",
              remove: [],
              ttl: 60_000,
            }),
          { concurrency: "unbounded" },
        )
        expect(written.filter(Boolean).length).toBe(1)
      }),
    )

    rule("messages are for one process, in all of its generations", ({ at, store }) =>
      Effect.gen(function* () {
        const mine = yield* inboxOf(store, "p")
        const others = yield* inboxOf(store, "pp")
        turn(yield* at("p.3").join)
        const until = yield* sequenceOf(at("pp.0").join)
        expect(yield* Queue.take(mine)).toEqual({ _tag: "Wanted", key: "1:a", until })
        expect(yield* Queue.size(others)).toBe(0)
      }),
    )
  })
}
