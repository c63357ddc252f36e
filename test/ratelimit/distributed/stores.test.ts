/** The rules of a `TurnStore`, for the simulated one and for Redis. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Queue from "effect/Queue"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { describe, expect, it } from "vitest"
import { RedisConnection } from "../../../src/redis/index.js"
import { makeRedisStore } from "../../../src/redis/redisStore.js"
import type { Message, Reply, TurnStore } from "../../../src/ratelimit/distributed/store.js"
import { getRedis, hasRedis } from "../../support/redis.js"
import { SimulatedStore } from "./SimulatedStore.js"

let prefixes = 0

interface Engine {
  readonly name: string
  readonly isAvailable: boolean
  readonly make: Effect.Effect<TurnStore, unknown, Scope.Scope>
}

const engines: ReadonlyArray<Engine> = [
  {
    name: "simulated",
    isAvailable: true,
    make: Effect.gen(function* () {
      const simulated = new SimulatedStore(Clock.make())
      yield* Effect.forkScoped(simulated.deliver)
      return simulated.store
    }),
  },
  {
    name: "Redis",
    isAvailable: hasRedis,
    make: Effect.gen(function* () {
      const { url } = yield* Effect.promise(getRedis)
      const context = yield* Layer.build(RedisConnection.layer(url))
      const connection = yield* Effect.provide(RedisConnection.RedisConnection, context)
      return makeRedisStore(connection, `test-${++prefixes}`)
    }),
  },
]

const ttl = 60_000

const turn = (reply: Reply) => {
  if (reply._tag !== "Turn") throw new Error(`no turn: ${JSON.stringify(reply)}`)
  return reply.turn
}

const waiting = (reply: Reply) => {
  if (reply._tag !== "Waiting") throw new Error(`a turn: ${JSON.stringify(reply)}`)
  return reply
}

for (const { isAvailable, make, name } of engines) {
  const rule = (
    title: string,
    test: (store: TurnStore) => Effect.Effect<void, unknown, Scope.Scope>,
  ) =>
    it.skipIf(!isAvailable)(title, () =>
      Effect.runPromise(Effect.scoped(Effect.flatMap(make, test))),
    )
  const join = (
    store: TurnStore,
    process: string,
    known: ReadonlyArray<number> = [],
    isNew = true,
  ) => store.join({ key: "1:a", process, ttl, known, isNew })
  const pass = (
    store: TurnStore,
    process: string,
    epoch: number,
    state = "state",
    how: "give" | "keep" | "leave" = "give",
  ) => store.pass({ key: "1:a", process, ttl, epoch, state, how })
  /** The messages that a process receives. */
  const inbox = (store: TurnStore, process: string) =>
    Effect.gen(function* () {
      const messages = yield* Queue.unbounded<Message>()
      yield* store.messages(process).pipe(
        Stream.filter(({ _tag }) => _tag !== "Subscribed"),
        Stream.runForEach((message) => Queue.offer(messages, message)),
        Effect.forkScoped,
      )
      // A subscription takes effect some time after it was made.
      yield* Effect.sleep(50)
      return Queue.take(messages)
    })

  describe(`turns in a store: ${name}`, () => {
    rule("the first process gets the turn, and needs no place in the queue", (store) =>
      Effect.gen(function* () {
        const { epoch, isUncertain, state, until } = turn(yield* join(store, "p.0"))
        expect({ isUncertain, state, until }).toEqual({
          isUncertain: false,
          state: undefined,
          until: Number.POSITIVE_INFINITY,
        })
        const kept = turn(yield* pass(store, "p.0", epoch))
        expect(kept).toMatchObject({ epoch, until: Number.POSITIVE_INFINITY })
      }),
    )

    rule("the second process waits, and the first is told", (store) =>
      Effect.gen(function* () {
        const messages = yield* inbox(store, "p")
        const { epoch } = turn(yield* join(store, "p.0"))
        const { owner, sequence = 0 } = waiting(yield* join(store, "q.0"))
        expect(owner).toBe("p.0")
        expect(sequence).toBeGreaterThan(epoch)
        expect(yield* messages).toEqual({ _tag: "Wanted", key: "1:a", until: sequence })
      }),
    )

    rule("the turn goes to the next with the state, up to the first request of another", (store) =>
      Effect.gen(function* () {
        const messages = yield* inbox(store, "q")
        const { epoch } = turn(yield* join(store, "p.0"))
        yield* join(store, "q.0")
        yield* join(store, "q.0")
        const third = yield* join(store, "p.0")
        yield* join(store, "q.0")
        const given = waiting(yield* pass(store, "p.0", epoch, "the state"))
        expect(given.owner).toBe("q.0")
        const message = yield* messages
        expect(message).toMatchObject({
          _tag: "Turn",
          key: "1:a",
          turn: {
            epoch: given.epoch,
            until: third.sequence,
            state: "the state",
            isUncertain: false,
          },
        })
      }),
    )
  })
}
