/** The stores that the tests compare: the simulated one, and Redis. */
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Queue from "effect/Queue"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { Cluster } from "ioredis"
import { RedisConnection } from "../../../src/redis/index.js"
import { makeRedisStore } from "../../../src/redis/redisStore.js"
import { getCluster, getRedis, hasRedis } from "../../support/redis.js"
import { SimulatedStore } from "./SimulatedStore.js"

export type TurnStore = SimulatedStore["store"]
export type Reply = Effect.Effect.Success<ReturnType<TurnStore["join"]>>
export type StoreError = Effect.Effect.Error<ReturnType<TurnStore["join"]>>
export type Message = Stream.Stream.Success<ReturnType<TurnStore["messages"]>>

let prefixes = 0

const makePrefix = () => `test-${process.pid}-${++prefixes}`

export interface Engine {
  readonly name: string
  readonly isAvailable: boolean
  /** Whether it sees all connections: a node of a cluster sees its own. */
  readonly seesAll: boolean
  readonly make: Effect.Effect<TurnStore, unknown, Scope.Scope>
}

export const simulated: Engine = {
  name: "simulated",
  isAvailable: true,
  seesAll: true,
  make: Effect.gen(function* () {
    const store = new SimulatedStore(Clock.make())
    yield* Effect.forkScoped(store.deliver)
    return store.store
  }),
}

/** A store with a prefix that no other test uses, and the connection for a look at its keys. */
export const openRedis = Effect.gen(function* () {
  const { url } = yield* Effect.promise(getRedis)
  const context = yield* Layer.build(RedisConnection.layer(url))
  const connection = yield* Effect.provide(RedisConnection.RedisConnection, context)
  const prefix = makePrefix()
  return { connection, prefix, store: makeRedisStore(connection, prefix) }
})

/** A connection to the nodes of the cluster. */
export const openCluster = Effect.gen(function* () {
  const nodes = yield* Effect.promise(getCluster)
  const client = yield* Effect.acquireRelease(
    Effect.sync(() => new Cluster(nodes.map(({ port }) => ({ host: "127.0.0.1", port })))),
    (made) => Effect.sync(() => made.disconnect()),
  )
  return RedisConnection.layerClient(client)
})

const redis: Engine = {
  name: "Redis",
  isAvailable: hasRedis,
  seesAll: true,
  make: Effect.map(openRedis, ({ store }) => store),
}

/** Where a script that uses an undeclared key, or keys of several nodes, fails. */
const cluster: Engine = {
  name: "Redis Cluster",
  isAvailable: hasRedis,
  seesAll: false,
  make: Effect.gen(function* () {
    const context = yield* Layer.build(yield* openCluster)
    const connection = yield* Effect.provide(RedisConnection.RedisConnection, context)
    return makeRedisStore(connection, makePrefix())
  }),
}

export const engines: ReadonlyArray<Engine> = [simulated, redis, cluster]

/** The messages that a process receives from now on. */
export const inboxOf = (
  store: TurnStore,
  process: string,
): Effect.Effect<Queue.Dequeue<Message>, never, Scope.Scope> =>
  Effect.gen(function* () {
    const messages = yield* Queue.unbounded<Message>()
    const subscribed = yield* Deferred.make<void>()
    yield* store.messages(process).pipe(
      Stream.runForEach((message) =>
        message._tag === "Subscribed"
          ? Deferred.succeed(subscribed, undefined)
          : Queue.offer(messages, message),
      ),
      Effect.forkScoped,
    )
    yield* Deferred.await(subscribed)
    return messages
  })
