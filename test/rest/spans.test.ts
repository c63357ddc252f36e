import { it } from "@effect/vitest"
import * as NodeSdk from "@effect/opentelemetry/NodeSdk"
import * as HttpClient from "@effect/platform/HttpClient"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as TestClock from "effect/TestClock"
import * as Tracer from "effect/Tracer"
import { InMemorySpanExporter, SimpleSpanProcessor } from "@opentelemetry/sdk-trace-base"
import type { ReadableSpan } from "@opentelemetry/sdk-trace-base"
import { SpanKind, SpanStatusCode } from "@opentelemetry/api"
import { describe, expect } from "vitest"
import { RestConfig, Strategy } from "../../src/index.js"
import { executeRequest, network, recordingLimiter, token } from "./network.js"
import type { Event, RequestChanges } from "./network.js"

/** What OpenTelemetry's SDK exports of one operation; the operation itself comes last. */
const exported = (
  script: ReadonlyArray<Event>,
  changes: RequestChanges = {},
  use: <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R> = (effect) => effect,
): Effect.Effect<ReadonlyArray<ReadableSpan>> =>
  Effect.gen(function* () {
    const exporter = new InMemorySpanExporter()
    const sdk = NodeSdk.layer(() => ({
      resource: { serviceName: "test" },
      spanProcessor: new SimpleSpanProcessor(exporter),
    }))
    return yield* Effect.gen(function* () {
      const operation = use(executeRequest(changes)).pipe(
        Effect.provide(
          Layer.mergeAll(
            network(...script).layer,
            recordingLimiter().layer,
            Strategy.layerReactive,
          ),
        ),
        RestConfig.withOptions({
          baseUrl: "http://localhost:8080/api/v10",
          maxRateLimitAttempts: 2,
        }),
      )
      const fiber = yield* Effect.fork(Effect.exit(operation))
      yield* TestClock.adjust("1 hour")
      yield* Fiber.join(fiber)
      return exporter.getFinishedSpans()
    }).pipe(Effect.provide(sdk))
  })

const headers = {
  "x-ratelimit-bucket": "abcd",
  "x-ratelimit-limit": "5",
  "x-ratelimit-remaining": "4",
}
const limited: Event = {
  answer: 429,
  headers,
  body: { message: "slow", retry_after: 2.5, global: false },
}

const route = "POST /webhooks/{webhook.id}/{webhook.token}"
const http = {
  "http.request.method": "POST",
  "url.template": "/webhooks/{webhook.id}/{webhook.token}",
  "server.address": "localhost",
  "server.port": 8080,
}

describe("spans", () => {
  it.effect("are one for the operation and, below it, one for each attempt", () =>
    Effect.gen(function* () {
      const [first, second, operation] = yield* exported([limited, { answer: 204, headers }])
      expect([first?.name, second?.name, operation?.name]).toEqual([
        route,
        route,
        `discord ${route}`,
      ])
      const id = operation?.spanContext().spanId
      expect([first?.parentSpanContext?.spanId, second?.parentSpanContext?.spanId]).toEqual([
        id,
        id,
      ])
      expect([first?.kind, second?.kind, operation?.kind]).toEqual([
        SpanKind.CLIENT,
        SpanKind.CLIENT,
        SpanKind.CLIENT,
      ])
    }),
  )

  it.effect("of attempts follow OpenTelemetry's conventions for HTTP clients", () =>
    Effect.gen(function* () {
      const [first, second] = yield* exported([limited, { answer: 204, headers }])
      expect(first?.attributes).toEqual({
        ...http,
        "http.response.status_code": 429,
        "error.type": "429",
        "discord.rate_limit.bucket": "abcd",
      })
      expect(first?.status.code).toBe(SpanStatusCode.ERROR)
      expect(second?.attributes).toEqual({
        ...http,
        "http.request.resend_count": 1,
        "http.response.status_code": 204,
        "discord.rate_limit.bucket": "abcd",
      })
      expect(second?.status.code).toBe(SpanStatusCode.OK)
    }),
  )

  it.effect("contain the operation's result, and when and how long it waited", () =>
    Effect.gen(function* () {
      const spans = yield* exported([limited, { answer: 204, headers }])
      const operation = spans.at(-1)
      expect(operation?.attributes).toEqual({
        ...http,
        "discord.webhook.id": "42",
        "discord.attempts": 2,
        "discord.rate_limit.waited_ms": 7,
        "discord.rate_limit.bucket": "abcd",
      })
      expect(operation?.status.code).toBe(SpanStatusCode.OK)
      const [wait, warning] = operation?.events ?? []
      expect(wait?.name).toBe("discord.rate_limit.wait")
      expect(wait?.attributes).toEqual({ "discord.rate_limit.waited_ms": 7 })
      // Effect's tracer logger adds what is logged.
      expect(warning?.name).toBe("Rate limited")
    }),
  )

  it.effect("contain the error of the attempt and of the operation", () =>
    Effect.gen(function* () {
      const [attempt, operation] = yield* exported([{ fails: "ECONNRESET" }])
      expect(attempt?.attributes).toEqual({ ...http, "error.type": "broken" })
      expect(attempt?.status.code).toBe(SpanStatusCode.ERROR)
      expect(operation?.attributes["error.type"]).toBe("DiscordTransportError")
      expect(operation?.status.code).toBe(SpanStatusCode.ERROR)
    }),
  )

  it.effect("distinguish a truncated body from a complete one", () =>
    Effect.gen(function* () {
      const [attempt] = yield* exported([{ cutAfter: "{", answer: 200, headers }])
      expect(attempt?.attributes).toMatchObject({
        "http.response.status_code": 200,
        "error.type": "broken",
      })
    }),
  )

  it.effect("end when the operation is interrupted", () =>
    Effect.gen(function* () {
      const spans = yield* exported(["silence"], {}, (effect) =>
        Effect.flatMap(Effect.fork(effect), (fiber) =>
          Effect.zipRight(
            Effect.sleep("1 second"),
            Effect.flatMap(Fiber.interrupt(fiber), (exit) => exit),
          ),
        ),
      )
      expect(spans.map(({ name }) => name)).toEqual([route, `discord ${route}`])
      expect(spans.map(({ attributes }) => attributes["status.interrupted"])).toEqual([true, true])
    }),
  )

  it.effect("are children of the span around the operation", () =>
    Effect.gen(function* () {
      const spans = yield* exported([{ answer: 204 }], {}, Effect.withSpan("deploy"))
      const [, operation, outer] = spans
      expect(outer?.name).toBe("deploy")
      expect(operation?.parentSpanContext?.spanId).toBe(outer?.spanContext().spanId)
    }),
  )

  it.effect("hold no token", () =>
    Effect.gen(function* () {
      const spans = yield* exported([
        { fails: "ECONNRESET", message: `lost ${token}` },
        { answer: 204 },
      ])
      const texts = spans.map(({ attributes, events, name, status }) => [
        name,
        attributes,
        events,
        status,
      ])
      expect(JSON.stringify(texts)).not.toContain(token)
    }),
  )
})

/** A request of which the client, in the middle of it, looks at the span around itself. */
const spanInside = (
  use: <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>,
): Effect.Effect<Option.Option<Tracer.Span>> =>
  Effect.gen(function* () {
    let seen = Option.none<Tracer.Span>()
    const client = HttpClient.mapRequestEffect(network({ answer: 204 }).client, (sent) =>
      Effect.map(Effect.option(Effect.currentSpan), (span) => {
        seen = span
        return sent
      }),
    )
    const exit = yield* use(executeRequest()).pipe(
      Effect.provide(
        Layer.mergeAll(
          Layer.succeed(HttpClient.HttpClient, client),
          recordingLimiter().layer,
          Strategy.layerReactive,
        ),
      ),
      Effect.exit,
    )
    expect(Exit.isSuccess(exit)).toBe(true)
    return seen
  })

/** A tracer of the user's. */
const listening = Effect.map(Effect.tracer, (native) =>
  Tracer.make({ span: (...args) => native.span(...args), context: (f) => f() }),
)

describe("whether a tracer listens", () => {
  it.effect("decides: with Effect's native tracer no span is created", () =>
    Effect.gen(function* () {
      expect(yield* spanInside((effect) => effect)).toEqual(Option.none())
      const outer = yield* spanInside(Effect.withSpan("outer"))
      expect(Option.map(outer, ({ name }) => name)).toEqual(Option.some("outer"))
    }),
  )

  it.effect("is read for each request: a tracer around one effect is enough", () =>
    Effect.gen(function* () {
      const tracer = yield* listening
      const span = yield* spanInside(Effect.withTracer(tracer))
      expect(Option.map(span, ({ name }) => name)).toEqual(Option.some(route))
      const none = yield* spanInside((effect) =>
        effect.pipe(Effect.withTracerEnabled(false), Effect.withTracer(tracer)),
      )
      expect(none).toEqual(Option.none())
    }),
  )
})
