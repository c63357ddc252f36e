import * as FetchHttpClient from "@effect/platform/FetchHttpClient"
import * as HttpClient from "@effect/platform/HttpClient"
import { it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as TestClock from "effect/TestClock"
import { describe, expect } from "vitest"
import { RestConfig, Strategy } from "../../src/index.js"
import {
  anyJson,
  directNetwork,
  executeRequest,
  network,
  recordingLimiter,
  token,
} from "./network.js"
import { inTurns } from "../support/laws.js"
import type { Event, Network, RecordingLimiter, RequestChanges } from "./network.js"

interface Run<A> {
  readonly exit: Exit.Exit<A, unknown>
  readonly net: Network
  readonly limiter: RecordingLimiter
  /** Milliseconds of simulated time. */
  readonly took: number
}

const outcomes = (limiter: RecordingLimiter) =>
  limiter.outcomes.map(({ how, outcome }) => `${how} ${outcome._tag}`)

const errorOf = (exit: Exit.Exit<unknown, unknown>): unknown =>
  Exit.isFailure(exit) && exit.cause._tag === "Fail" ? exit.cause.error : exit

const get: RequestChanges<unknown> = { idempotent: true, success: anyJson }
const post: RequestChanges<unknown> = { idempotent: false, success: anyJson }
const ok: Event = { answer: 200, body: { id: "1" } }
const json = { "content-type": "application/json" }

const limitedFor = (seconds: number): Event => ({
  answer: 429,
  headers: { "retry-after": String(Math.ceil(seconds)), "x-ratelimit-scope": "user" },
  body: { message: "You are being rate limited.", retry_after: seconds, global: false },
})

/** The pipeline behaves the same with and without a direct transport. */
const ways = { "any client": network, "a client with a way of its own": directNetwork }

describe.each(Object.entries(ways))("by %s", (way, connected) => {
  /** Runs one request against a script until it ends, time passing as it must. */
  const run = <A = void>(
    script: ReadonlyArray<Event>,
    changes: RequestChanges<A> = {},
    options: Partial<RestConfig.RestOptions> = {},
  ): Effect.Effect<Run<A>> =>
    Effect.gen(function* () {
      const net = connected(...script)
      const limiter = recordingLimiter()
      const fiber = yield* executeRequest(changes).pipe(
        RestConfig.withOptions(options),
        Effect.provide(Layer.mergeAll(net.layer, limiter.layer, Strategy.layerReactive)),
        Effect.timed,
        Effect.exit,
        Effect.fork,
      )
      yield* TestClock.adjust("1 hour")
      const exit = yield* Fiber.join(fiber)
      return {
        exit: Exit.map(exit, ([, value]) => value),
        took: Exit.isSuccess(exit) ? Duration.toMillis(exit.value[0]) : Number.NaN,
        net,
        limiter,
      }
    })

  describe("a healthy request", () => {
    it.effect("is sent once to its route, and settled with the response's headers", () =>
      Effect.gen(function* () {
        const headers = { "x-ratelimit-limit": "5", "x-ratelimit-remaining": "4" }
        const { exit, limiter, net } = yield* run([{ ...ok, headers }], post)
        expect(exit).toEqual(Exit.succeed({ id: "1" }))
        expect(net.sent).toHaveLength(1)
        expect(net.sent[0]).toMatchObject({
          method: "POST",
          url: `https://discord.com/api/v10/webhooks/42/${token}`,
        })
        expect(outcomes(limiter)).toEqual(["settle Responded"])
        expect(limiter.outcomes[0]?.outcome).toMatchObject({
          response: {
            status: 200,
            code: 0,
            limited: undefined,
            headers: { limit: 5, remaining: 4 },
          },
        })
      }),
    )

    it.effect("has Discord's form of user agent, and no trace headers", () =>
      Effect.gen(function* () {
        const { net } = yield* run([ok], post).pipe(Effect.withSpan("outer"))
        const headers = net.sent[0]?.headers ?? {}
        expect(headers["user-agent"]).toMatch(/^DiscordBot \(https:\/\/\S+, \d+\.\d+\.\d+\)$/)
        expect(Object.keys(headers)).not.toContain("traceparent")
        expect(Object.keys(headers)).not.toContain("b3")
      }),
    )

    it.effect("uses the configured base URL, with or without a trailing slash", () =>
      Effect.gen(function* () {
        for (const baseUrl of [
          "http://localhost:8080/api/v10",
          "http://localhost:8080/api/v10//",
        ]) {
          const { net } = yield* run([ok], post, { baseUrl })
          expect(net.sent[0]?.url).toBe(`http://localhost:8080/api/v10/webhooks/42/${token}`)
        }
      }),
    )
  })

  describe("the context", () => {
    it.effect("of the caller is afterwards what it was", () =>
      Effect.gen(function* () {
        const net = connected({ answer: 503 }, ok)
        const both = Effect.zipRight(
          executeRequest(get),
          Effect.serviceOption(FetchHttpClient.RequestInit),
        )
        const fiber = yield* both.pipe(
          Effect.provide(
            Layer.mergeAll(net.layer, recordingLimiter().layer, Strategy.layerReactive),
          ),
          Effect.fork,
        )
        yield* TestClock.adjust("1 minute")
        expect(Option.isNone(yield* Fiber.join(fiber))).toBe(true)
      }),
    )
  })

  describe("a 429", () => {
    it.effect("is repeated through the limiter, and is not a failed attempt", () =>
      Effect.gen(function* () {
        const { exit, limiter, net } = yield* run([limitedFor(1.5), limitedFor(2), ok], post, {
          maxRetries: 0,
        })
        expect(exit).toEqual(Exit.succeed({ id: "1" }))
        expect(net.sent).toHaveLength(3)
        const retried = ["again Responded", "again Responded", "settle Responded"]
        expect(outcomes(limiter)).toEqual(retried)
        expect(limiter.outcomes[0]).toMatchObject({
          after: undefined,
          outcome: { response: { status: 429, limited: { scope: "user", retryAfter: 1500 } } },
        })
        expect(limiter.outcomes[2]?.outcome).toMatchObject({ response: { limited: undefined } })
      }),
    )

    it.effect(
      "too many times in a row fails with WebhookRateLimited, and the limiter records the last",
      () =>
        Effect.gen(function* () {
          const { exit, limiter, net } = yield* run([limitedFor(9)], post, {
            maxRateLimitAttempts: 3,
          })
          expect(errorOf(exit)).toMatchObject({
            _tag: "WebhookRateLimited",
            reason: "attempts",
            scope: "user",
            attempts: 3,
            retryAfter: Duration.seconds(9),
          })
          expect(net.sent).toHaveLength(3)
          expect(outcomes(limiter)).toEqual([
            "again Responded",
            "again Responded",
            "settle Responded",
          ])
        }),
    )

    it.effect("without a delay contains the limiter's estimate", () =>
      Effect.gen(function* () {
        const event: Event = { answer: 429, body: "error code: 1015" }
        const { exit } = yield* run([event], post, { maxRateLimitAttempts: 1 })
        expect(errorOf(exit)).toMatchObject({ scope: "edge", retryAfter: Duration.seconds(5) })
      }),
    )

    it.effect("names the bucket, unless a proxy has put a part of the token into its name", () =>
      Effect.gen(function* () {
        const named = (bucket: string): Event => ({
          answer: 429,
          headers: { "x-ratelimit-bucket": bucket },
        })
        const plain = yield* run([named("abcd")], post, { maxRateLimitAttempts: 1 })
        expect(errorOf(plain.exit)).toMatchObject({ bucket: "abcd" })
        const reversed = Array.from(token).reverse().join("")
        for (const name of [`/42/${token}`, token.slice(20, 40), reversed, "an <odd> name"]) {
          const { exit } = yield* run([named(name)], post, { maxRateLimitAttempts: 1 })
          expect(errorOf(exit)).not.toHaveProperty("bucket")
        }
      }),
    )

    it.effect("is counted from zero after another response", () =>
      Effect.gen(function* () {
        const script = [limitedFor(1), { answer: 503 }, limitedFor(1), ok]
        const { exit } = yield* run(script, get, { maxRateLimitAttempts: 2 })
        expect(exit).toEqual(Exit.succeed({ id: "1" }))
      }),
    )
  })

  describe("what is idempotent", () => {
    it.effect("is repeated after 5xx responses, with growing delays, up to maxRetries", () =>
      Effect.gen(function* () {
        const { exit, limiter, net } = yield* run([{ answer: 502, body: "bad gateway" }], get)
        expect(errorOf(exit)).toMatchObject({
          _tag: "DiscordServerError",
          status: 502,
          reply: "bad gateway",
          delivered: "unknown",
          attempts: 4,
        })
        expect(net.sent).toHaveLength(4)
        expect(outcomes(limiter)).toEqual([
          "again Responded",
          "again Responded",
          "again Responded",
          "settle Responded",
        ])
        const pauses = limiter.outcomes.slice(0, 3).map(({ after }) => after ?? 0)
        pauses.forEach((pause, n) => {
          expect(pause).toBeGreaterThanOrEqual(500 * 2 ** n)
          expect(pause).toBeLessThanOrEqual(1000 * 2 ** n)
        })
      }),
    )

    it.effect("succeeds when the server recovers", () =>
      Effect.gen(function* () {
        const { exit } = yield* run([{ answer: 500 }, { fails: "ECONNRESET" }, ok], get)
        expect(exit).toEqual(Exit.succeed({ id: "1" }))
      }),
    )

    it.effect("waits for the Retry-After of a 503", () =>
      Effect.gen(function* () {
        const busy: Event = { answer: 503, headers: { "retry-after": "20" } }
        const { limiter } = yield* run([busy, ok], get)
        expect(limiter.outcomes[0]?.after).toBe(20_000)
      }),
    )

    it.effect("is repeated when its success was cut in the middle", () =>
      Effect.gen(function* () {
        const { exit, limiter } = yield* run([{ answer: 200, cutAfter: '{"id"' }, ok], get)
        expect(exit).toEqual(Exit.succeed({ id: "1" }))
        expect(outcomes(limiter)).toEqual(["again Responded", "settle Responded"])
      }),
    )
  })

  describe("what is not idempotent", () => {
    it.effect.each<Event>([
      { answer: 500 },
      { answer: 502 },
      { answer: 503, body: "upstream connect error" },
      { answer: 504 },
    ])("is sent once when the server failed: %j", (event) =>
      Effect.gen(function* () {
        const { exit, limiter, net } = yield* run([event], post)
        expect(errorOf(exit)).toMatchObject({
          _tag: "DiscordServerError",
          delivered: "unknown",
          attempts: 1,
        })
        expect(net.sent).toHaveLength(1)
        expect(outcomes(limiter)).toEqual(["settle Responded"])
      }),
    )

    it.effect.each<Event>([{ fails: "ECONNRESET" }, { fails: "UND_ERR_SOCKET" }, { fails: "WHO" }])(
      "is sent once when the connection broke: %j",
      (event) =>
        Effect.gen(function* () {
          const { exit, limiter, net } = yield* run([event], post)
          expect(errorOf(exit)).toMatchObject({
            _tag: "DiscordTransportError",
            reason: "broken",
            delivered: "unknown",
            attempts: 1,
          })
          expect(net.sent).toHaveLength(1)
          expect(outcomes(limiter)).toEqual(["settle Unknown"])
        }),
    )

    it.effect("is sent once when the response times out", () =>
      Effect.gen(function* () {
        const { exit, limiter, net } = yield* run(["silence"], post, { timeout: "3 seconds" })
        expect(errorOf(exit)).toMatchObject({
          _tag: "DiscordTransportError",
          reason: "timeout",
          delivered: "unknown",
          attempts: 1,
        })
        expect(net.sent).toHaveLength(1)
        expect(net.aborted.count).toBe(1)
        expect(outcomes(limiter)).toEqual(["settle Unknown"])
      }),
    )

    it.effect.each<Event>([
      { fails: "ECONNREFUSED" },
      { fails: "ENOTFOUND" },
      { fails: "CERT_HAS_EXPIRED" },
      { fails: "UND_ERR_CONNECT_TIMEOUT" },
    ])("is repeated when it never left: %j", (event) =>
      Effect.gen(function* () {
        const { exit, limiter, net } = yield* run([event, event, ok], post)
        expect(exit).toEqual(Exit.succeed({ id: "1" }))
        expect(net.sent).toHaveLength(3)
        expect(outcomes(limiter)).toEqual([
          "again NeverSent",
          "again NeverSent",
          "settle Responded",
        ])
      }),
    )

    it.effect("that never left, as often as allowed, was not delivered", () =>
      Effect.gen(function* () {
        const { exit, net } = yield* run([{ fails: "ECONNREFUSED" }], post, { maxRetries: 2 })
        expect(errorOf(exit)).toMatchObject({ reason: "refused", delivered: "no", attempts: 3 })
        expect(net.sent).toHaveLength(3)
      }),
    )

    it.effect("is repeated after anything when the user opts in", () =>
      Effect.gen(function* () {
        const script: ReadonlyArray<Event> = [
          { answer: 500 },
          { fails: "ECONNRESET" },
          "silence",
          ok,
        ]
        const { exit } = yield* run(script, post, { retry: "atLeastOnce" })
        expect(exit).toEqual(Exit.succeed({ id: "1" }))
        const given = yield* run([{ answer: 500 }, { fails: "ECONNREFUSED" }], post, {
          retry: "atLeastOnce",
          maxRetries: 1,
        })
        // What certainly arrived is not sent again even so.
        const cut = yield* run([{ answer: 200, cutAfter: "{", headers: json }, ok], post, {
          retry: "atLeastOnce",
        })
        expect(errorOf(cut.exit)).toMatchObject({ delivered: "yes", attempts: 1 })
        // The second attempt never left; the first may have arrived.
        expect(errorOf(given.exit)).toMatchObject({ reason: "refused", delivered: "unknown" })
      }),
    )

    it.effect("took effect when the head of its success arrived, and is not sent again", () =>
      Effect.gen(function* () {
        const headers = { ...json, "x-ratelimit-limit": "5", "x-ratelimit-remaining": "3" }
        const cut = yield* run([{ answer: 200, cutAfter: '{"id', headers }], post)
        expect(errorOf(cut.exit)).toMatchObject({
          _tag: "DiscordTransportError",
          reason: "broken",
          delivered: "yes",
        })
        expect(cut.net.sent).toHaveLength(1)
        expect(outcomes(cut.limiter)).toEqual(["settle Responded"])
        expect(cut.limiter.outcomes[0]?.outcome).toMatchObject({
          response: { headers: { remaining: 3 } },
        })
        const stalled = yield* run([{ answer: 200, stallsAfter: '{"id', headers }], post)
        expect(errorOf(stalled.exit)).toMatchObject({ reason: "timeout", delivered: "yes" })
        expect(outcomes(stalled.limiter)).toEqual(["settle Responded"])
      }),
    )

    it.effect("teaches the limiter nothing where the response is not Discord's", () =>
      Effect.gen(function* () {
        const { exit, limiter, net } = yield* run([{ answer: 200, body: "<html>" }])
        expect(errorOf(exit)).toMatchObject({ _tag: "DiscordDecodeError", delivered: "unknown" })
        expect(outcomes(limiter)).toEqual(["settle Unknown"])
        expect(net.sent).toHaveLength(1)
      }),
    )

    it.effect("that wants no body succeeds with the head alone", () =>
      Effect.gen(function* () {
        const { exit } = yield* run([{ answer: 200, cutAfter: '{"id', headers: json }])
        expect(exit).toEqual(Exit.succeed(undefined))
      }),
    )
  })

  describe("a DELETE", () => {
    const remove: RequestChanges = {
      idempotent: true,
      notFound: { code: 10008, value: undefined },
    }
    const absent: Event = { answer: 404, body: { code: 10008, message: "Unknown Message" } }

    it.effect("that may have worked, and then finds nothing, has succeeded", () =>
      Effect.gen(function* () {
        for (const first of [{ answer: 500 }, { fails: "ECONNRESET" }, "silence"] as const) {
          expect((yield* run([first, absent], remove)).exit).toEqual(Exit.succeed(undefined))
        }
      }),
    )

    it.effect("that found nothing at once, or after attempts that did nothing, has not", () =>
      Effect.gen(function* () {
        const scripts: ReadonlyArray<ReadonlyArray<Event>> = [
          [absent],
          [limitedFor(1), absent],
          [{ fails: "ECONNREFUSED" }, absent],
        ]
        for (const script of scripts) {
          const { exit } = yield* run(script, remove)
          expect(errorOf(exit)).toMatchObject({ _tag: "WebhookMessageNotFound" })
        }
      }),
    )

    it.effect("that finds something else missing has not, either", () =>
      Effect.gen(function* () {
        const other: Event = { answer: 404, body: { code: 10015, message: "Unknown Webhook" } }
        const { exit } = yield* run([{ answer: 500 }, other], remove)
        expect(errorOf(exit)).toMatchObject({ _tag: "WebhookNotFound" })
      }),
    )
  })

  describe("other responses", () => {
    it.effect("are given to the limiter with Discord's code and words, and never repeated", () =>
      Effect.gen(function* () {
        const gone: Event = { answer: 404, body: { code: 10015, message: "Unknown Webhook" } }
        const { exit, limiter, net } = yield* run([gone], get)
        expect(errorOf(exit)).toMatchObject({ _tag: "WebhookNotFound", remembered: false })
        expect(net.sent).toHaveLength(1)
        expect(limiter.outcomes[0]?.outcome).toMatchObject({
          response: { status: 404, code: 10015, message: "Unknown Webhook" },
        })
      }),
    )

    it.effect("a redirect is not followed", () =>
      Effect.gen(function* () {
        const moved: Event = { answer: 302, headers: { location: "https://evil.example/" } }
        const { exit, net } = yield* run([moved], get)
        expect(errorOf(exit)).toMatchObject({ _tag: "DiscordApiError", status: 302 })
        expect(net.sent).toHaveLength(1)
      }),
    )

    it.effect("are understood through a client that fails on their status", () =>
      Effect.gen(function* () {
        const gone: Event = { answer: 404, body: { code: 10015, message: "Unknown Webhook" } }
        const net = connected(limitedFor(1), gone)
        const limiter = recordingLimiter()
        const strict = HttpClient.filterStatusOk(net.client)
        const fiber = yield* executeRequest(post).pipe(
          Effect.provide(Layer.merge(limiter.layer, Strategy.layerReactive)),
          Effect.provideService(HttpClient.HttpClient, strict),
          Effect.either,
          Effect.fork,
        )
        yield* TestClock.adjust("1 minute")
        expect(yield* Fiber.join(fiber)).toMatchObject({ left: { _tag: "WebhookNotFound" } })
        expect(outcomes(limiter)).toEqual(["again Responded", "settle Responded"])
      }),
    )

    it.effect("a base URL that is none fails before anything is sent", () =>
      Effect.gen(function* () {
        const { exit, limiter, net } = yield* run([ok], post, { baseUrl: "discord dot com" })
        expect(errorOf(exit)).toMatchObject({
          _tag: "DiscordTransportError",
          reason: "invalidUrl",
          delivered: "no",
          attempts: 1,
        })
        expect(net.sent).toHaveLength(0)
        expect(outcomes(limiter)).toEqual(["settle NeverSent"])
      }),
    )

    it.effect("a client that throws is a defect, without the token, and the permit is ended", () =>
      Effect.gen(function* () {
        const url = `https://discord.com/api/v10/webhooks/42/${token}`
        for (const thrown of [new TypeError(`bad ${url}`), `bad ${url}`]) {
          const { exit, limiter } = yield* run([{ throws: thrown }], post)
          const shown = Exit.isFailure(exit) ? Cause.pretty(exit.cause) : ""
          expect(shown).toContain("bad https://discord.com/api/v10/webhooks/42/[redacted]")
          expect(shown).not.toContain(token)
          expect(limiter.unsettled.count + limiter.outcomes.length).toBe(1)
        }
      }),
    )
  })

  describe("interruption", () => {
    const interrupted = (event: Event, after: Duration.DurationInput) =>
      Effect.gen(function* () {
        const net = connected(event)
        const limiter = recordingLimiter()
        const fiber = yield* executeRequest(get).pipe(
          Effect.provide(Layer.mergeAll(net.layer, limiter.layer, Strategy.layerReactive)),
          Effect.fork,
        )
        yield* TestClock.adjust(after)
        const exit = yield* Fiber.interrupt(fiber)
        expect(Exit.isInterrupted(exit)).toBe(true)
        return { net, limiter }
      })

    it.effect("in flight leaves the slot in doubt, and aborts the connection", () =>
      Effect.gen(function* () {
        const { limiter, net } = yield* interrupted("silence", "1 second")
        expect(outcomes(limiter)).toEqual(["settle Unknown"])
        expect(net.aborted.count).toBe(1)
      }),
    )

    it.effect("in the middle of the body still gives the limiter the headers", () =>
      Effect.gen(function* () {
        const headers = { "x-ratelimit-limit": "5", "x-ratelimit-remaining": "2" }
        const { limiter } = yield* interrupted(
          { answer: 200, stallsAfter: "{", headers },
          "1 second",
        )
        expect(outcomes(limiter)).toEqual(["settle Responded"])
        expect(limiter.outcomes[0]?.outcome).toMatchObject({
          response: { status: 200, headers: { remaining: 2 } },
        })
      }),
    )

    it.effect("in the middle of the body of a 429 still records the limit", () =>
      Effect.gen(function* () {
        const headers = { "x-ratelimit-scope": "shared", "retry-after": "7" }
        const { limiter } = yield* interrupted(
          { answer: 429, stallsAfter: "{", headers },
          "1 second",
        )
        expect(limiter.outcomes[0]?.outcome).toMatchObject({
          response: { limited: { scope: "shared", retryAfter: 7000 } },
        })
      }),
    )

    it.effect("while waiting to go again is reported once, by `again`", () =>
      Effect.gen(function* () {
        const { limiter, net } = yield* interrupted({ answer: 500 }, "1 milli")
        expect(outcomes(limiter)).toEqual(["again Responded"])
        expect(net.sent).toHaveLength(1)
      }),
    )

    it.effect("does not cut short what must not be interrupted", () =>
      Effect.gen(function* () {
        const net = connected(limitedFor(1), ok)
        const limiter = recordingLimiter()
        const answers: Array<unknown> = []
        const fiber = yield* executeRequest(get).pipe(
          Effect.provide(Layer.mergeAll(net.layer, limiter.layer, Strategy.layerReactive)),
          Effect.map((answer) => answers.push(answer)),
          Effect.uninterruptible,
          Effect.fork,
        )
        yield* Effect.yieldNow()
        yield* Fiber.interruptFork(fiber)
        yield* TestClock.adjust("1 minute")
        yield* Fiber.await(fiber)
        expect(answers).toEqual([{ id: "1" }])
        expect(outcomes(limiter)).toEqual(["again Responded", "settle Responded"])
      }),
    )
  })

  describe("a finalizer", () => {
    it.effect("may send, though its fiber is interrupted, and is not held up by silence", () =>
      Effect.gen(function* () {
        const net = connected("silence", ok)
        const limiter = recordingLimiter()
        const results: Array<unknown> = []
        const say = executeRequest(post).pipe(
          Effect.provide(Layer.mergeAll(net.layer, limiter.layer, Strategy.layerReactive)),
          RestConfig.withOptions({ timeout: "3 seconds" }),
          Effect.either,
          Effect.map((result) => results.push(Either.merge(result))),
        )
        const fiber = yield* Effect.never.pipe(
          Effect.ensuring(Effect.zipRight(say, say)),
          Effect.fork,
        )
        yield* Effect.yieldNow()
        yield* Fiber.interruptFork(fiber)
        yield* TestClock.adjust("4 seconds")
        expect(results).toEqual([expect.objectContaining({ reason: "timeout" }), { id: "1" }])
        expect(outcomes(limiter)).toEqual(["settle Unknown", "settle Responded"])
      }),
    )
  })

  describe("every path", () => {
    const events: ReadonlyArray<Event> = [
      ok,
      limitedFor(1),
      { answer: 503 },
      { answer: 404, body: { code: 10015, message: "Unknown Webhook" } },
      { answer: 400, body: "<html>" },
      { answer: 200, body: "half" },
      { answer: 200, cutAfter: "{" },
      { answer: 200, stallsAfter: "{" },
      { fails: "ECONNREFUSED" },
      { fails: "ECONNRESET" },
      "silence",
    ]
    for (const [turn, first] of events.entries()) {
      const after = JSON.stringify(first)
      it.effect(`settles or continues the permit once for each attempt, after ${after}`, () =>
        Effect.gen(function* () {
          for (const second of inTurns(events, turn + Object.keys(ways).indexOf(way), 3)) {
            for (const about of [get, post]) {
              const { limiter, net } = yield* run([first, second], about)
              expect(limiter.outcomes).toHaveLength(net.sent.length)
              expect(limiter.outcomes.filter(({ how }) => how === "settle")).toHaveLength(1)
              expect(limiter.outcomes.at(-1)?.how).toBe("settle")
              expect(limiter.outcomesAfterEnd).toEqual([])
              expect(limiter.unsettled.count).toBe(0)
            }
          }
        }),
      )
    }
  })
})
