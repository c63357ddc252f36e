/** Requests through a proxy: a real one on loopback, that opens tunnels by CONNECT. */
import { createServer } from "node:http"
import { connect } from "node:net"
import type { AddressInfo, Socket } from "node:net"
import { Agent } from "@effect/platform-node/Undici"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import { describe, expect, it } from "@effect/vitest"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { FileUpload, RateLimiter, RestConfig, Strategy, Webhook } from "../../src/index.js"
import { NodeDiscord } from "../../src/node/index.js"
import { DiscordSimulator } from "../../src/testing/index.js"

interface Proxy {
  readonly port: number
  /** `host:port authorization` of each CONNECT. */
  readonly targets: Array<string>
}

/** Tunnels to `target`, whichever host is targets for, or rejects with `status`. */
const proxyTo = (target: number, status = 200) =>
  Effect.acquireRelease(
    Effect.async<{ readonly proxy: Proxy; readonly close: Effect.Effect<void> }>((resume) => {
      const targets: Array<string> = []
      const sockets = new Set<Socket>()
      const server = createServer().on("connection", (socket) => {
        sockets.add(socket)
        socket.on("close", () => sockets.delete(socket)).on("error", () => socket.destroy())
      })
      server.on("connect", (request, socket) => {
        targets.push(`${request.url} ${request.headers["proxy-authorization"] ?? "-"}`)
        socket.write(`HTTP/1.1 ${status} Here\r\n\r\n`)
        if (status !== 200) {
          socket.end()
          return
        }
        const tunnel = connect(target, "127.0.0.1")
        tunnel.on("error", () => socket.destroy())
        tunnel.pipe(socket)
        socket.pipe(tunnel)
      })
      server.listen(0, "127.0.0.1", () => {
        const { port } = server.address() as AddressInfo
        const close = Effect.async<void>((closed) => {
          server.close(() => closed(Effect.void))
          for (const socket of sockets) socket.destroy()
        })
        resume(Effect.succeed({ proxy: { port, targets }, close }))
      })
    }),
    ({ close }) => close,
  ).pipe(Effect.map(({ proxy }) => proxy))

const server = NodeHttpServer.layerServer(createServer, { host: "127.0.0.1", port: 0 })

const discord = Effect.gen(function* () {
  const simulator = yield* DiscordSimulator.make()
  const { origin } = yield* Effect.provide(simulator.serve, yield* Layer.build(server))
  const webhook = yield* simulator.createWebhook()
  return {
    simulator,
    webhook,
    hook: yield* Webhook.fromUrl(webhook.url),
    port: Number(new URL(origin).port),
  }
})

const through = (
  options: NodeDiscord.Options,
  baseUrl: string,
  environment: Readonly<Record<string, string>> = {},
) =>
  Layer.mergeAll(
    NodeDiscord.layerHttpClientWith(options),
    RateLimiter.layerMemory,
    Strategy.layerProactive,
    RestConfig.layerWith({ baseUrl, backoffBase: "1 millis" }),
  ).pipe(
    Layer.provide(
      Layer.setConfigProvider(ConfigProvider.fromMap(new Map(Object.entries(environment)))),
    ),
  )

describe("a proxy", () => {
  it.scopedLive("sends messages and files through the proxy of the option", () =>
    Effect.gen(function* () {
      const { hook, port, simulator, webhook } = yield* discord
      const proxy = yield* proxyTo(port)
      const url = Redacted.make(`http://ada:pass%20word@127.0.0.1:${proxy.port}`)
      const layer = through({ proxy: url }, `http://127.0.0.1:${port}/api/v10`)
      yield* Effect.gen(function* () {
        yield* Webhook.send(hook, { content: "one" })
        yield* Webhook.send(hook, { files: [FileUpload.fromText("a.txt", "hello")] })
      }).pipe(Effect.provide(layer))
      expect(yield* simulator.messages(webhook)).toHaveLength(2)
      const authorization = `Basic ${Buffer.from("ada:pass word").toString("base64")}`
      expect(new Set(proxy.targets)).toEqual(new Set([`127.0.0.1:${port} ${authorization}`]))
    }),
  )

  it.scopedLive.each([
    ["HTTPS_PROXY, also for http", "http://", "HTTP_PROXY", {}, true],
    ["a name in small letters", "http://", "http_proxy", {}, true],
    ["an address without scheme", "", "HTTP_PROXY", {}, true],
    ["NO_PROXY", "http://", "HTTP_PROXY", { NO_PROXY: "example.com, .test" }, false],
    ["NO_PROXY for all", "http://", "HTTP_PROXY", { no_proxy: "*" }, false],
  ] as const)("is found in the environment: %s", ([, scheme, name, more, isUsed]) =>
    Effect.gen(function* () {
      const { hook, port, simulator } = yield* discord
      const proxy = yield* proxyTo(port)
      const environment = { [name]: `${scheme}127.0.0.1:${proxy.port}`, ...more }
      // Nothing but the proxy knows where that is.
      const layer = through({}, `http://discord.test:${port}/api/v10`, environment)
      const sent = Webhook.send(hook, { content: "one" }).pipe(
        RestConfig.withOptions({ maxRetries: 0 }),
        Effect.provide(layer),
        Effect.either,
      )
      expect((yield* sent)._tag).toBe(isUsed ? "Right" : "Left")
      expect(proxy.targets).toEqual(isUsed ? [`discord.test:${port} -`] : [])
      expect(yield* simulator.traffic).toHaveLength(isUsed ? 1 : 0)
    }),
  )

  it.scopedLive("is not used for loopback, nor with proxy: false", () =>
    Effect.gen(function* () {
      const { hook, port } = yield* discord
      const proxy = yield* proxyTo(port)
      const environment = { HTTP_PROXY: `http://127.0.0.1:${proxy.port}` }
      const send = (options: NodeDiscord.Options, host: string) =>
        Webhook.send(hook, { content: "one" }).pipe(
          RestConfig.withOptions({ maxRetries: 0 }),
          Effect.provide(through(options, `http://${host}:${port}/api/v10`, environment)),
          Effect.either,
        )
      expect((yield* send({}, "127.0.0.1"))._tag).toBe("Right")
      expect((yield* send({}, "localhost"))._tag).toBe("Right")
      expect((yield* send({ proxy: false }, "discord.test"))._tag).toBe("Left")
      expect(proxy.targets).toEqual([])
    }),
  )

  it.scopedLive.each([
    // Wrong credentials stay wrong; what stands behind the proxy may come back.
    [407, 1],
    [502, 4],
  ] as const)("that rejects with %s has sent nothing", ([status, attempts]) =>
    Effect.gen(function* () {
      const { hook, simulator } = yield* discord
      const proxy = yield* proxyTo(0, status)
      const layer = through({}, "https://discord.test/api/v10", {
        HTTPS_PROXY: `http://127.0.0.1:${proxy.port}`,
      })
      const sending = Webhook.send(hook, { content: "one" }).pipe(Effect.provide(layer))
      const error = yield* Effect.flip(sending)
      expect(error).toMatchObject({
        _tag: "DiscordTransportError",
        reason: "proxy",
        delivered: "no",
        attempts,
      })
      expect(error.message).toContain("HTTPS_PROXY")
      expect(proxy.targets).toEqual(Array.from({ length: attempts }, () => "discord.test:443 -"))
      expect(yield* simulator.traffic).toEqual([])
    }),
  )

  it.scopedLive("that closes without a response has sent nothing either", () =>
    Effect.gen(function* () {
      const { hook } = yield* discord
      const closing = createServer().on("connect", (_, socket) => socket.destroy())
      const [{ port }] = yield* Effect.acquireRelease(
        Effect.async<[AddressInfo]>((resume) => {
          closing.listen(0, "127.0.0.1", () =>
            resume(Effect.succeed([closing.address() as AddressInfo])),
          )
        }),
        () => Effect.async<void>((done) => void closing.close(() => done(Effect.void))),
      )
      const layer = through({ proxy: `http://127.0.0.1:${port}` }, "https://discord.test/api/v10")
      const error = yield* Effect.flip(
        Webhook.send(hook, { content: "one" }).pipe(
          RestConfig.withOptions({ maxRetries: 0, connectionTimeout: "200 millis" }),
          Effect.provide(layer),
        ),
      )
      expect(error).toMatchObject({ _tag: "DiscordTransportError", delivered: "no" })
    }),
  )

  it.effect.each(["http://", "ftp://user:s3cret@proxy", "http://user:s3cret@:99999"])(
    "of no use fails the layer, and is not repeated: %s",
    (proxy) =>
      Effect.gen(function* () {
        for (const layer of [
          NodeDiscord.layerHttpClientWith({ proxy }),
          Layer.provide(
            NodeDiscord.layerHttpClient,
            Layer.setConfigProvider(ConfigProvider.fromMap(new Map([["HTTPS_PROXY", proxy]]))),
          ),
        ]) {
          const error = yield* Effect.flip(Effect.scoped(Layer.build(layer)))
          expect(error._tag).toBe("DiscordConfigurationError")
          expect(error.message).toContain("expected the URL of a proxy")
          expect(JSON.stringify(error)).not.toContain("s3cret")
        }
      }),
  )
})

describe("a dispatcher of one's own", () => {
  it.scopedLive("is used, and not closed", () =>
    Effect.gen(function* () {
      const { hook, port, simulator } = yield* discord
      const agent = new Agent()
      const used: Array<string> = []
      const counting = agent.compose((dispatch) => (options, handler) => {
        used.push(String(options.origin))
        return dispatch(options, handler)
      })
      const origin = `http://127.0.0.1:${port}`
      const layer = through({ dispatcher: counting }, `${origin}/api/v10`)
      yield* Effect.provide(Webhook.send(hook, { content: "one" }), layer)
      yield* Effect.provide(Webhook.send(hook, { content: "two" }), layer)
      expect(used).toEqual([origin, origin])
      expect(yield* simulator.traffic).toHaveLength(2)
      yield* Effect.promise(() => agent.destroy())
    }),
  )
})
