/** The rules of a `TurnStore`, for the simulated one and for Redis. */
// Any error fails a test, so errors have no types here.
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
  const pass = (how: "give" | "keep" | "leave") => (turnNumber: number, state: string) =>
    store.pass({ ...at, turnNumber, state, how })
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
    takeOver: (owner: string, turnNumber: number) => store.takeOver({ ...at, owner, turnNumber }),
    withdraw: (usedTurnNumber = 0) => store.withdraw({ ...at, usedTurnNumber }),
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
        const { turnNumber, isStateOutdated, state, coversBefore } = turn(yield* p.join)
        expect({ isStateOutdated, state, coversBefore }).toEqual({
          isStateOutdated: false,
          state: undefined,
          coversBefore: endless,
        })
        expect(turn(yield* p.give(turnNumber, "state"))).toMatchObject({
          turnNumber,
          coversBefore: endless,
        })
      }),
    )

    rule("turn numbers increase", ({ p, q }) =>
      Effect.gen(function* () {
        const first = turn(yield* p.join)
        yield* q.join
        const second = waiting(yield* p.give(first.turnNumber, ""))
        yield* p.join
        const third = waiting(yield* q.give(second.turnNumber, ""))
        const numbers = [first.turnNumber, second.turnNumber, third.turnNumber]
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
        const { turnNumber } = turn(yield* p.join)
        expect(waiting(yield* q.poll).owner).toBe("p.0")
        yield* r.join
        expect(waiting(yield* p.give(turnNumber, "")).owner).toBe("r.0")
      }),
    )

    rule("nobody has the turn if nobody waits", ({ p }) =>
      Effect.gen(function* () {
        expect(waiting(yield* p.poll)).toMatchObject({
          owner: undefined,
          turnNumber: 0,
          hasLostTurn: false,
        })
      }),
    )

    rule("a process that joins again keeps its place", ({ p, q, r }) =>
      Effect.gen(function* () {
        const { turnNumber } = turn(yield* p.join)
        const first = yield* sequenceOf(q.join)
        yield* r.join
        yield* q.joinAt(first)
        yield* q.joinAt(first)
        const given = waiting(yield* p.give(turnNumber, ""))
        expect(given.owner).toBe("q.0")
        // One place only: the turn goes on to the next.
        expect(waiting(yield* q.give(given.turnNumber, "")).owner).toBe("r.0")
      }),
    )

    rule("the place of a request is that of its arrival, however late it joins", ({ p, q, r }) =>
      Effect.gen(function* () {
        const first = yield* p.join
        yield* q.join
        yield* r.joinAt(first.sequence)
        expect(waiting(yield* p.give(turn(first).turnNumber, "")).owner).toBe("r.0")
      }),
    )

    rule("of requests with the same sequence, one is first", ({ p, q, r }) =>
      Effect.gen(function* () {
        const { turnNumber } = turn(yield* p.join)
        yield* q.joinAt(7, 8)
        yield* r.joinAt(7)
        const given = waiting(yield* p.give(turnNumber, ""))
        expect(given.owner).toBe("q.0")
        expect(turn(yield* q.joinAt(7)).coversBefore).toBe(8)
        const next = waiting(yield* q.give(given.turnNumber, ""))
        expect(next.owner).toBe("r.0")
        expect(turn(yield* r.poll).coversBefore).toBe(8)
      }),
    )

    rule("the next generation takes the places of all earlier ones", ({ at, p, q }) =>
      Effect.gen(function* () {
        const { turnNumber } = turn(yield* p.join)
        const known = [yield* sequenceOf(at("r.0").join), yield* sequenceOf(at("r.1").join)]
        yield* q.join
        yield* at("r.2").joinAt(...known)
        const given = waiting(yield* p.give(turnNumber, ""))
        expect(given.owner).toBe("r.2")
        expect(waiting(yield* at("r.2").give(given.turnNumber, "")).owner).toBe("q.0")
        expect(turn(yield* q.poll).coversBefore).toBe(endless)
      }),
    )

    rule("a thousand requests wait in order", ({ p, q, r }) =>
      Effect.gen(function* () {
        const { turnNumber } = turn(yield* p.join)
        const others = yield* Effect.replicateEffect(sequenceOf(q.join), 999)
        const last = yield* sequenceOf(r.join)
        expect(others).toEqual([...others].sort((one, other) => one - other))
        yield* q.joinAt(...others)
        const given = waiting(yield* p.give(turnNumber, ""))
        expect(given.owner).toBe("q.0")
        expect(turn(yield* q.poll).coversBefore).toBe(last)
        const next = waiting(yield* q.give(given.turnNumber, ""))
        expect(next.owner).toBe("r.0")
        expect(turn(yield* r.poll).coversBefore).toBe(endless)
      }),
    )
  })

  describe(`turns in a store: ${name}`, () => {
    rule(
      "a turn goes to the next with the state, up to the first request of another",
      ({ p, q, store }) =>
        Effect.gen(function* () {
          const messages = yield* inboxOf(store, "q")
          const { turnNumber } = turn(yield* p.join)
          yield* q.join
          yield* q.join
          const third = yield* sequenceOf(p.join)
          yield* q.join
          const given = waiting(yield* p.give(turnNumber, "the state"))
          expect(given).toMatchObject({ owner: "q.0", hasLostTurn: false })
          expect(given.turnNumber).toBeGreaterThan(turnNumber)
          const expected = {
            turnNumber: given.turnNumber,
            coversBefore: third,
            state: "the state",
            isStateOutdated: false,
          }
          expect(yield* Queue.take(messages)).toEqual({
            _tag: "Turn",
            key: "1:a",
            process: "q.0",
            turn: expected,
          })
          // The message may be lost: a poll has the same.
          expect(turn(yield* q.poll)).toEqual(expected)
          expect(waiting(yield* q.give(given.turnNumber, "")).owner).toBe("p.0")
        }),
    )

    rule("the second process waits, and the first is told each time", ({ p, q, store }) =>
      Effect.gen(function* () {
        const messages = yield* inboxOf(store, "p")
        turn(yield* p.join)
        const sequence = yield* sequenceOf(q.join)
        yield* q.poll
        const wanted = { _tag: "Wanted", key: "1:a", sequence }
        expect([...(yield* Queue.takeN(messages, 2))]).toEqual([wanted, wanted])
      }),
    )

    rule("a process keeps the turn although others wait, and stores its state", ({ p, q }) =>
      Effect.gen(function* () {
        const { turnNumber } = turn(yield* p.join)
        const coversBefore = yield* sequenceOf(q.join)
        expect(turn(yield* p.keep(turnNumber, "kept"))).toEqual({
          turnNumber,
          coversBefore,
          state: "kept",
          isStateOutdated: false,
        })
        expect(waiting(yield* q.poll).owner).toBe("p.0")
      }),
    )

    rule("a process whose own request is first keeps the turn when it gives it", ({ p, q, r }) =>
      Effect.gen(function* () {
        const { turnNumber } = turn(yield* p.join)
        yield* q.join
        const sequence = yield* sequenceOf(r.join)
        const newer = turnNumber + 5_000_000_000
        expect(turn(yield* q.give(newer, "newer"))).toMatchObject({
          turnNumber: newer,
          coversBefore: sequence,
        })
      }),
    )

    rule("without the turn of this number nothing is stored", ({ p, q }) =>
      Effect.gen(function* () {
        const { turnNumber } = turn(yield* p.join)
        yield* q.join
        const given = waiting(yield* p.give(turnNumber, "good"))
        for (const how of ["give", "keep", "leave"] as const) {
          const lost = { hasLostTurn: true, owner: "q.0", turnNumber: given.turnNumber }
          expect(waiting(yield* p[how](turnNumber, "old"))).toMatchObject(lost)
          // The number is that of the turn, but the process is another one.
          expect(waiting(yield* p[how](given.turnNumber, "stolen"))).toMatchObject(lost)
        }
        expect(turn(yield* q.poll)).toMatchObject({ turnNumber: given.turnNumber, state: "good" })
      }),
    )

    rule("a turn that the store has lost ends one of which no state was stored", ({ p, q }) =>
      Effect.gen(function* () {
        // The store loses everything while `p` has a turn; `q` gets one with a greater number.
        const { turnNumber } = turn(yield* q.join)
        const lost = turnNumber - 1
        expect(turn(yield* p.keep(lost, "lost"))).toMatchObject({ turnNumber: lost, state: "lost" })
        expect(waiting(yield* q.join)).toMatchObject({ owner: "p.0", turnNumber: lost })
        const given = waiting(yield* p.give(lost, "given"))
        expect(given.owner).toBe("q.0")
        expect(given.turnNumber).toBeGreaterThan(turnNumber)
        expect(waiting(yield* p.keep(lost, "old")).hasLostTurn).toBe(true)
        expect(turn(yield* q.poll).state).toBe("given")
      }),
    )

    rule("a greater turn number wins, because the store has lost it", ({ p, q }) =>
      Effect.gen(function* () {
        const { turnNumber } = turn(yield* p.join)
        yield* q.join
        const newer = turnNumber + 5_000_000_000
        const kept = turn(yield* q.keep(newer, "newer"))
        expect(kept).toMatchObject({ turnNumber: newer, state: "newer" })
        expect(waiting(yield* p.keep(turnNumber, "old"))).toMatchObject({
          hasLostTurn: true,
          owner: "q.0",
        })
        // What is issued later is greater still.
        yield* p.join
        expect(waiting(yield* q.give(newer, "")).turnNumber).toBeGreaterThan(newer)
      }),
    )

    rule("turn numbers increase although the clock is behind, also in a take-over", ({ p, q }) =>
      Effect.gen(function* () {
        const { turnNumber } = turn(yield* p.join)
        yield* q.join
        const ahead = turnNumber + 5_000_000_000
        const given = waiting(yield* p.give(ahead, ""))
        expect(given.turnNumber).toBeGreaterThan(ahead)
        yield* p.join
        expect(turn(yield* p.takeOver("q.0", given.turnNumber)).turnNumber).toBeGreaterThan(
          given.turnNumber,
        )
      }),
    )

    rule("a turn number that the store has lost is restored", ({ p, q }) =>
      Effect.gen(function* () {
        expect(turn(yield* p.keep(7, "the state"))).toMatchObject({
          turnNumber: 7,
          coversBefore: endless,
        })
        expect(waiting(yield* q.join)).toMatchObject({ owner: "p.0", turnNumber: 7 })
      }),
    )

    rule("a process that withdraws has no places any more", ({ p, q, r }) =>
      Effect.gen(function* () {
        const { turnNumber } = turn(yield* p.join)
        yield* q.join
        yield* r.join
        yield* q.join
        yield* q.withdraw()
        const given = waiting(yield* p.give(turnNumber, "the state"))
        expect(given.owner).toBe("r.0")
        expect(turn(yield* r.poll)).toMatchObject({
          turnNumber: given.turnNumber,
          coversBefore: endless,
        })
      }),
    )

    rule(
      "a process that withdraws gives away a turn that it does not know of",
      ({ p, q, r, store }) =>
        Effect.gen(function* () {
          const messages = yield* inboxOf(store, "r")
          const { turnNumber } = turn(yield* p.join)
          yield* q.join
          yield* r.join
          const given = waiting(yield* p.give(turnNumber, "the state"))
          expect(given.owner).toBe("q.0")
          yield* q.withdraw(turnNumber)
          const next = turn(yield* r.poll)
          expect(next).toMatchObject({
            coversBefore: endless,
            state: "the state",
            isStateOutdated: false,
          })
          expect(next.turnNumber).toBeGreaterThan(given.turnNumber)
          expect(yield* Queue.take(messages)).toMatchObject({ _tag: "Turn", turn: next })
        }),
    )

    rule("the state of a turn that it has used is outdated", ({ p, q }) =>
      Effect.gen(function* () {
        const { turnNumber } = turn(yield* p.join)
        yield* p.keep(turnNumber, "the state")
        yield* q.join
        yield* p.withdraw(turnNumber)
        expect(turn(yield* q.poll)).toMatchObject({ state: "the state", isStateOutdated: true })
      }),
    )

    rule("a process that withdraws leaves the turns of others alone", ({ at, p, q }) =>
      Effect.gen(function* () {
        const { turnNumber } = turn(yield* p.join)
        yield* q.withdraw(turnNumber)
        yield* at("p.1").withdraw(turnNumber)
        yield* at("p.0", "2:a").withdraw(turnNumber)
        expect(turn(yield* p.poll)).toMatchObject({ turnNumber, isStateOutdated: false })
        expect(waiting(yield* at("q.0", "2:a").poll)).toMatchObject({
          owner: undefined,
          turnNumber: 0,
        })
      }),
    )

    rule("a process that leaves has neither turn nor places", ({ p, q }) =>
      Effect.gen(function* () {
        const { turnNumber } = turn(yield* p.join)
        yield* p.joinAt(turnNumber - 1)
        const left = waiting(yield* p.leave(turnNumber, "the last state"))
        expect(left).toMatchObject({ owner: undefined, hasLostTurn: false })
        expect(turn(yield* q.join)).toMatchObject({
          coversBefore: endless,
          state: "the last state",
        })
      }),
    )

    rule("a process that leaves gives the turn to the next", ({ p, q, store }) =>
      Effect.gen(function* () {
        const messages = yield* inboxOf(store, "q")
        const { turnNumber } = turn(yield* p.join)
        yield* q.join
        yield* p.join
        const left = waiting(yield* p.leave(turnNumber, "the last state"))
        expect(left.owner).toBe("q.0")
        expect(yield* Queue.take(messages)).toMatchObject({
          _tag: "Turn",
          turn: { turnNumber: left.turnNumber, coversBefore: endless, state: "the last state" },
        })
      }),
    )

    rule(
      "the turn of a dead process goes on, with an outdated state until the next one",
      ({ p, q, r }) =>
        Effect.gen(function* () {
          const { turnNumber } = turn(yield* p.join)
          yield* p.keep(turnNumber, "old")
          yield* q.join
          yield* p.join
          const sequence = yield* sequenceOf(r.join)
          const taken = turn(yield* q.takeOver("p.0", turnNumber))
          expect(taken).toMatchObject({
            isStateOutdated: true,
            state: "old",
            coversBefore: sequence,
          })
          expect(turn(yield* q.poll)).toMatchObject({
            turnNumber: taken.turnNumber,
            isStateOutdated: true,
          })
          expect(turn(yield* q.keep(taken.turnNumber, "new"))).toMatchObject({
            isStateOutdated: false,
          })
          // The dead process has no places any more.
          const given = waiting(yield* q.give(taken.turnNumber, "new"))
          expect(given.owner).toBe("r.0")
          expect(turn(yield* r.poll)).toMatchObject({
            isStateOutdated: false,
            coversBefore: endless,
          })
        }),
    )

    rule(
      "a take-over by a process that is not the first gives the turn to the first",
      ({ p, q, r, store }) =>
        Effect.gen(function* () {
          const messages = yield* inboxOf(store, "q")
          const { turnNumber } = turn(yield* p.join)
          yield* q.join
          yield* r.join
          expect(waiting(yield* r.takeOver("p.0", turnNumber)).owner).toBe("q.0")
          const message = yield* Queue.take(messages)
          expect(message).toMatchObject({ _tag: "Turn", turn: { isStateOutdated: true } })
        }),
    )

    rule("only the turn that was seen is taken over", ({ p, q }) =>
      Effect.gen(function* () {
        const { turnNumber } = turn(yield* p.join)
        yield* q.join
        for (const stale of [q.takeOver("p.0", turnNumber - 1), q.takeOver("r.0", turnNumber)]) {
          expect(waiting(yield* stale)).toMatchObject({ owner: "p.0", turnNumber })
        }
        expect(turn(yield* p.poll).isStateOutdated).toBe(false)
      }),
    )

    rule("a take-over that nobody waits for leaves nobody with the turn", ({ p, q }) =>
      Effect.gen(function* () {
        const { turnNumber } = turn(yield* p.join)
        expect(waiting(yield* q.takeOver("p.0", turnNumber)).owner).toBe(undefined)
        expect(turn(yield* q.join).isStateOutdated).toBe(true)
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
        const { requestedTurns } = yield* store.refresh("p.0", 60_000)
        expect([...requestedTurns].sort()).toEqual(["1:a", "2:b"])
        expect((yield* store.refresh("p.0", 60_000)).requestedTurns).toEqual([])
        yield* store.ask("p.0", "3:c")
        yield* store.leave("p.0")
        expect((yield* store.refresh("p.0", 60_000)).requestedTurns).toEqual([])
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
        const sequence = yield* sequenceOf(at("pp.0").join)
        expect(yield* Queue.take(mine)).toEqual({ _tag: "Wanted", key: "1:a", sequence })
        expect(yield* Queue.size(others)).toBe(0)
      }),
    )
  })
}
