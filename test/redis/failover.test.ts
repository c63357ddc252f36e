/** A Redis that is slow, fails over to its replica, or wants another password while processes use it. */
// A test fails with whatever its processes fail with.
// @effect-diagnostics anyUnknownInErrorContext:off
import { describe, expect } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type { RedisServer } from "../support/redis.js"
import { Endpoint } from "./Endpoint.js"
import { fault, makePrefix, open, openClient, start, until } from "./limiterProcess.js"

/** A primary with its replica, and the address of the primary. */
const openPair = Effect.gen(function* () {
  const primary = yield* start("--repl-diskless-sync-delay", "0")
  const replica = yield* start("--replicaof", `127.0.0.1 ${primary.port}`)
  const endpoint = yield* Effect.acquireRelease(
    Effect.promise(() => Endpoint.open(primary.port)),
    (one) => Effect.sync(() => one.close()),
  )
  const client = yield* openClient(replica)
  yield* Effect.promise(() => client.info("replication")).pipe(
    Effect.repeat({ until: (info) => info.includes("master_link_status:up") }),
  )
  return { endpoint, primary, replica }
})

/** The address leads to the replica, which has become the primary. */
const failOver = ({ endpoint, replica }: Effect.Effect.Success<typeof openPair>) =>
  Effect.gen(function* () {
    const client = yield* openClient(replica)
    yield* Effect.promise(() => client.replicaof("NO", "ONE"))
    endpoint.target = replica.port
  })

const follow = (server: RedisServer, { port }: RedisServer) =>
  Effect.flatMap(openClient(server), (client) =>
    Effect.promise(() => client.replicaof("127.0.0.1", port)),
  )

const away = /^WARN Shared limits: the store is away; requests wait for it Redis \(unavailable\): /
const back = "INFO Shared limits: the store is available again"

describe("a server that fails over", () => {
  fault(
    "to its replica, and keeps its connections: requests go on with the new one",
    Effect.gen(function* () {
      const pair = yield* openPair
      const prefix = makePrefix()
      const [one, another] = yield* Effect.all([
        open(pair.endpoint, { prefix }),
        open(pair.endpoint, { prefix }),
      ])
      yield* one.send()
      yield* another.send()
      yield* failOver(pair)
      yield* follow(pair.primary, pair.replica)
      for (let count = 0; count < 3; count += 1) {
        yield* one.send()
        yield* another.send()
      }
      for (const { lines } of [one, another]) {
        expect(lines).toHaveLength(2)
        expect(lines[0]).toMatch(away)
        expect(lines[0]).toContain("READONLY")
        expect(lines[1]).toBe(back)
      }
    }),
  )

  fault(
    "without a word on its connections: requests go on with the new one",
    Effect.gen(function* () {
      const pair = yield* openPair
      const prefix = makePrefix()
      const options = { prefix, lease: "3 seconds" } as const
      const [one, another] = yield* Effect.all([
        open(pair.endpoint, options),
        open(pair.endpoint, options),
      ])
      yield* one.send()
      yield* another.send()
      pair.endpoint.silence()
      yield* failOver(pair)
      yield* Effect.all([one.send(), another.send()], { concurrency: "unbounded" })
      yield* until(() => one.lines.length > 1 && another.lines.length > 1)
      for (const { lines } of [one, another]) {
        expect(lines).toHaveLength(2)
        expect(lines[0]).toContain("the store is away; requests wait for it")
        expect(lines[1]).toBe(back)
      }
      // Messages come over connections of their own.
      const client = yield* openClient(pair.replica)
      yield* Effect.promise(
        () => client.pubsub("CHANNELS", `${prefix}*`) as Promise<ReadonlyArray<string>>,
      ).pipe(Effect.repeat({ until: (channels) => channels.length === 2 }))
    }),
  )

  fault(
    "and back: requests wait as long as it only reads",
    Effect.gen(function* () {
      const { primary, replica } = yield* openPair
      const { lines, send } = yield* open(primary, { prefix: makePrefix() })
      yield* follow(primary, replica)
      const fiber = yield* Effect.fork(send())
      yield* until(() => lines.length > 0)
      expect(lines[0]).toMatch(away)
      const client = yield* openClient(primary)
      yield* Effect.promise(() => client.replicaof("NO", "ONE"))
      yield* Fiber.join(fiber)
      expect(lines.slice(1)).toEqual([back])
    }),
  )
})

describe("a slow server", () => {
  fault(
    "is waited for, without a line",
    Effect.gen(function* () {
      const server = yield* start()
      const prefix = makePrefix()
      const [one, another] = yield* Effect.all([open(server, { prefix }), open(server, { prefix })])
      const client = yield* openClient(server)
      for (const { send } of [one, another, one]) {
        yield* Effect.promise(() => client.client("PAUSE", 200))
        yield* send()
      }
      expect([...one.lines, ...another.lines]).toEqual([])
    }),
  )

  fault(
    "that replies nothing for 5 seconds is as good as away",
    Effect.gen(function* () {
      const server = yield* start()
      const { lines, send } = yield* open(server, { prefix: makePrefix() })
      process.kill(server.pid(), "SIGSTOP")
      const fiber = yield* Effect.fork(send())
      yield* until(() => lines.length > 0)
      expect(lines[0]).toContain("the store is away; requests wait for it no response")
      process.kill(server.pid(), "SIGCONT")
      yield* Fiber.join(fiber)
      expect(lines.slice(1)).toEqual([back])
    }),
  )
})

describe("a password that changes", () => {
  for (const failAfter of ["forever", "10 millis"] as const) {
    fault(
      `is an absence until it is right again; failAfter: ${failAfter}`,
      Effect.gen(function* () {
        const server = yield* start()
        const options = failAfter === "forever" ? {} : { failAfter }
        const { lines, send } = yield* open(server, { prefix: makePrefix(), ...options })
        const client = yield* openClient(server)
        yield* Effect.promise(() => client.config("SET", "requirepass", "another-password"))
        yield* Effect.promise(() => client.client("KILL", "SKIPME", "yes"))
        const fiber = yield* Effect.fork(Effect.either(send()))
        yield* until(() => lines.length > 0)
        expect(lines[0]).toMatch(/^WARN Shared limits: the store is away; requests /)
        if (failAfter !== "forever")
          expect(yield* Fiber.join(fiber)).toMatchObject({
            left: { _tag: "DiscordRateLimiterUnavailable" },
          })
        yield* Effect.promise(() => client.config("SET", "requirepass", ""))
        yield* until(() => lines.length > 1)
        expect(lines.slice(1)).toEqual([back])
        yield* send()
        if (failAfter === "forever")
          expect(yield* Fiber.join(fiber)).toMatchObject({ _tag: "Right" })
      }),
    )
  }
})
