import { it } from "@effect/vitest"
import {
  Context,
  Effect,
  Fiber,
  HashMap,
  Layer,
  Logger,
  LogLevel,
  Option,
  TestClock,
  Tracer,
} from "effect"
import type { Exit } from "effect"
import { describe, expect } from "vitest"
import { RestConfig, Strategy } from "../../src/index.js"
import { execute } from "../../src/rest/rest.js"
import type { RestRequest } from "../../src/rest/restRequest.js"
import { ear, network, request } from "./network.js"
import type { Event } from "./network.js"

interface Told {
  readonly spans: ReadonlyArray<Tracer.Span>
  readonly logs: ReadonlyArray<{
    readonly level: string
    readonly message: string
    readonly about: Readonly<Record<string, unknown>>
  }>
  readonly exit: Exit.Exit<unknown, unknown>
}

const tell = (
  script: ReadonlyArray<Event>,
  changes: Partial<RestRequest<void>> = {},
  minimum: LogLevel.LogLevel = LogLevel.All,
): Effect.Effect<Told> =>
  Effect.gen(function* () {
    const spans: Array<Tracer.Span> = []
    const logs: Array<Told["logs"][number]> = []
    const native = yield* Effect.tracer
    const tracer = Tracer.make({
      span: (...args) => {
        const span = native.span(...args)
        spans.push(span)
        return span
      },
      context: (f) => f(),
    })
    const logger = Logger.make(({ annotations, logLevel, message }) => {
      logs.push({
        level: logLevel.label,
        message: String(message),
        about: Object.fromEntries(HashMap.toEntries(annotations)),
      })
    })
    const fiber = yield* execute(request(changes)).pipe(
      Effect.provide(
        Layer.mergeAll(
          network(...script).layer,
          ear().layer,
          Strategy.layerReactive,
          Logger.replace(Logger.defaultLogger, logger),
          Logger.add(logger),
        ),
      ),
      RestConfig.withOptions({ baseUrl: "http://localhost:8080/api/v10", maxRateLimitAttempts: 2 }),
      Effect.withTracer(tracer),
      Logger.withMinimumLogLevel(minimum),
      Effect.exit,
      Effect.fork,
    )
    yield* TestClock.adjust("1 hour")
    return { spans, logs, exit: yield* Fiber.join(fiber) }
  })

const headers = {
  "x-ratelimit-bucket": "abcd",
  "x-ratelimit-limit": "5",
  "x-ratelimit-remaining": "4",
}
const limited: Event = {
  answer: 429,
  headers: { ...headers, "x-ratelimit-scope": "shared" },
  body: { message: "slow", retry_after: 2.5, global: false },
}
const gone: Event = { answer: 404, body: { code: 10015, message: "Unknown Webhook" } }

describe("a span", () => {
  it.effect("is one for each operation, a client's, with the template in place of the URL", () =>
    Effect.gen(function* () {
      const { spans } = yield* tell([limited, { answer: 204, headers }])
      expect(spans).toHaveLength(1)
      expect(spans[0]).toMatchObject({
        name: "POST /webhooks/{webhook.id}/{webhook.token}",
        kind: "client",
      })
      expect(Object.fromEntries(spans[0]?.attributes ?? [])).toEqual({
        "http.request.method": "POST",
        "url.template": "/webhooks/{webhook.id}/{webhook.token}",
        "server.address": "localhost",
        "server.port": 8080,
        "http.response.status_code": 204,
        "http.request.resend_count": 1,
        "discord.webhook.id": "42",
        "discord.rate_limit.bucket": "abcd",
        "discord.rate_limit.waited_ms": 7,
      })
    }),
  )

  it.effect("says what a failure was", () =>
    Effect.gen(function* () {
      const { spans } = yield* tell([{ fails: "ECONNRESET" }])
      expect(spans[0]?.attributes.get("error.type")).toBe("TransportError")
      expect(spans[0]?.attributes.has("http.response.status_code")).toBe(false)
      expect(spans[0]?.status).toMatchObject({ _tag: "Ended", exit: { _tag: "Failure" } })
    }),
  )

  it.effect("is the child of the one around it", () =>
    Effect.gen(function* () {
      const parent = yield* Effect.makeSpan("outer")
      const { spans } = yield* tell([{ answer: 204 }]).pipe(Effect.withParentSpan(parent))
      expect(Option.getOrThrow(spans[0]?.parent ?? Option.none())).toBe(parent)
      expect(Context.isContext(spans[0]?.context)).toBe(true)
    }),
  )
})

describe("logs", () => {
  it.effect("say nothing above debug of a healthy request, and everything at debug", () =>
    Effect.gen(function* () {
      expect((yield* tell([{ answer: 204 }], {}, LogLevel.Info)).logs).toEqual([])
      const { logs } = yield* tell([{ answer: 204, headers }])
      expect(logs).toEqual([
        {
          level: "DEBUG",
          message: "Discord request",
          about: {
            "discord.route": "POST /webhooks/{webhook.id}/{webhook.token}",
            "discord.webhook.id": "42",
            "discord.attempt": 1,
            "discord.rate_limit.waited_ms": 7,
            "http.response.status_code": 204,
            "discord.rate_limit.bucket": "abcd",
            "discord.rate_limit.remaining": 4,
          },
        },
      ])
    }),
  )

  it.effect("warn of a limit, with its scope and delay, also when it is the last", () =>
    Effect.gen(function* () {
      const { logs } = yield* tell([limited], {}, LogLevel.Warning)
      expect(logs.map(({ level, message }) => `${level} ${message}`)).toEqual([
        "WARN Discord limits the rate",
        "WARN Discord limits the rate",
      ])
      expect(logs.map(({ about }) => about["discord.attempt"])).toEqual([1, 2])
      expect(logs[0]?.about).toMatchObject({
        "http.response.status_code": 429,
        "discord.rate_limit.scope": "shared",
        "discord.rate_limit.retry_after_ms": 2500,
      })
    }),
  )

  it.effect("warn of every repetition, with its reason", () =>
    Effect.gen(function* () {
      const script: ReadonlyArray<Event> = [
        { answer: 503 },
        { fails: "ENOTFOUND" },
        { answer: 204 },
      ]
      const { logs } = yield* tell(script, { idempotent: true }, LogLevel.Warning)
      expect(logs.map(({ message }) => message)).toEqual([
        "Trying again after a failure: 503",
        "Trying again after a failure: dns",
      ])
      expect(logs[1]?.about).toMatchObject({ "error.type": "dns", "discord.attempt": 2 })
    }),
  )

  it.effect("warn of a webhook that is dead", () =>
    Effect.gen(function* () {
      for (const event of [gone, { ...gone, answer: 401, body: { code: 50027, message: "x" } }]) {
        const { logs } = yield* tell([event], {}, LogLevel.Warning)
        expect(logs.map(({ message }) => message)).toEqual([
          "The webhook is dead; stop using its URL",
        ])
        expect(logs[0]?.about["discord.error.code"]).toBe(event === gone ? 10015 : 50027)
      }
      const { logs } = yield* tell(
        [{ answer: 404, body: { code: 10008, message: "Unknown Message" } }],
        {},
        LogLevel.Warning,
      )
      expect(logs).toEqual([])
    }),
  )
})
