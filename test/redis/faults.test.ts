/** A Redis that is unavailable, full, emptied, or has values of others. */
// Any error fails a test, so errors have no types here.
// @effect-diagnostics anyUnknownInErrorContext:off
import { describe, expect } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import type { RedisRateLimiter } from "../../src/redis/index.js"
import { reactive } from "../ratelimit/model/policies.js"
import { ok, route } from "../ratelimit/responses.js"
import { getRedis, type RedisServer } from "../support/redis.js"
import {
  itWithRedis,
  makePrefix,
  openLimiter,
  openClient,
  startServer,
  until,
} from "./testLimiters.js"

const { major } = route()
const other = route({ webhookId: "2" })

const stop = (server: RedisServer) => Effect.promise(() => server.kill())
const startAgain = (server: RedisServer) => Effect.promise(() => server.start())

describe.concurrent("a server that leaves", () => {
  itWithRedis(
    "requests wait and are sent when it is back, with one line each time",
    Effect.gen(function* () {
      const server = yield* startServer()
      const { lines, send } = yield* openLimiter(server, { prefix: makePrefix() })
      yield* stop(server)
      const fibers = yield* Effect.replicateEffect(Effect.fork(send()), 3)
      yield* until(() => lines.length > 0)
      for (const fiber of fibers) expect(fiber.unsafePoll()).toBe(null)
      yield* startAgain(server)
      yield* Fiber.joinAll(fibers)
      expect(lines).toEqual([
        expect.stringMatching(
          /^WARN Shared limits: the store is unavailable; requests wait for it Redis \(unavailable\)/,
        ),
        "INFO Shared limits: the store is available again",
      ])
      // Later requests are as before.
      yield* send({ at: other })
      expect(lines).toHaveLength(2)
    }),
  )

  itWithRedis(
    "a process goes on with its turn, up to the first request of another one",
    Effect.gen(function* () {
      const server = yield* startServer()
      const client = yield* openClient(server)
      const prefix = makePrefix()
      const options = { prefix, lease: "1 hour" } as const
      const [one, another] = yield* Effect.all([
        openLimiter(server, options),
        openLimiter(server, options),
      ])
      yield* one.send({ at: other })
      yield* one.send()
      // It is in flight while another one arrives, so that the turn stays where it is.
      const response = yield* Deferred.make<void>()
      const first = yield* Effect.fork(
        one.limiter.withPermit(route(), { policy: reactive }, (permit) =>
          Effect.zipRight(Deferred.await(response), permit.settle(ok())),
        ),
      )
      const waiting = yield* Effect.fork(another.send())
      const queued = Effect.promise(() => client.zcard(`{${prefix}:1:${major}}:queue`))
      yield* Effect.repeat(queued, { until: (count) => count === 1 })
      // What arrives within the error of the clocks, or a few milliseconds after the first one, still belongs to the
      // turn: there are more until one of them comes after that of the other process.
      const later: Array<Fiber.RuntimeFiber<void, unknown>> = []
      yield* Effect.fork(one.send()).pipe(
        Effect.map((fiber) => later.push(fiber)),
        Effect.zipRight(Effect.delay(queued, "20 millis")),
        Effect.repeat({ until: (count) => count > 1 }),
      )
      yield* stop(server)
      yield* Deferred.succeed(response, undefined)
      yield* Fiber.join(first)
      yield* until(() => one.lines.length > 0)
      // Nobody else wants the other webhook.
      yield* Effect.replicateEffect(one.send({ at: other }), 3)
      expect([waiting.unsafePoll(), later.at(-1)?.unsafePoll()]).toEqual([null, null])
      yield* startAgain(server)
      yield* Fiber.joinAll([waiting, ...later])
    }),
  )

  itWithRedis(
    "with fallbackAfter requests go on, and afterwards the limit counts as used up",
    Effect.gen(function* () {
      const server = yield* startServer()
      const prefix = makePrefix()
      const { lines, limiter, send } = yield* openLimiter(server, { prefix, fallbackAfter: 0 })
      yield* stop(server)
      yield* Effect.replicateEffect(send(), 2)
      expect(lines[0]).toContain("requests go on without it after 0")
      const bucket = Effect.map(limiter.getBucket(route()), Option.getOrThrow)
      expect((yield* bucket).blockedUntil).toBe(0)
      yield* startAgain(server)
      yield* until(() => lines.length > 1)
      // The next turn is uncertain, which blocks the bucket for one window.
      yield* send()
      yield* Effect.repeat(Effect.delay(bucket, "10 millis"), {
        until: ({ blockedUntil }) => blockedUntil > 0,
      })
      const client = yield* openClient(server)
      const key = `{${prefix}:1:${major}}`
      expect(Number(yield* Effect.promise(() => client.hget(key, "epoch")))).toBeGreaterThan(0)
    }),
  )

  itWithRedis(
    "with failAfter waiting and new requests fail, until it is back",
    Effect.gen(function* () {
      const server = yield* startServer()
      const { lines, send } = yield* openLimiter(server, {
        prefix: makePrefix(),
        failAfter: "10 millis",
      })
      yield* stop(server)
      const error = yield* Effect.flip(send())
      expect(error).toMatchObject({ _tag: "DiscordRateLimiterUnavailable", webhookId: "1" })
      const { detail, message } = error as { readonly detail: string; readonly message: string }
      expect(detail).toMatch(/^Redis \(unavailable\): .+/)
      expect(message).toContain(detail)
      expect(message).toContain("webhook 1")
      expect(lines).toHaveLength(1)
      expect(lines[0]).toContain("requests fail after 10ms")
      yield* startAgain(server)
      yield* until(() => lines.length > 1)
      yield* send()
    }),
  )

  itWithRedis(
    "maxWait ends the wait",
    Effect.gen(function* () {
      const server = yield* startServer()
      const { send } = yield* openLimiter(server, { prefix: makePrefix() })
      yield* stop(server)
      const error = yield* Effect.flip(send({ maxWait: "20 millis" }))
      expect(error).toMatchObject({ _tag: "WebhookRateLimited", reason: "maxWait" })
    }),
  )
})

describe.concurrent("a server with wrong data", () => {
  itWithRedis(
    "a key of another program stops its webhook only, with one warning",
    Effect.gen(function* () {
      const server = yield* Effect.promise(getRedis)
      const prefix = makePrefix()
      const client = yield* openClient(server)
      const key = `{${prefix}:1:${major}}`
      yield* Effect.promise(() => client.set(key, "something else"))
      const { lines, send } = yield* openLimiter(server, { prefix })
      const waiting = yield* Effect.fork(send())
      yield* until(() => lines.length > 0)
      yield* Effect.replicateEffect(send({ at: other }), 3)
      // It is called again each second. No other test of this server causes WRONGTYPE.
      const failed = async () =>
        Number(/WRONGTYPE:count=(\d+)/.exec(await client.info("errorstats"))?.[1])
      const before = yield* Effect.promise(failed)
      yield* Effect.promise(failed).pipe(
        Effect.delay("50 millis"),
        Effect.repeat({ until: (count) => count > before }),
      )
      expect(waiting.unsafePoll()).toBe(null)
      expect(lines).toHaveLength(1)
      expect(lines[0]).toMatch(
        new RegExp(`^WARN Shared limits: .*webhook ${major}.*Redis \\(rejected\\): WRONGTYPE`),
      )
      yield* Effect.promise(() => client.del(key))
      yield* Fiber.join(waiting)
      expect(lines).toHaveLength(1)
    }),
  )

  itWithRedis(
    "a server without memory counts as unavailable",
    Effect.gen(function* () {
      const server = yield* startServer()
      const client = yield* openClient(server)
      const { lines, send } = yield* openLimiter(server, { prefix: makePrefix() })
      yield* Effect.promise(() => client.config("SET", "maxmemory", "1"))
      const fiber = yield* Effect.fork(send())
      yield* until(() => lines.length > 0)
      expect(lines[0]).toContain(
        "the store is unavailable; requests wait for it Redis (unavailable): OOM",
      )
      const error = yield* Effect.flip(openLimiter(server, { prefix: makePrefix() }))
      expect(error).toMatchObject({ _tag: "DiscordRedisError", reason: "unavailable" })
      yield* Effect.promise(() => client.config("SET", "maxmemory", "0"))
      yield* Fiber.join(fiber)
      expect(lines).toHaveLength(2)
    }),
  )

  itWithRedis(
    "a server that loses everything, scripts as well, gets it again",
    Effect.gen(function* () {
      const server = yield* startServer()
      const client = yield* openClient(server)
      const prefix = makePrefix()
      const [one, another] = yield* Effect.all([
        openLimiter(server, { prefix }),
        openLimiter(server, { prefix }),
      ])
      yield* one.send()
      const waiting = yield* Effect.replicateEffect(Effect.fork(another.send()), 3)
      yield* Effect.promise(() => client.flushall())
      yield* Effect.promise(() => client.script("FLUSH"))
      yield* Effect.all([one.send(), another.send()], { concurrency: "unbounded" })
      yield* Fiber.joinAll(waiting)
      expect([...one.lines, ...another.lines]).toEqual([])
    }),
  )

  for (const [title, damage] of [
    ["a text", () => "garbage"],
    ["an empty state", () => ""],
    ["an older version", (state) => state.replace('"v":1', '"v":0')],
    ["a newer version", (state) => state.replace('"v":1', '"v":2')],
    ["half of it", (state) => state.slice(0, state.length / 2)],
    ["no uncertainty", (state) => `NaN ${state.slice(state.indexOf(" "))}`],
    ["a negative uncertainty", (state) => `-1e9 ${state.slice(state.indexOf(" "))}`],
  ] as ReadonlyArray<readonly [string, (state: string) => string]>) {
    itWithRedis(
      `a damaged state: ${title}`,
      Effect.gen(function* () {
        const server = yield* Effect.promise(getRedis)
        const client = yield* openClient(server)
        const prefix = makePrefix()
        const key = `{${prefix}:1:${major}}`
        const one = yield* openLimiter(server, { prefix })
        yield* one.send()
        yield* Effect.scoped(
          Effect.flatMap(openLimiter(server, { prefix }), (another) => another.send()),
        )
        const state = (yield* Effect.promise(() => client.hget(key, "state"))) ?? ""
        expect(state).toContain('"v":1')
        yield* Effect.promise(() => client.hset(key, "state", damage(state)))
        const third = yield* openLimiter(server, { prefix })
        yield* third.send()
        yield* one.send()
        expect([...one.lines, ...third.lines]).toEqual([])
      }),
    )
  }

  itWithRedis(
    "keys of an older version are left alone",
    Effect.gen(function* () {
      const server = yield* Effect.promise(getRedis)
      const client = yield* openClient(server)
      const prefix = makePrefix()
      const older = { owner: "older.0", epoch: "9007199254740991", state: "0 {}" }
      const key = `{${prefix}:0:${major}}`
      yield* Effect.promise(() => client.hset(key, older))
      yield* Effect.promise(() => client.zadd(`${key}:queue`, 1, "older.0:1"))
      const { lines, send } = yield* openLimiter(server, { prefix })
      yield* send()
      expect(yield* Effect.promise(() => client.hgetall(key))).toEqual(older)
      expect(yield* Effect.promise(() => client.zcard(`${key}:queue`))).toBe(1)
      expect(lines).toEqual([])
    }),
  )

  itWithRedis(
    "messages that no script has published are ignored",
    Effect.gen(function* () {
      const server = yield* Effect.promise(getRedis)
      const client = yield* openClient(server)
      const prefix = makePrefix()
      const { lines, send } = yield* openLimiter(server, { prefix })
      const [channel = ""] = yield* Effect.promise(
        () => client.pubsub("CHANNELS", `${prefix}*`) as Promise<ReadonlyArray<string>>,
      ).pipe(Effect.repeat({ until: (channels) => channels.length > 0 }))
      yield* send()
      const turn = { key: major, process: `${channel.split(":").at(-1)}.0`, uncertain: "" }
      for (const message of [
        "",
        "{",
        "[]",
        "null",
        JSON.stringify({ key: 1, wanted: 2 }),
        JSON.stringify({ key: major, wanted: "soon" }),
        JSON.stringify({ key: major, wanted: "0" }),
        JSON.stringify({ key: "unknown", wanted: "1" }),
        JSON.stringify({ ...turn, epoch: "NaN", until: "", state: "" }),
        JSON.stringify({ ...turn, epoch: "1", until: "never", state: "" }),
        JSON.stringify({ ...turn, epoch: "1", until: "", state: "{}" }),
      ]) {
        yield* Effect.promise(() => client.publish(channel, message))
        yield* send()
      }
      expect(lines).toEqual([])
    }),
  )
})

describe.concurrent("durations of any size", () => {
  for (const options of [
    { idleAfter: Number.POSITIVE_INFINITY },
    { idleAfter: 1e300 },
    { idleAfter: 0.5, lease: 2000.5 },
    { idleAfter: 200_000.5, lease: "1 hour" },
  ] as ReadonlyArray<RedisRateLimiter.Options>) {
    itWithRedis(
      `are accepted by Redis: ${JSON.stringify(options)}`,
      Effect.gen(function* () {
        const server = yield* Effect.promise(getRedis)
        const prefix = makePrefix()
        const { lines, send } = yield* openLimiter(server, { prefix, ...options })
        yield* send()
        yield* (yield* openLimiter(server, { prefix, ...options })).send()
        expect(lines).toEqual([])
      }),
    )
  }
})
