/** The token of a webhook is in no error, log, span or metric, for any operation and failure. */
import * as FetchHttpClient from "@effect/platform/FetchHttpClient"
import * as HttpClient from "@effect/platform/HttpClient"
import * as HttpClientError from "@effect/platform/HttpClientError"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/TestClock"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { describe, expect } from "vitest"
import {
  FileUpload,
  InteractionWebhook,
  RateLimiter,
  RestConfig,
  Route,
  Strategy,
  Webhook,
  WebhookError,
  WebhookUrl,
} from "../../src/index.js"
import { NodeDiscord } from "../../src/node/index.js"
import { DiscordSimulator, Fault } from "../../src/testing/index.js"
import * as requests from "../../src/webhook/requests.js"
import { runs } from "../support/laws.js"
import { recordedTexts, finder, makeRecorder, record, shown } from "./detector.js"
import type { Recorder } from "./detector.js"

const messageId = "1234567890123456789"

const site = "https://a.example/"

const file = FileUpload.fromText("a.txt", "hello")

type Act = (hook: Webhook.Webhook) => Webhook.Operation<unknown>

/** The token is that of a webhook; what comes back is that of an interaction. */
const asInteraction =
  (act: (interaction: InteractionWebhook.InteractionWebhook) => Webhook.Operation<unknown>): Act =>
  ({ id, token }) =>
    Effect.flatMap(Effect.orDie(InteractionWebhook.make({ applicationId: id, token })), act)

/** By the function that is called, which errors name, and what is special, after a comma. */
const operations: ReadonlyArray<readonly [name: string, act: Act]> = [
  ["Webhook.send", (hook) => Webhook.send(hook, { content: "hello" })],
  [
    "Webhook.send, without waiting",
    (hook) => Webhook.send(hook, { content: "hello" }, { wait: false }),
  ],
  ["Webhook.send, a file", (hook) => Webhook.send(hook, { files: [file] })],
  [
    "Webhook.send, to a thread",
    (hook) => Webhook.send(hook, { content: "x" }, { threadId: messageId }),
  ],
  ["Webhook.getMessage", (hook) => Webhook.getMessage(hook, messageId)],
  ["Webhook.editMessage", (hook) => Webhook.editMessage(hook, messageId, { content: "bye" })],
  ["Webhook.deleteMessage", (hook) => Webhook.deleteMessage(hook, messageId)],
  [
    "InteractionWebhook.send",
    asInteraction((interaction) =>
      InteractionWebhook.send(interaction, { content: "x", flags: ["Ephemeral"] }),
    ),
  ],
  [
    "InteractionWebhook.editMessage",
    asInteraction((interaction) =>
      InteractionWebhook.editMessage(interaction, "@original", { content: "x" }),
    ),
  ],
  ["Webhook.get", (hook) => Webhook.get(hook)],
  ["Webhook.modify", (hook) => Webhook.modify(hook, { name: "Deploys" })],
  ["Webhook.delete", (hook) => Webhook.delete(hook)],
  ["Webhook.sendToThread", (hook) => Webhook.sendToThread(hook, messageId, { content: "x" })],
  ["Webhook.createThread", (hook) => Webhook.createThread(hook, { name: "x" }, { content: "x" })],
  ["Webhook.sendSlack", (hook) => Webhook.sendSlack(hook, { text: "x" })],
  [
    "Webhook.sendGitHub",
    (hook) =>
      Webhook.sendGitHub(hook, "push", {
        sender: { id: 1, login: "ada", html_url: site, avatar_url: site },
      }),
  ],
  [
    "Webhook.broadcast",
    (hook) =>
      Webhook.broadcast([hook], { content: "x" }).pipe(
        Effect.flatMap(({ results }) => Effect.all(results.map(({ exit }) => exit))),
      ),
  ],
  ["Webhook.sink", (hook) => Stream.run(Stream.make({ content: "x" }), Webhook.sink(hook))],
]

/** A fifth at least, for together they must show every error. */
const stride = Math.min(5, Math.round(operations.length / runs(operations.length)) || 1)

/** The operations that meet a mishap: all of them in CI, and a part by turns while typing. */
const operationsFor = (mishap: number) =>
  operations
    .map((operation, index) => ({ operation, index }))
    .filter(({ index }) => (index + mishap) % stride === 0)

/** How a server may repeat the URL. */
const echoes: ReadonlyArray<(url: string, token: string) => string> = [
  (url) => {
    const encoded = encodeURIComponent(url).replaceAll("-", "%2D").replaceAll("_", "%5f")
    return `${url} ${encoded} ${encodeURIComponent(encoded)}`
  },
  (url) => `${url.slice(0, -8)}...`,
  (_, token) => token.slice(8),
  (url) => url.replace(/.{8}/g, "$&<wbr>"),
  (url) => [...url].join("\u200B"),
  (url) => [...url].join("&#8203;"),
  (url) => Buffer.from(url).toString("base64"),
  (_, token) => Buffer.from(`user:${token}`).toString("base64url"),
  (_, token) => Buffer.from(token).toString("hex").toUpperCase(),
  (url) => [...url].reverse().join(""),
]

/** A response or a failure that contains the URL in every text. */
type Mishap = (url: string, token: string, echo: string) => Fault.Fault

const refusal =
  (status: number, code: number): Mishap =>
  (_, __, echo) =>
    Fault.respond({ status, body: { code, message: `refused: ${echo}` } })

const page =
  (status: number, write: (echo: string) => string): Mishap =>
  (_, __, echo) =>
    Fault.respond({ status, headers: { "content-type": "text/html" }, body: write(echo) })

const mishaps: Readonly<Record<string, Mishap>> = {
  "dead webhook": refusal(404, 10015),
  "unknown message": refusal(404, 10008),
  "unknown channel": refusal(404, 10003),
  "invalid token": refusal(401, 50027),
  unauthorised: refusal(401, 0),
  forbidden: refusal(403, 50013),
  archived: refusal(400, 50083),
  "too large": refusal(413, 40005),
  "another code": refusal(400, 240000),
  "a failing server": refusal(500, 0),
  "form errors": (url, token, echo) =>
    Fault.respond({
      status: 400,
      body: {
        code: 50035,
        message: echo,
        errors: {
          [url]: { _errors: [{ code: token, message: echo }] },
          _errors: [{ code: echo, message: token }],
        },
      },
    }),
  "old form errors": (_, token, echo) => Fault.respond({ status: 400, body: { [token]: [echo] } }),
  "a line of text": (_, __, echo) => Fault.text(503, `upstream error for ${echo}`),
  "a page with a title": page(403, (echo) => `<html><title>${echo}</title></html>`),
  "a page without": page(404, (echo) => `<html><body>${echo}</body></html>`),
  "a page as success": page(200, (echo) => `<html>${echo}</html>`),
  "a redirect": (url, _, echo) =>
    Fault.respond({ status: 301, headers: { location: url }, body: echo }),
  "another shape": (url, token) =>
    Fault.respond({ status: 200, body: { url, token, id: url, type: token, author: token } }),
  "half a JSON": () => Fault.truncatedJson,
  "an empty body": () => Fault.emptyBody,
  "a limit": (url, token, echo) =>
    Fault.respond({
      status: 429,
      headers: { "x-ratelimit-bucket": token, "x-ratelimit-scope": url, "retry-after": "1" },
      body: { message: echo, retry_after: 1, global: false },
    }),
  "a limit of the edge": (_, __, echo) => Fault.text(429, `error code: 1015 ${echo}`),
  "a connection refused": () => Fault.refuseConnection,
  "a connection reset": () => Fault.resetBefore,
  "an answer lost": () => Fault.resetAfter,
  "an answer cut": () => Fault.truncateBody,
  silence: () => Fault.neverRespond,
}

interface Harness {
  readonly recorder: Recorder
  readonly simulator: DiscordSimulator.Service
  /** An unused webhook. */
  readonly freshHook: Effect.Effect<
    readonly [Webhook.Webhook, DiscordSimulator.SimulatedWebhook],
    WebhookError.WebhookInvalidUrl
  >
}

/** Runs a story, and searches everything recorded for the tokens of all webhooks. */
const withHarness = <A, E>(
  play: (
    harness: Harness,
  ) => Effect.Effect<A, E, HttpClient.HttpClient | RateLimiter.RateLimiter | Strategy.Strategy>,
  limiter: RateLimiter.Options = {},
) =>
  Effect.gen(function* () {
    const simulator = yield* DiscordSimulator.DiscordSimulator
    const recorder = yield* makeRecorder
    const secrets: Array<string> = []
    const freshHook = Effect.gen(function* () {
      const simulated = yield* simulator.createWebhook()
      secrets.push(simulated.token)
      return [yield* Webhook.fromUrl(simulated.url), simulated] as const
    })
    const fiber = yield* Effect.fork(play({ recorder, simulator, freshHook }))
    yield* TestClock.adjust("1 day")
    const result = yield* Fiber.join(fiber)
    const texts = yield* recordedTexts(recorder)
    expect(texts.length).toBeGreaterThan(10)
    expect(secrets.length).toBeGreaterThan(0)
    expect(texts.filter(finder(...secrets))).toEqual([])
    return result
  }).pipe(
    Effect.provide(
      Layer.mergeAll(
        DiscordSimulator.layerTestWith({
          limits: { execute: "none", getMessage: "none", getWebhook: "none" },
          globalLimit: "none",
        }),
        RateLimiter.layerMemoryWith(limiter),
        Strategy.layerReactive,
      ),
    ),
    RestConfig.withOptions({ maxRateLimitAttempts: 2, maxRetries: 1 }),
  )

/** The tag of what went wrong; empty when nothing did. */
const tagOf = (exit: Exit.Exit<unknown, unknown>): string =>
  Exit.isFailure(exit) && exit.cause._tag === "Fail"
    ? (exit.cause.error as { readonly _tag: string })._tag
    : ""

/** An error of a webhook contains the function that was called, and the webhook's id. */
const expectPlace = (
  exit: Exit.Exit<unknown, Error>,
  name: string,
  { id: webhookId }: Webhook.Webhook,
) => {
  if (!Exit.isFailure(exit) || exit.cause._tag !== "Fail") return
  const { error } = exit.cause
  if (error instanceof WebhookError.WebhookInvalidUrl) return
  const [operation = ""] = name.split(",")
  expect(error).toMatchObject({ operation, webhookId })
  expect(error.message.slice(0, 80)).toContain(`${operation} (webhook ${webhookId}): `)
  expect(error.message.startsWith(operation)).toBe(true)
}

describe("the token is nowhere", () => {
  it.effect.each(operations)("when all goes well: %s", ([, act]) =>
    withHarness(({ recorder, freshHook, simulator }) =>
      Effect.gen(function* () {
        const [hook] = yield* freshHook
        const { id } = yield* Webhook.send(hook, { content: "first" })
        const bucket = { "x-ratelimit-bucket": Redacted.value(hook.token) }
        yield* simulator.inject(
          Fault.alter((response) => ({ ...response, headers: { ...response.headers, ...bucket } })),
        )
        yield* record(recorder, act(hook))
        yield* record(recorder, Webhook.getMessage(hook, id))
      }),
    ),
  )

  const seen = new Set<string>()
  const note = (exit: Exit.Exit<unknown, Error>, name: string, hook: Webhook.Webhook) => {
    seen.add(tagOf(exit))
    expectPlace(exit, name, hook)
  }

  it.effect.each(
    Object.entries(mishaps).map(([name, mishap], turn) => [name, mishap, turn] as const),
  )("when there is %s", ([, mishap, turn]) =>
    withHarness(({ recorder, freshHook, simulator }) =>
      Effect.gen(function* () {
        for (const { index, operation } of operationsFor(turn)) {
          const [name, act] = operation
          const [hook, { token, url }] = yield* freshHook
          const echo = echoes[index % echoes.length]?.(url, token) ?? url
          yield* simulator.inject(mishap(url, token, echo), { times: 5 })
          note(yield* record(recorder, act(hook)), name, hook)
          // What the limiter remembers of it is told to the next one.
          note(yield* record(recorder, act(hook)), name, hook)
          yield* simulator.clearFaults
        }
      }),
    ),
  )

  it.effect("when nothing is sent", () =>
    withHarness(
      ({ recorder, freshHook, simulator }) =>
        Effect.gen(function* () {
          const [hook, { token, url }] = yield* freshHook
          const refused: ReadonlyArray<
            readonly [
              name: string,
              Effect.Effect<
                unknown,
                WebhookError.WebhookError | WebhookError.WebhookInvalidUrl,
                HttpClient.HttpClient | RateLimiter.RateLimiter | Strategy.Strategy
              >,
            ]
          > = [
            ["Webhook.send", Webhook.send(hook, {})],
            [
              "Webhook.send",
              Webhook.send(hook, { content: "x".repeat(2001), username: `clyde ${token}` }),
            ],
            ["Webhook.getMessage", Webhook.getMessage(hook, url)],
            ["Webhook.send", Webhook.send(hook, { content: "x" }, { threadId: token })],
            ["Webhook.send", Webhook.send(hook, { files: [file, file] })],
            ["Webhook.modify", Webhook.modify(hook, { name: url })],
            ["Webhook.fromUrl", Webhook.fromUrl(`https://evil.example/api/webhooks/1/${token}`)],
            ["Webhook.make", Webhook.make({ id: token, token })],
          ]
          for (const [name, operation] of refused)
            note(yield* record(recorder, operation), name, hook)
          yield* simulator.inject(Fault.neverRespond, { times: 10 })
          const queue = yield* Effect.fork(
            Effect.forEach(
              Array.from({ length: 4 }),
              () => record(recorder, Webhook.send(hook, { content: "x" })),
              { concurrency: "unbounded" },
            ),
          )
          yield* Effect.yieldNow()
          const patience = RestConfig.withOptions({ maxWait: "1 second" })
          note(
            yield* record(recorder, Webhook.send(hook, { content: "x" }).pipe(patience)),
            "Webhook.send",
            hook,
          )
          for (const exit of yield* Fiber.join(queue)) note(exit, "Webhook.send", hook)
        }),
      { queueCapacity: 2 },
    ),
  )

  it.effect("when the budget of invalid requests is used up", () =>
    withHarness(
      ({ recorder, freshHook, simulator }) =>
        Effect.gen(function* () {
          yield* simulator.inject(Fault.respond({ status: 403 }), { times: Infinity })
          yield* simulator.configure({ latency: "1 second" })
          const forbidden = Effect.gen(function* () {
            const [hook] = yield* freshHook
            note(
              yield* record(recorder, Webhook.send(hook, { content: "x" })),
              "Webhook.send",
              hook,
            )
          })
          // Who is under way already is not held up.
          yield* Effect.all(
            Array.from({ length: 3 }, () => forbidden),
            { concurrency: "unbounded" },
          )
          yield* forbidden
        }),
      { invalidRequestLimit: 3 },
    ),
  )

  it.effect("when the limiter is closed", () =>
    withHarness(({ recorder, freshHook }) =>
      Effect.gen(function* () {
        const [hook] = yield* freshHook
        const limiter = yield* Effect.provide(RateLimiter.RateLimiter, RateLimiter.layerMemory)
        const exit = yield* record(
          recorder,
          Webhook.send(hook, { content: "x" }).pipe(
            Effect.provideService(RateLimiter.RateLimiter, limiter),
          ),
        )
        note(exit, "Webhook.send", hook)
      }),
    ),
  )

  it.effect("when it is interrupted, in flight and waiting", () =>
    withHarness(({ recorder, freshHook, simulator }) =>
      Effect.gen(function* () {
        const [hook] = yield* freshHook
        yield* simulator.inject(Fault.neverRespond, { times: 5 })
        const exits: Array<Exit.Exit<unknown, unknown>> = []
        const sends = yield* Effect.forEach([1, 2], () =>
          Webhook.send(hook, { content: "x" }).pipe(
            Effect.onExit((exit) => Effect.sync(() => exits.push(exit))),
            Effect.fork,
          ),
        )
        yield* Effect.sleep("1 second")
        for (const fiber of sends) recorder.texts.push(...shown(yield* Fiber.interrupt(fiber)))
        recorder.texts.push(...exits.flatMap(shown))
        expect(exits).toHaveLength(2)
      }),
    ),
  )

  it.effect("when a client throws, or fails, with the URL in its error", () =>
    withHarness(({ recorder, freshHook }) =>
      Effect.gen(function* () {
        const [hook] = yield* freshHook
        const throwing = HttpClient.make((_, url) =>
          Effect.die(new TypeError(`invalid ${url}`, { cause: url })),
        )
        const failing = HttpClient.make((request, url) =>
          Effect.fail(
            new HttpClientError.RequestError({
              request,
              reason: "Transport",
              cause: new Error(`cannot reach ${url}`),
              description: url.toString(),
            }),
          ),
        )
        for (const client of [throwing, failing]) {
          for (const [, act] of operations) {
            yield* record(
              recorder,
              act(hook).pipe(Effect.provideService(HttpClient.HttpClient, client)),
            )
          }
        }
      }),
    ),
  )

  it.effect("in credentials, requests, routes and the limiter's state", () =>
    withHarness(({ recorder, freshHook }) =>
      Effect.gen(function* () {
        const [hook, { token, url }] = yield* freshHook
        yield* Webhook.send(hook, { content: "x" })
        const limiter = yield* RateLimiter.RateLimiter
        const route = Route.make({
          method: "POST",
          template: "/webhooks/{webhook.id}/{webhook.token}",
          webhookId: hook.id,
          tokenDigest: hook.tokenDigest,
        })
        const bucket = yield* limiter.getBucket(route)
        expect(Option.isSome(bucket)).toBe(true)
        const info = yield* Webhook.get(hook)
        expect(Redacted.value(info.token ?? Redacted.make(""))).toBe(token)
        const things = [
          hook,
          WebhookUrl.parse(url),
          route,
          bucket,
          info,
          yield* limiter.snapshot,
          yield* requests.executeWebhook(
            "Webhook.send",
            hook,
            { content: "x" },
            {},
            [],
            requests.messageBody,
          ),
          yield* requests.getMessage("Webhook.send", hook, messageId, {}),
          yield* requests.editMessage("Webhook.send", hook, messageId, { content: "x" }, {}),
          yield* requests.deleteMessage("Webhook.send", hook, messageId, {}),
          yield* requests.modifyWebhook("Webhook.send", hook, { name: "x" }),
          yield* requests.executeWebhook(
            "Webhook.send",
            hook,
            { files: [file] },
            {},
            [],
            requests.messageBody,
          ),
          requests.getWebhook("Webhook.send", hook),
          requests.deleteWebhook("Webhook.send", hook),
        ]
        recorder.texts.push(...things.flatMap(shown))
      }),
    ),
  )

  it("and every error that there is was among those looked at", () => {
    const all = WebhookError.WebhookError.members
      .map(({ _tag }) => _tag)
      // `redis.test.ts` looks at it.
      .filter((tag) => tag !== "DiscordRateLimiterUnavailable")
    expect([...seen].filter((tag) => tag !== "").sort()).toEqual(
      [...all, "WebhookInvalidUrl"].sort(),
    )
  })
})

describe("the token is nowhere when a real connection fails", () => {
  const token = "Zk3-qP_v9xW.b2Tn7Lr-0hYc_5Jd8sMf1Gu6Ke4-AoXiBzQwVpEtRyHjNmCxDlSk"

  const clients = [
    ["undici", NodeHttpClient.layerUndici],
    ["node:http", NodeHttpClient.layer],
    ["fetch", FetchHttpClient.layer],
    ["NodeDiscord", NodeDiscord.layerHttpClient],
  ] as const

  /** Resets, cuts, answers rubbish or nothing, in turn. */
  const unkind = Effect.acquireRelease(
    Effect.async<ReturnType<typeof createServer>>((resume) => {
      let turn = 0
      const server = createServer((incoming, response) => {
        incoming.resume().on("end", () => {
          const how = turn++ % 4
          if (how === 0) incoming.socket.resetAndDestroy()
          else if (how === 1) {
            response.writeHead(200, { "content-length": "100" })
            response.write(incoming.url, () => response.socket?.destroy())
          } else if (how === 2) response.socket?.end(`${incoming.url}\r\n\r\n`)
        })
      })
      server.listen(0, "127.0.0.1", () => resume(Effect.succeed(server)))
    }),
    (server) =>
      Effect.sync(() => {
        server.closeAllConnections()
        server.close()
      }),
  )

  it.scopedLive.each(clients)("with %s", ([, client]) =>
    Effect.gen(function* () {
      const server = yield* unkind
      const { port } = server.address() as AddressInfo
      const recorder = yield* makeRecorder
      const hook = yield* Webhook.make({ id: "42", token })
      const origins = [
        ...Array.from({ length: 4 }, () => `http://127.0.0.1:${port}`),
        `https://127.0.0.1:${port}`,
        "http://127.0.0.1:1",
        "http://nowhere.invalid",
        "not a url",
      ]
      for (const baseUrl of origins) {
        const exit = yield* record(recorder, Webhook.send(hook, { content: "x" })).pipe(
          RestConfig.withOptions({ baseUrl, maxRetries: 0, timeout: "300 millis" }),
        )
        expect(tagOf(exit)).toBe("DiscordTransportError")
      }
      const texts = yield* recordedTexts(recorder)
      expect(texts.filter(finder(token))).toEqual([])
    }).pipe(
      Effect.provide(Layer.mergeAll(client, RateLimiter.layerMemory, Strategy.layerReactive)),
    ),
  )
})

describe("the detector", () => {
  const token = "Qm7-wE_r4tY.u1Io9Pa-2sDf_6Gh8jKl3Zx5Cv0-BnMqAzSwXeDcRfVtGbYhNuJm"
  const url = `https://discord.com/api/webhooks/42/${token}`

  it.each([
    ["as it is", url],
    ["half of it", `…${token.slice(20, 50)}…`],
    ["percent-encoded", url.replaceAll("-", "%2D").replaceAll("_", "%5F")],
    ["encoded twice", encodeURIComponent(encodeURIComponent(url.replaceAll("-", "%2D")))],
    ["escaped", url.replaceAll("-", "\\u002d")],
    ["in capitals", url.toUpperCase()],
  ])("finds a token %s", (_, text) => {
    expect(finder(token)(`before ${text} after`)).toBe(true)
  })

  it("does not find what is not there", () => {
    expect(finder(token)(url.replace(token, "<redacted>"))).toBe(false)
    expect(finder(token)(token.slice(1, 10))).toBe(false)
  })

  const planted = new Error(url)
  const wrapped = new Error("x", { cause: planted })

  it.effect.each<readonly [string, Effect.Effect<unknown, object>]>([
    ["a message", Effect.log(url)],
    ["an annotation", Effect.logTrace("x").pipe(Effect.annotateLogs("url", url))],
    ["a log span", Effect.log("x").pipe(Effect.withLogSpan(url))],
    ["an error's message", Effect.fail(planted)],
    ["an error's cause", Effect.fail(wrapped)],
    ["an error's field", Effect.fail({ _tag: "Oops", request: { url } })],
    ["a hidden field", Effect.fail(Object.defineProperty({}, "url", { value: url }))],
    ["a defect", Effect.die(url)],
    ["a result", Effect.succeed({ deep: { deeper: { url } } })],
    ["a span's name", Effect.withSpan(Effect.void, url)],
    ["a span's attribute", Effect.withSpan(Effect.void, "x", { attributes: { url } })],
  ])("finds a token planted in %s", ([, leak]) =>
    Effect.gen(function* () {
      const recorder = yield* makeRecorder
      yield* record(recorder, leak)
      const texts = yield* recordedTexts(recorder)
      expect(texts.some(finder(token))).toBe(true)
    }),
  )

  it.effect("finds the token that the platform's own client gives away", () =>
    Effect.gen(function* () {
      const recorder = yield* makeRecorder
      const failing = HttpClient.make((request) =>
        Effect.fail(new HttpClientError.RequestError({ request, reason: "Transport" })),
      )
      yield* record(recorder, failing.get(url))
      const texts = yield* recordedTexts(recorder)
      expect(texts.filter(finder(token)).length).toBeGreaterThan(3)
    }),
  )
})
