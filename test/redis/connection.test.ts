/** Connections that cannot be made, and what their errors say. */
// Any error fails a test, so errors have no types here.
// @effect-diagnostics anyUnknownInErrorContext:off
import { createServer as createHttpServer } from "node:http"
import { createServer, type Server } from "node:net"
import { createServer as createTlsServer } from "node:tls"
import { describe, expect } from "@effect/vitest"
import { vi } from "vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Schedule from "effect/Schedule"
import { RedisConnection } from "../../src/redis/index.js"
import { findPort } from "../support/server.js"
import {
  failToConnect,
  itWithRedis,
  makePrefix,
  openLimiter,
  openClient,
  openLimiterOn,
  startServer,
} from "./testLimiters.js"

/** The port of a server that is not Redis. */
const listen = (server: Server) =>
  Effect.acquireRelease(
    Effect.promise(async () => {
      const port = await findPort()
      await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve))
      return port
    }),
    () => Effect.sync(() => server.close()),
  )

/** A server with a user, whose rights change. */
const startWithUser = (...rights: ReadonlyArray<string>) =>
  Effect.gen(function* () {
    const server = yield* startServer()
    const client = yield* openClient(server)
    const setRights = (...more: ReadonlyArray<string>) =>
      Effect.promise(() => client.call("ACL", "SETUSER", "app", ...more))
    yield* setRights("on", ">password", ...rights)
    return { client, setRights, url: `redis://app:password@127.0.0.1:${server.port}` }
  })

/** What is written to the console in the meantime. */
const captureConsole = Effect.acquireRelease(
  Effect.sync(() => {
    const lines: Array<string> = []
    const spies = (["log", "info", "warn", "error"] as const).map((name) =>
      vi.spyOn(console, name).mockImplementation((...line) => void lines.push(line.join(" "))),
    )
    return { lines, spies }
  }),
  ({ spies }) => Effect.sync(() => spies.forEach((spy) => spy.mockRestore())),
).pipe(Effect.map(({ lines }) => lines))

describe.concurrent("a connection that fails", () => {
  itWithRedis(
    "without a server",
    Effect.gen(function* () {
      const port = yield* Effect.promise(findPort)
      const error = yield* failToConnect(`redis://127.0.0.1:${port}`)
      expect(error).toMatchObject({ _tag: "DiscordRedisError", reason: "unavailable" })
      expect(error.message).toContain(`ECONNREFUSED 127.0.0.1:${port}`)
    }),
  )

  itWithRedis(
    "with a wrong password, a wrong user or none",
    Effect.gen(function* () {
      const { port } = yield* startServer("--requirepass", "right-password")
      for (const [login, detail] of [
        [":wrong-password@", "WRONGPASS"],
        ["nobody:wrong-password@", "WRONGPASS"],
        ["", "NOAUTH"],
      ]) {
        const error = yield* failToConnect(`redis://${login}127.0.0.1:${port}`)
        expect(error).toMatchObject({ _tag: "DiscordRedisError", reason: "denied" })
        expect(error.message).toContain(detail)
        expect(error.message).not.toContain("wrong-password")
      }
      const right = { url: `redis://:right-password@127.0.0.1:${port}` }
      const { send } = yield* openLimiter(right, { prefix: makePrefix() })
      yield* send()
    }),
  )

  for (const url of [
    "",
    "not a URL",
    "http://user:wrong-password@127.0.0.1:1",
    "redis://user:wrong password@[x]:port",
    "redis://user:wrong-password@127.0.0.1:99999",
    "//user:wrong-password@127.0.0.1",
    "redis://user:wrong-password@127.0.0.1/database",
    "redis://user:wrong-password@127.0.0.1?db=database",
    "redis://user:wrong-password@127.0.0.1?db=",
    "/wrong.sock?db=database",
    "localhost:6379",
  ]) {
    itWithRedis(
      `with a wrong URL: ${url}`,
      Effect.gen(function* () {
        const error = yield* failToConnect(url)
        expect(error).toMatchObject({ _tag: "DiscordRedisError", reason: "invalid" })
        expect(error.message).toContain("redis://user:password@host:6379/0")
        expect(error.message).not.toContain("wrong")
      }),
    )
  }

  for (const database of ["/99", "?db=99"]) {
    itWithRedis(
      `to a database that does not exist: ${database}`,
      Effect.gen(function* () {
        const { url } = yield* startServer()
        const error = yield* failToConnect(`${url}${database}`)
        expect(error).toMatchObject({ _tag: "DiscordRedisError", reason: "invalid" })
        expect(error.message).toBe(
          "Redis (invalid): it has no database 99 (ERR DB index is out of range); take another number, by default one from 0 to 15, and 0 in a cluster",
        )
      }),
    )
  }

  itWithRedis(
    "to a database that the user may not select",
    Effect.gen(function* () {
      const { url } = yield* startWithUser("~*", "&*", "+@all", "-select")
      const error = yield* failToConnect(`${url}/1`)
      expect(error).toMatchObject({ _tag: "DiscordRedisError", reason: "denied" })
      expect(error.message).toContain("'select'")
    }),
  )

  itWithRedis(
    "with a wrong password and a database: the password is what is wrong",
    Effect.gen(function* () {
      const { port } = yield* startServer("--requirepass", "right-password")
      const error = yield* failToConnect(`redis://:wrong-password@127.0.0.1:${port}/99`)
      expect(error).toMatchObject({ reason: "denied" })
      expect(error.message).toContain("it rejects the user or the password of the address")
    }),
  )

  for (const query of [
    "connectTimeout=10000",
    "reconnectOnError=1",
    "lazyConnect=",
    "monitor=true",
  ]) {
    itWithRedis(
      `with an option of the client: ${query}`,
      Effect.gen(function* () {
        const { port } = yield* startServer()
        const error = yield* failToConnect(`redis://127.0.0.1:${port}?${query}`)
        expect(error).toMatchObject({ _tag: "DiscordRedisError", reason: "invalid" })
        expect(error.message).toContain("RedisConnection.layerClient")
      }),
    )
  }

  for (const login of [":wrong%ZZ", "wrong%ZZ:password", ":wrong%E9"]) {
    itWithRedis(
      `with a % that encodes nothing: ${login}`,
      Effect.gen(function* () {
        const { port } = yield* startServer()
        const error = yield* failToConnect(`redis://${login}@127.0.0.1:${port}`)
        expect(error).toMatchObject({ _tag: "DiscordRedisError", reason: "invalid" })
        expect(error.message).toContain("write %25 for a %")
        expect(error.message).not.toContain("wrong")
      }),
    )
  }

  for (const login of ["", ":password@"]) {
    itWithRedis(
      `to an HTTP server: redis://${login}`,
      Effect.gen(function* () {
        const port = yield* listen(createHttpServer((_, response) => response.end("a page")))
        const error = yield* failToConnect(`redis://${login}127.0.0.1:${port}/1`)
        expect(error).toMatchObject({ _tag: "DiscordRedisError", reason: "invalid" })
        expect(error.message).toBe(
          "Redis (invalid): what responds at the address is not Redis; check host and port, for example that it is not an HTTP server",
        )
      }),
    )
  }

  itWithRedis(
    "with TLS to a port without",
    Effect.gen(function* () {
      const port = yield* listen(createHttpServer())
      const error = yield* failToConnect(`rediss://127.0.0.1:${port}`)
      expect(error).toMatchObject({ _tag: "DiscordRedisError", reason: "invalid" })
      expect(error.message).toBe(
        "Redis (invalid): the server has no TLS at this port; use redis:// instead of rediss://, or the port with TLS",
      )
    }),
  )

  for (const [title, make] of [
    ["without TLS to a port with", () => createTlsServer()],
    ["to a server that closes it", () => createServer((socket) => socket.destroy())],
  ] as const) {
    itWithRedis(
      title,
      Effect.gen(function* () {
        const error = yield* failToConnect(`redis://127.0.0.1:${yield* listen(make())}`)
        expect(error).toMatchObject({ _tag: "DiscordRedisError", reason: "unavailable" })
        expect(error.message).toContain("closed the connection at once; check host and port")
        expect(error.message).toContain("rediss://host")
      }),
    )
  }
})

// Not concurrent, because it replaces the methods of the console.
describe("a connection that works without a part of its address", () => {
  for (const login of [":needless", "default:needless"]) {
    itWithRedis(
      `a password that the server does not require: ${login}`,
      Effect.gen(function* () {
        const written = yield* captureConsole
        const { port } = yield* startServer()
        const url = `redis://${login}@127.0.0.1:${port}`
        const prefix = makePrefix()
        const [one, another] = yield* Effect.all([
          openLimiter({ url }, { prefix }),
          openLimiter({ url }, { prefix }),
        ])
        for (const { send } of [one, another, one]) yield* send()
        expect([...one.lines, ...another.lines, ...written]).toEqual([])
      }),
    )
  }

  for (const command of ["info", "pubsub"]) {
    itWithRedis(
      `a user without the right to ${command}`,
      Effect.gen(function* () {
        const written = yield* captureConsole
        const { url } = yield* startWithUser("~*", "&*", "+@all", `-${command}`)
        const { lines, send } = yield* openLimiter({ url }, { prefix: makePrefix() })
        yield* send()
        expect([...lines, ...written]).toEqual([])
      }),
    )
  }

  itWithRedis(
    "another database",
    Effect.gen(function* () {
      const { url } = yield* startServer()
      const prefix = makePrefix()
      const { send } = yield* openLimiter({ url: `${url}/15` }, { prefix })
      yield* send()
      const client = yield* openClient({ url: `${url}/15` })
      expect(yield* Effect.promise(() => client.keys(`*${prefix}*`))).not.toEqual([])
    }),
  )
})

describe.concurrent("a user of an access list", () => {
  itWithRedis(
    "is enough with the rights that the guide names",
    Effect.gen(function* () {
      const rights = "~{alerts:* ~alerts:* &alerts:* +@all -@dangerous +info"
      const own = yield* startWithUser(...rights.split(" "))
      const options = { prefix: "alerts", address: "egress" }
      const [one, another] = yield* Effect.all([
        openLimiter(own, options),
        openLimiter(own, options),
      ])
      for (const { send } of [one, another, one]) yield* send()
      expect([...one.lines, ...another.lines]).toEqual([])
    }),
  )

  itWithRedis(
    "gets messages as soon as it has the right to them",
    Effect.gen(function* () {
      const { client, setRights, url } = yield* startWithUser("~*", "resetchannels", "+@all")
      const prefix = makePrefix()
      yield* openLimiter({ url }, { prefix })
      yield* setRights(`&${prefix}:*`)
      const channels = Effect.promise(() => client.call("PUBSUB", "CHANNELS", `${prefix}:*`))
      yield* Effect.repeat(Effect.delay(channels, 20), {
        while: (found) => Array.isArray(found) && found.length === 0,
      })
    }),
  )
})

describe.concurrent("a server that stands still", () => {
  itWithRedis(
    "and leaves with a command does not end the next connection, also without a subscription",
    Effect.gen(function* () {
      const server = yield* startServer()
      const context = yield* Layer.build(RedisConnection.layer(server.url))
      const { eval: run } = Context.get(context, RedisConnection.RedisConnection)
      const ping = run("return 1", [], [])
      yield* ping
      process.kill(server.pid(), "SIGSTOP")
      const lost = yield* Effect.fork(Effect.flip(ping))
      yield* Effect.sleep("50 millis")
      yield* Effect.promise(() => server.kill())
      expect(yield* Fiber.join(lost)).toMatchObject({ reason: "unavailable" })
      yield* Effect.promise(() => server.start())
      yield* Effect.retry(ping, Schedule.spaced("10 millis"))
      // Longer than the time limit of a connection.
      const always = Schedule.spaced("10 millis").pipe(Schedule.upTo("5500 millis"))
      yield* Effect.repeat(ping, always)
    }),
  )

  itWithRedis(
    "is an error at the start of a limiter, also on a client that waits for ever",
    Effect.gen(function* () {
      const server = yield* startServer()
      const client = yield* openClient(server)
      yield* Effect.promise(() => client.ping())
      process.kill(server.pid(), "SIGSTOP")
      const connection = RedisConnection.layerClient(client)
      const error = yield* Effect.flip(openLimiterOn(connection, { prefix: makePrefix() }))
      expect(error).toMatchObject({
        _tag: "DiscordRedisError",
        reason: "unavailable",
        detail: "no response",
      })
    }),
  )
})
