/**
 * Whatever goes wrong with the first message has a tagged error that says what and where, the
 * second message, which waited behind it, gets through, and nothing is sent twice.
 */
import { it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import * as TestClock from "effect/TestClock"
import { describe, expect } from "vitest"
import { RateLimiter, RestConfig, Webhook } from "../../src/index.js"
import { DiscordSimulator, Fault } from "../../src/testing/index.js"
import { limited429, withHeaders } from "./responses.js"
import {
  contents,
  fields,
  inEveryWay,
  newHook,
  sendAll,
  sends,
  stack,
  strategies,
  texts,
  within,
} from "./harness.js"

const route = "POST /webhooks/{webhook.id}/{webhook.token}"
const first = { content: "first" }
const second = { content: "second" }

interface Mishap {
  readonly name: string
  readonly fault: Fault.Fault
  /** What the first message fails with. */
  readonly error: Readonly<Record<string, unknown>>
  /** A part of the error's message. */
  readonly says: RegExp
  /** How often the first message is in the channel. */
  readonly copies: 0 | 1
}

const html = Fault.respond({
  status: 200,
  headers: { "content-type": "text/html" },
  body: "<!DOCTYPE html><html><title>Maintenance</title></html>",
  processed: true,
})

const withoutFields = Fault.alter((response) => ({ ...response, body: '{"content":"first"}' }))

const oldForm = Fault.respond({ status: 400, body: { embeds: ["0"], content: ["Too long."] } })

const mishaps: ReadonlyArray<Mishap> = [
  {
    name: "a server that answers HTML",
    fault: html,
    error: {
      _tag: "DiscordDecodeError",
      status: 200,
      delivered: "unknown",
      contentType: "text/html",
    },
    says: /response 200 \(text\/html\), but .* the body is not JSON; .* check baseUrl/,
    copies: 1,
  },
  {
    name: "HTML with a 404",
    fault: Fault.html(404),
    error: { _tag: "DiscordApiError", status: 404, code: 0, reply: "404" },
    says: /response 404: 404/,
    copies: 0,
  },
  {
    name: "an empty body",
    fault: Fault.emptyBody,
    error: { _tag: "DiscordDecodeError", status: 200, delivered: "yes" },
    says: /response 200 .*, but .* the body is empty; it took effect/,
    copies: 1,
  },
  {
    name: "half a JSON",
    fault: Fault.truncatedJson,
    error: { _tag: "DiscordDecodeError", status: 200, delivered: "yes" },
    says: /response 200 .*, but .* the body is not JSON; it took effect/,
    copies: 1,
  },
  {
    name: "a 200 without the expected fields",
    fault: withoutFields,
    error: { _tag: "DiscordDecodeError", status: 200, delivered: "yes" },
    says: /id: .*missing/,
    copies: 1,
  },
  {
    name: "a connection cut in the middle of the answer",
    fault: Fault.truncateBody,
    error: { _tag: "DiscordTransportError", reason: "broken", delivered: "yes", attempts: 1 },
    says: /the connection broke; it took effect \(1 attempt\)/,
    copies: 1,
  },
  {
    name: "a connection reset before the answer",
    fault: Fault.resetAfter,
    error: { _tag: "DiscordTransportError", reason: "broken", delivered: "unknown", attempts: 1 },
    says: /the connection broke; it may or may not have taken effect \(1 attempt\)/,
    copies: 1,
  },
  {
    name: "a 503 of plain text",
    fault: Fault.text(503, "upstream connect error"),
    error: { _tag: "DiscordServerError", status: 503, delivered: "unknown", attempts: 1 },
    says: /response 503: upstream connect error; it may or may not have taken effect/,
    copies: 0,
  },
  {
    name: "a 400 in the form of v6",
    fault: oldForm,
    error: { _tag: "WebhookBadRequest", status: 400, code: 0 },
    says: /response 400: embeds.*0.*; content: Too long\./,
    copies: 0,
  },
  {
    name: "a server that never answers",
    fault: Fault.neverRespond,
    error: { _tag: "DiscordTransportError", reason: "timeout", delivered: "unknown", attempts: 1 },
    says: /no response in time; it may or may not have taken effect \(1 attempt\)/,
    copies: 0,
  },
]

/** A mishap of the first request only; the second waits behind it. */
const befalls = ({ name, fault, error, says, copies }: Mishap): void =>
  inEveryWay(name, {}, (simulator) =>
    Effect.gen(function* () {
      const { hook, made } = yield* newHook(simulator)
      yield* simulator.inject(fault)
      const [failed] = yield* within(
        "1 minute",
        Effect.all([Effect.flip(Webhook.send(hook, first)), Webhook.send(hook, second)], {
          concurrency: "unbounded",
        }),
      )
      expect(fields(failed)).toMatchObject({ ...error, route })
      expect(failed.message).toMatch(says)
      expect(failed.message).toMatch(/^Webhook\.send \(webhook \d+\): /)
      const arrived = contents(yield* simulator.messages(made))
      expect(arrived).toEqual(copies === 1 ? ["first", "second"] : ["second"])
      expect(yield* simulator.traffic).toHaveLength(2)
    }),
  )

describe("responses and connections", () => {
  for (const mishap of mishaps) befalls(mishap)

  inEveryWay("a 200 for wait=false is a success", {}, (simulator) =>
    Effect.gen(function* () {
      const { hook, made } = yield* newHook(simulator)
      yield* simulator.inject(
        Fault.alter((answer) => ({ ...answer, status: 200, body: "<html>odd</html>" })),
      )
      yield* Webhook.send(hook, first, { wait: false })
      yield* Webhook.send(hook, second)
      expect(contents(yield* simulator.messages(made))).toEqual(["first", "second"])
    }),
  )

  for (const value of ["soon", "-5", "", "NaN", "9".repeat(400)]) {
    const name = value.length > 10 ? `${value.slice(0, 5)}...` : value
    inEveryWay(`rate-limit headers that say "${name}" fail nothing and stop nobody`, {}, (sim) =>
      Effect.gen(function* () {
        const { hook, made } = yield* newHook(sim)
        yield* sim.inject(withHeaders(value), { times: Infinity })
        yield* within("1 minute", sendAll(hook, texts(12)))
        expect(new Set(contents(yield* sim.messages(made))).size).toBe(12)
        expect((yield* sim.statistics).messages).toBe(12)
      }),
    )
  }

  inEveryWay(
    "a bucket name that changes with every response loses no count and fills no memory",
    { simulator: { bucketHash: "changing" } },
    (simulator) =>
      Effect.gen(function* () {
        const limiter = yield* RateLimiter.RateLimiter
        const { hook, made } = yield* newHook(simulator)
        for (const text of texts(12))
          yield* within("1 minute", Webhook.send(hook, { content: text }))
        const { id } = yield* Webhook.send(hook, second)
        yield* within("1 minute", Webhook.editMessage(hook, id, { content: "edited" }))
        expect(contents(yield* simulator.messages(made))).toEqual([...texts(12), "edited"])
        expect((yield* simulator.statistics).limited.user).toBe(0)
        expect((yield* limiter.snapshot).buckets).toBe(2)
      }),
  )
})

describe("malformed 429 responses", () => {
  const limits = {
    "without JSON": Fault.respond({ status: 429, body: "slow down" }),
    "of HTML": Fault.html(429),
    "that says `error code: 1015`": Fault.cloudflareLimit(),
  }
  for (const [name, fault] of Object.entries(limits)) {
    inEveryWay(`a 429 ${name} is the edge's: about a minute, and one probe`, {}, (simulator) =>
      Effect.gen(function* () {
        const { hook, made } = yield* newHook(simulator)
        yield* simulator.inject(fault)
        const impatient = RestConfig.withOptions({ maxWait: "10 seconds" })
        const [failed] = yield* within(
          "2 minutes",
          Effect.all(
            [Effect.flip(impatient(Webhook.send(hook, first))), Webhook.send(hook, second)],
            { concurrency: "unbounded" },
          ),
        )
        expect(fields(failed)).toMatchObject({
          _tag: "WebhookRateLimited",
          route,
          reason: "maxWait",
          scope: "edge",
          retryAfter: Duration.minutes(1),
          attempts: 1,
        })
        expect(failed.message).toBe(
          `Webhook.send (webhook ${failed.webhookId}): rate limited (edge), the wait is longer than maxWait; try again in 1m`,
        )
        expect(contents(yield* simulator.messages(made))).toEqual(["second"])
        const [refused, accepted, ...more] = yield* simulator.traffic
        expect(accepted!.arrivedAt - refused!.arrivedAt).toBeGreaterThanOrEqual(60_000)
        expect(more).toEqual([])
      }),
    )
  }

  inEveryWay("a 429 whose header says 1 s and whose body says 1163 s: 1163 s", {}, (simulator) =>
    Effect.gen(function* () {
      const { hook, made } = yield* newHook(simulator)
      yield* simulator.inject(limited429({ retryAfter: 1163, header: "1" }))
      const impatient = RestConfig.withOptions({ maxWait: "1 minute" })
      const [failed] = yield* within(
        "20 minutes",
        Effect.all(
          [Effect.flip(impatient(Webhook.send(hook, first))), Webhook.send(hook, second)],
          { concurrency: "unbounded" },
        ),
      )
      expect(fields(failed)).toMatchObject({
        _tag: "WebhookRateLimited",
        route,
        reason: "maxWait",
        retryAfter: Duration.seconds(1163),
      })
      const [refused, accepted, ...more] = yield* simulator.traffic
      expect(accepted!.arrivedAt - refused!.arrivedAt).toBe(1_163_000)
      expect(more).toEqual([])
      expect(contents(yield* simulator.messages(made))).toEqual(["second"])
    }),
  )

  inEveryWay("a server that answers 429 for ever: 5 attempts, and no hot loop", {}, (simulator) =>
    Effect.gen(function* () {
      const { hook } = yield* newHook(simulator)
      yield* simulator.inject(limited429({ retryAfter: 0, header: "0" }), { times: Infinity })
      const failed = yield* within("1 hour", Effect.flip(Webhook.send(hook, first)))
      expect(fields(failed)).toMatchObject({
        _tag: "WebhookRateLimited",
        reason: "attempts",
        attempts: 5,
      })
      const arrivals = sends(yield* simulator.traffic).map(({ arrivedAt }) => arrivedAt)
      const gaps = arrivals.slice(1).map((at, index) => at - arrivals[index]!)
      expect(Math.min(...gaps)).toBeGreaterThanOrEqual(1000)
      yield* simulator.clearFaults
      yield* within("1 hour", Webhook.send(hook, second))
    }),
  )
})

describe("before anything is sent", () => {
  inEveryWay("a message over a limit", {}, (simulator) =>
    Effect.gen(function* () {
      const { hook, made } = yield* newHook(simulator)
      const [failed] = yield* Effect.all(
        [
          Effect.flip(Webhook.send(hook, { content: "x".repeat(2001) })),
          Webhook.send(hook, second),
        ],
        { concurrency: "unbounded" },
      )
      expect(fields(failed)).toMatchObject({ _tag: "WebhookValidationError", route })
      expect(failed.message).toMatch(/^Webhook\.send \(webhook \d+\): content: .*2000.*2001/)
      expect(contents(yield* simulator.messages(made))).toEqual(["second"])
      expect(yield* simulator.traffic).toHaveLength(1)
    }),
  )

  it.effect("a wrong URL, in many forms", () =>
    Effect.gen(function* () {
      const wrong = {
        "": "missing",
        "not a url": "notAUrl",
        "ftp://discord.com/api/webhooks/1/t": "scheme",
        "https://discord.com.evil.example/api/webhooks/1/t": "host",
        "https://user@discord.com/api/webhooks/1/t": "host",
        "https://discord.com/channels/1/2": "path",
        "https://discord.com/api/webhooks/one/t": "id",
        "https://discord.com/api/webhooks/1": "token",
        "https://discord.com/api/webhooks/1/t?thread_id=x": "threadId",
      }
      for (const [url, reason] of Object.entries(wrong)) {
        const failed = yield* Effect.flip(Webhook.fromUrl(url))
        expect(fields(failed), url).toMatchObject({ _tag: "WebhookInvalidUrl", reason })
        expect(failed.message).toMatch(
          /^Not a Discord webhook URL \(.+\)\. (Expected https|Keep Discord)/,
        )
      }
    }),
  )
})

describe("a closed scope", () => {
  for (const strategy of ["reactive", "proactive", "adaptive"] as const) {
    it.scoped(`fails those who wait, at once, and those who come later [${strategy}]`, () =>
      Effect.gen(function* () {
        const simulator = yield* DiscordSimulator.make()
        const { hook, made } = yield* newHook(simulator)
        const scope = yield* Scope.make()
        const way = { strategy, delivery: "ordered" } as const
        const network = Layer.succeed(DiscordSimulator.DiscordSimulator, simulator)
        const context = yield* Layer.buildWithScope(
          Layer.provideMerge(DiscordSimulator.layerHttpClient, network).pipe(
            Layer.merge(stack(way)),
          ),
          scope,
        )
        yield* simulator.applySharedLimit(made, { retryAfter: "5 minutes" })
        const send = Effect.provide(Effect.flip(Webhook.send(hook, first)), context)
        const waiting = yield* Effect.fork(Effect.all([send, send], { concurrency: 2 }))
        yield* TestClock.adjust("1 second")
        yield* Scope.close(scope, Exit.void)
        const failed = [...(yield* Fiber.join(waiting)), yield* send]
        for (const error of failed) {
          expect(fields(error)).toMatchObject({ _tag: "DiscordRateLimiterClosed", route })
          expect(error.message).toMatch(/scope is closed; keep its layer around the whole program/)
        }
        expect(yield* simulator.messages(made)).toEqual([])
        expect(yield* simulator.traffic).toHaveLength(1)
      }),
    )

    it.scoped(`of one of two that share the limiter stops only its own [${strategy}]`, () =>
      Effect.gen(function* () {
        const simulator = yield* DiscordSimulator.make()
        const { hook, made } = yield* newHook(simulator)
        const network = Layer.provideMerge(
          DiscordSimulator.layerHttpClient,
          Layer.succeed(DiscordSimulator.DiscordSimulator, simulator),
        )
        const layers = Layer.mergeAll(network, RateLimiter.layer, strategies[strategy])
        const scope = yield* Scope.make()
        const mine = yield* Layer.buildWithScope(layers, scope)
        const theirs = yield* Layer.build(Layer.fresh(layers))
        yield* simulator.applySharedLimit(made, { retryAfter: "1 minute" })
        const doomed = yield* Effect.fork(
          Effect.provide(Effect.flip(Webhook.send(hook, first)), mine),
        )
        yield* TestClock.adjust(0)
        const behind = yield* Effect.fork(Effect.provide(Webhook.send(hook, second), theirs))
        yield* TestClock.adjust("1 second")
        yield* Scope.close(scope, Exit.void)
        expect((yield* Fiber.join(doomed))._tag).toBe("DiscordRateLimiterClosed")
        yield* within("2 minutes", Fiber.join(behind))
        expect(contents(yield* simulator.messages(made))).toEqual(["second"])
      }),
    )
  }
})
