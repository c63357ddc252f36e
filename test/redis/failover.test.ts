/** A Redis that is slow, fails over to its replica, or wants another password while processes use it. */
// Any error fails a test, so errors have no types here.
// @effect-diagnostics anyUnknownInErrorContext:off
import { once } from "node:events"
import { type AddressInfo, createServer } from "node:net"
import { describe, expect } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { Redis } from "ioredis"
import { RedisConnection } from "../../src/redis/index.js"
import { route } from "../ratelimit/responses.js"
import type { RedisServer } from "../support/redis.js"
import { Endpoint } from "./Endpoint.js"
import {
  itWithRedis,
  makePrefix,
  openLimiter,
  openClient,
  openLimiterOn,
  startServer,
  until,
} from "./testLimiters.js"

/** A primary with its replica, and the address of the primary. */
const openPair = Effect.gen(function* () {
  const primary = yield* startServer("--repl-diskless-sync-delay", "0")
  const replica = yield* startServer("--replicaof", `127.0.0.1 ${primary.port}`)
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

/** Waits until so many processes get messages. */
const untilSubscribed = (server: RedisServer, prefix: string, count: number) =>
  Effect.gen(function* () {
    const client = yield* openClient(server)
    yield* Effect.promise(
      () => client.pubsub("CHANNELS", `${prefix}*`) as Promise<ReadonlyArray<string>>,
    ).pipe(Effect.repeat({ until: (channels) => channels.length === count }))
  })

const away =
  /^WARN Shared limits: the store is unavailable; requests wait for it Redis \(unavailable\): /
const back = "INFO Shared limits: the store is available again"

describe.concurrent("a server that fails over", () => {
  itWithRedis(
    "to its replica, and keeps its connections: requests go on with the new one",
    Effect.gen(function* () {
      const pair = yield* openPair
      const prefix = makePrefix()
      const [one, another] = yield* Effect.all([
        openLimiter(pair.endpoint, { prefix }),
        openLimiter(pair.endpoint, { prefix }),
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

  itWithRedis(
    "without a word on its connections: requests go on with the new one",
    Effect.gen(function* () {
      const pair = yield* openPair
      const prefix = makePrefix()
      const options = { prefix, lease: "3 seconds" } as const
      const [one, another] = yield* Effect.all([
        openLimiter(pair.endpoint, options),
        openLimiter(pair.endpoint, options),
      ])
      yield* one.send()
      yield* another.send()
      pair.endpoint.silence()
      yield* failOver(pair)
      yield* Effect.all([one.send(), another.send()], { concurrency: "unbounded" })
      yield* until(() => one.lines.length > 1 && another.lines.length > 1)
      for (const { lines } of [one, another]) {
        expect(lines).toHaveLength(2)
        expect(lines[0]).toContain("the store is unavailable; requests wait for it")
        expect(lines[1]).toBe(back)
      }
      // Messages come over connections of their own.
      yield* untilSubscribed(pair.replica, prefix, 2)
    }),
  )

  itWithRedis(
    "and back: requests wait as long as it only reads",
    Effect.gen(function* () {
      const { primary, replica } = yield* openPair
      const { lines, send } = yield* openLimiter(primary, { prefix: makePrefix() })
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

describe.concurrent("a slow server", () => {
  itWithRedis(
    "is waited for, without a line",
    Effect.gen(function* () {
      const server = yield* startServer()
      const prefix = makePrefix()
      const [one, another] = yield* Effect.all([
        openLimiter(server, { prefix }),
        openLimiter(server, { prefix }),
      ])
      const client = yield* openClient(server)
      for (const { send } of [one, another, one]) {
        yield* Effect.promise(() => client.client("PAUSE", 200))
        yield* send()
      }
      expect([...one.lines, ...another.lines]).toEqual([])
    }),
  )

  itWithRedis(
    "that replies nothing for 5 seconds counts as unavailable",
    Effect.gen(function* () {
      const server = yield* startServer()
      const { lines, send } = yield* openLimiter(server, { prefix: makePrefix() })
      process.kill(server.pid(), "SIGSTOP")
      const fiber = yield* Effect.fork(send())
      yield* until(() => lines.length > 0)
      // The call has this limit, and so has the client for its connection: either may be first.
      expect(lines[0]).toMatch(
        /the store is unavailable; requests wait for it (?:Redis \(unavailable\): there was )?no response/,
      )
      process.kill(server.pid(), "SIGCONT")
      yield* Fiber.join(fiber)
      expect(lines.slice(1)).toEqual([back])
    }),
  )

  itWithRedis(
    "that leaves without a reply does not end the next connection",
    Effect.gen(function* () {
      const server = yield* startServer()
      const socketTimeout = 2000
      const client = new Redis(server.url, {
        enableOfflineQueue: false,
        maxRetriesPerRequest: 0,
        socketTimeout,
      })
      client.on("error", () => {})
      yield* Effect.addFinalizer(() => Effect.sync(() => client.disconnect()))
      yield* Effect.promise(() => once(client, "ready"))
      const { send } = yield* openLimiterOn(RedisConnection.layerClient(client), {
        prefix: makePrefix(),
      })
      process.kill(server.pid(), "SIGSTOP")
      const fiber = yield* Effect.fork(send())
      yield* until(() => client.commandQueue.length > 0)
      yield* Effect.promise(() => server.kill())
      yield* Effect.promise(() => server.start())
      yield* Fiber.join(fiber)
      let closes = 0
      client.on("close", () => (closes += 1))
      yield* Effect.sleep(socketTimeout)
      expect(closes).toBe(0)
    }),
  )
})

const login = "it rejects the user or the password of the address (WRONGPASS"

describe.concurrent("a password that changes", () => {
  for (const [title, secret, detail] of [
    ["of a process without one", "", "it requires a password, and none was given"],
    ["of a process with another one", ":first-secret@", login],
  ] as const) {
    for (const failAfter of ["forever", "10 millis"] as const) {
      itWithRedis(
        `${title} is an absence, which is explained, until it is right again; failAfter: ${failAfter}`,
        Effect.gen(function* () {
          const isProtected = secret !== ""
          const server = yield* startServer(
            ...(isProtected ? ["--requirepass", "first-secret"] : []),
          )
          const own = { url: server.url.replace("//", `//${secret}`) }
          const options = failAfter === "forever" ? {} : { failAfter }
          const { lines, send } = yield* openLimiter(own, { prefix: makePrefix(), ...options })
          const client = yield* openClient(own)
          const setPassword = (password: string) =>
            Effect.promise(() => client.config("SET", "requirepass", password))
          yield* setPassword("another-secret")
          yield* Effect.promise(() => client.client("KILL", "SKIPME", "yes"))
          const fiber = yield* Effect.fork(Effect.either(send()))
          yield* until(() => lines.length > 1)
          // The call that fails first does not know why: the order of the two is open.
          const [rejected = "", absent = ""] = [...lines].sort()
          expect(rejected).toContain(
            `WARN Shared limits: the connection is rejected Redis (denied): ${detail}`,
          )
          expect(absent).toMatch(/^WARN Shared limits: the store is unavailable; requests /)
          expect(absent).not.toMatch(/Stream|queue|max/i)
          if (failAfter !== "forever") {
            expect(yield* Fiber.join(fiber)).toMatchObject({
              left: { _tag: "DiscordRateLimiterUnavailable" },
            })
            // By now every call fails with the reason.
            const failures = Effect.flip(send()).pipe(Effect.map(String))
            yield* Effect.repeat(failures, { until: (text) => text.includes(detail) })
          }
          yield* setPassword(isProtected ? "first-secret" : "")
          yield* until(() => lines.length > 2)
          expect(lines.slice(2)).toEqual([back])
          yield* send()
          if (failAfter === "forever")
            expect(yield* Fiber.join(fiber)).toMatchObject({ _tag: "Right" })
          expect(lines.join()).not.toContain("-secret")
        }),
      )
    }
  }
})

/** A sentinel that takes its time to name the server. */
const openSentinel = (server: RedisServer) =>
  Effect.acquireRelease(
    Effect.promise(async () => {
      const port = String(server.port)
      const address = ["*2", "$9", "127.0.0.1", `$${port.length}`, port, ""].join("\r\n")
      const sentinel = createServer((socket) => {
        socket.on("error", () => {})
        socket.on("data", (data) => {
          const commands = data
            .toString()
            .split(/\*\d+\r\n/)
            .slice(1)
          const replies = commands.map((command) =>
            command.includes("get-master-addr-by-name")
              ? address
              : command.includes("sentinels")
                ? "*0\r\n"
                : "+OK\r\n",
          )
          setTimeout(() => socket.write(replies.join("")), 100)
        })
      })
      await once(sentinel.listen(0, "127.0.0.1"), "listening")
      return sentinel
    }),
    (sentinel) => Effect.sync(() => sentinel.close()),
  ).pipe(Effect.map((sentinel) => (sentinel.address() as AddressInfo).port))

describe.concurrent("a client of the program", () => {
  itWithRedis(
    "is explained as well when its password is wrong",
    Effect.gen(function* () {
      const server = yield* startServer()
      const client = new Redis(server.url, { enableOfflineQueue: false, maxRetriesPerRequest: 0 })
      client.on("error", () => {})
      yield* Effect.addFinalizer(() => Effect.sync(() => client.disconnect()))
      yield* Effect.promise(() => once(client, "ready"))
      const connection = RedisConnection.layerClient(client)
      const { lines, send } = yield* openLimiterOn(connection, {
        prefix: makePrefix(),
        failAfter: 0,
      })
      const other = yield* openClient(server)
      yield* Effect.promise(() => other.config("SET", "requirepass", "another-secret"))
      yield* Effect.promise(() => other.client("KILL", "SKIPME", "yes"))
      const failures = Effect.either(send()).pipe(Effect.map(String))
      yield* Effect.repeat(failures, { until: (text) => text.includes("it requires a password") })
      expect([...lines].sort()[0]).toContain("the connection is rejected Redis (denied)")
    }),
  )

  itWithRedis(
    "that asks Sentinel for the address gets its messages again",
    Effect.gen(function* () {
      const server = yield* startServer()
      const port = yield* openSentinel(server)
      const client = new Redis({
        sentinels: [{ host: "127.0.0.1", port }],
        name: "any",
        maxRetriesPerRequest: 0,
      })
      client.on("error", () => {})
      yield* Effect.addFinalizer(() => Effect.sync(() => client.disconnect()))
      yield* Effect.promise(() => once(client, "ready"))
      const prefix = makePrefix()
      const { lines, send } = yield* openLimiterOn(RedisConnection.layerClient(client), { prefix })
      yield* send()
      yield* Effect.promise(() => server.kill())
      yield* until(() => client.status === "reconnecting")
      // By now both have looked for the address several times, without a server there.
      yield* Effect.sleep("1 second")
      yield* Effect.promise(() => server.start())
      yield* send({ at: route({ webhookId: "2" }) })
      expect(lines.length % 2).toBe(0)
      yield* untilSubscribed(server, prefix, 1)
    }),
  )
})
