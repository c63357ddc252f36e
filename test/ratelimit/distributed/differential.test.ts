/** The simulated store, on which the laws rely, has the same replies and messages as Redis. */
// Any error fails a test, so errors have no types here.
// @effect-diagnostics anyUnknownInErrorContext:off
import * as Effect from "effect/Effect"
import * as FastCheck from "effect/FastCheck"
import * as Queue from "effect/Queue"
import type * as Scope from "effect/Scope"
import { expect, it } from "vitest"
import { runs } from "../../support/laws.js"
import { hasRedis } from "../../support/redis.js"
import { inboxOf, openRedis, simulated } from "./engines.js"
import type { Message, Reply, StoreError, TurnStore } from "./engines.js"

const fc = FastCheck

type Refer<A> = A | "last" | "newer"

/** Epochs are positions in the list of the numbers that were seen. */
type Call =
  | {
      readonly _tag: "join"
      readonly key: string
      readonly process: string
      readonly sequences: ReadonlyArray<number>
    }
  | {
      readonly _tag: "pass"
      readonly key: string
      readonly process: string
      readonly turnNumber: Refer<number>
      readonly state: string
      readonly how: "give" | "keep" | "leave"
    }
  | {
      readonly _tag: "takeOver"
      readonly key: string
      readonly process: string
      readonly owner: string
      readonly turnNumber: Refer<number>
    }
  | { readonly _tag: "refresh" | "leave"; readonly process: string }
  | { readonly _tag: "lostAt"; readonly hasCalled: boolean }
  | { readonly _tag: "ask"; readonly process: string; readonly key: string }
  | {
      readonly _tag: "writeReport"
      readonly process: string
      readonly isOld: boolean
      readonly text: string
      readonly remove: ReadonlyArray<string>
    }

const names = ["p", "q", "r"]
const tag = <Tag extends string>(value: Tag) => fc.constant(value)
const process = fc.constantFrom("p.0", "p.1", "q.0", "q.2", "r.0")
/** The process that has the turn, most often. */
const owner = fc.oneof({ weight: 2, arbitrary: tag("owner") }, { weight: 1, arbitrary: process })
const key = fc.constantFrom("1:a", "1:a", "1:a", "2:b")
const issued = fc.nat(30)
const turnNumber: FastCheck.Arbitrary<Refer<number>> = fc.oneof(
  { weight: 4, arbitrary: tag("last") },
  { weight: 2, arbitrary: issued },
  { weight: 1, arbitrary: tag("newer") },
)

const calls: FastCheck.Arbitrary<Array<Call>> = fc.array(
  fc.oneof(
    {
      weight: 8,
      arbitrary: fc.record({
        _tag: tag("join"),
        key,
        process,
        // Few, so that some are the same.
        sequences: fc.array(fc.integer({ min: 1, max: 20 }), { maxLength: 3 }),
      }),
    },
    {
      weight: 8,
      arbitrary: fc.record({
        _tag: tag("pass"),
        key,
        process: owner,
        turnNumber,
        state: fc.constantFrom("0 ", "one", '{"two":"\\"ä\\n"}'),
        how: fc.constantFrom("give" as const, "keep" as const, "leave" as const),
      }),
    },
    {
      weight: 3,
      arbitrary: fc.record({ _tag: tag("takeOver"), key, process, owner, turnNumber }),
    },
    {
      weight: 1,
      arbitrary: fc.record({
        _tag: fc.constantFrom("refresh" as const, "leave" as const),
        process,
      }),
    },
    { weight: 1, arbitrary: fc.record({ _tag: tag("lostAt"), hasCalled: fc.boolean() }) },
    { weight: 1, arbitrary: fc.record({ _tag: tag("ask"), process, key }) },
    {
      weight: 1,
      arbitrary: fc.record({
        _tag: tag("writeReport"),
        process,
        isOld: fc.boolean(),
        text: fc.string({ unit: "grapheme" }),
        remove: fc.subarray(["p.0", "q.0"]),
      }),
    },
  ),
  { minLength: 1, maxLength: 60 },
)

const ttl = 60_000

/** Makes the same calls on one store, and writes down what it sees. */
class Player {
  readonly #store: TurnStore
  /** By webhook. */
  readonly #numbers = new Map<string, Array<number>>()
  readonly #owners = new Map<string, string>()
  readonly #turnNumbers = new Map<string, number>()

  constructor(store: TurnStore) {
    this.#store = store
  }

  play(call: Call): Effect.Effect<unknown, StoreError> {
    const store = this.#store
    switch (call._tag) {
      case "join":
        return this.#reply(call.key, call.process, store.join({ ...call, ttl }))
      case "pass":
      case "takeOver": {
        const resolved = {
          ...call,
          ttl,
          process: this.#processOf(call.key, call.process),
          turnNumber: this.#turnNumberOf(call.key, call.turnNumber),
        }
        if (resolved._tag === "pass")
          return this.#reply(call.key, resolved.process, store.pass(resolved))
        const dead = this.#processOf(call.key, resolved.owner)
        return this.#reply(call.key, resolved.process, store.takeOver({ ...resolved, owner: dead }))
      }
      case "refresh":
        return Effect.map(store.refresh(call.process, ttl), ({ requestedTurns, wasAlive }) => [
          wasAlive,
          [...requestedTurns].sort(),
        ])
      case "leave":
        return store.leave(call.process)
      case "lostAt":
        return Effect.map(store.lostAt(call.hasCalled), (at) => at !== undefined)
      case "ask":
        return store.ask(call.process, call.key)
      case "writeReport":
      default:
        return Effect.gen(function* () {
          const { texts, version } = yield* store.readReports("egress")
          const at = call.isOld ? `${version}0` : version
          const isWritten = yield* store.writeReport("egress", { ...call, ttl, version: at })
          return [isWritten, [...texts].sort(([one], [other]) => one.localeCompare(other))]
        })
    }
  }

  /** A message, with its numbers as positions. */
  show(at: string, message: Message | Reply): unknown {
    return JSON.parse(
      JSON.stringify(message, (field, value: unknown) => {
        if (typeof value !== "number" || value === 0) return value
        return value === Number.POSITIVE_INFINITY
          ? "endless"
          : `${field} ${this.#positionOf(at, value)}`
      }),
    )
  }

  #reply(
    at: string,
    caller: string,
    made: Effect.Effect<Reply, StoreError>,
  ): Effect.Effect<unknown, StoreError> {
    return Effect.map(made, (reply) => {
      const now = reply._tag === "Waiting" ? reply.owner : caller
      if (now !== undefined) this.#owners.set(at, now)
      this.#turnNumbers.set(at, reply._tag === "Turn" ? reply.turn.turnNumber : reply.turnNumber)
      return this.show(at, reply)
    })
  }

  #processOf(at: string, wanted: string): string {
    return wanted === "owner" ? (this.#owners.get(at) ?? "p.0") : wanted
  }

  #turnNumberOf(at: string, wanted: Refer<number>): number {
    if (wanted === "newer") return Math.max(1, ...this.#numbersOf(at)) + 1_000_000_000
    if (wanted === "last") return this.#turnNumbers.get(at) ?? 1
    return this.#numbersOf(at)[wanted] ?? 1
  }

  #positionOf(at: string, number: number): number {
    const numbers = this.#numbersOf(at)
    const position = numbers.indexOf(number)
    return position >= 0 ? position : numbers.push(number) - 1
  }

  #numbersOf(at: string): Array<number> {
    const numbers = this.#numbers.get(at) ?? []
    this.#numbers.set(at, numbers)
    return numbers
  }
}

/** Makes another process wait for each, so that the last message of each is known. */
const sendLast = (store: TurnStore) =>
  Effect.forEach(names, (name) => {
    const at = { key: `last:${name}`, ttl, sequences: [1] }
    return Effect.zipRight(
      store.join({ ...at, process: `${name}.0` }),
      store.join({ ...at, process: "z.0" }),
    )
  })

const isLast = (message: Message) => "key" in message && message.key.startsWith("last")

/** The replies, and the messages to each process in their order. */
const play = (
  store: TurnStore,
  all: ReadonlyArray<Call>,
): Effect.Effect<unknown, StoreError, Scope.Scope> =>
  Effect.gen(function* () {
    const inboxes = yield* Effect.forEach(names, (name) => inboxOf(store, name))
    const player = new Player(store)
    const replies = yield* Effect.forEach(all, (call) => player.play(call))
    yield* sendLast(store)
    const messages = yield* Effect.forEach(inboxes, (inbox) => {
      const take = (shown: ReadonlyArray<unknown>): Effect.Effect<ReadonlyArray<unknown>> =>
        Effect.flatMap(Queue.take(inbox), (message) =>
          isLast(message)
            ? Effect.succeed(shown)
            : take([...shown, player.show("key" in message ? message.key : "", message)]),
        )
      return take([])
    })
    return { replies, messages }
  })

/** The keys without a time to live. */
const immortal = `
local found = {}
for _, key in ipairs(redis.call('KEYS', '*' .. ARGV[1] .. '*')) do
  if redis.call('PTTL', key) <= 0 then table.insert(found, key) end
end
return found
`

it.skipIf(!hasRedis)("the simulated store does what Redis does", { timeout: 0 }, () =>
  fc.assert(
    fc.asyncProperty(calls, (all) =>
      Effect.gen(function* () {
        const { connection, prefix, store: redis } = yield* openRedis
        const onRedis = yield* play(redis, all)
        expect(yield* connection.eval(immortal, [], [`${prefix}:`])).toEqual([])
        expect(yield* Effect.flatMap(simulated.make, (store) => play(store, all))).toEqual(onRedis)
      }).pipe(Effect.scoped, Effect.runPromise),
    ),
    { numRuns: runs(300) },
  ),
)
