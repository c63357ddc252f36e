/** Every error of Discord whose reason is the thread. */
import { it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as SchemaAST from "effect/SchemaAST"
import * as TestClock from "effect/TestClock"
import { describe, expect } from "vitest"
import { RateLimiter, RestConfig, Strategy, Webhook, WebhookError } from "../../src/index.js"
import { network, recordingLimiter, withHook } from "./network.js"
import type { Event } from "./network.js"

type Operation = (hook: Webhook.Webhook) => Webhook.Operation<object>

const inThread: Operation = (hook) => Webhook.sendToThread(hook, "7", { content: "x" })
const startsThread: Operation = (hook) =>
  Webhook.createThread(hook, { name: "x" }, { content: "x" })
const elsewhere: Operation = (hook) => Webhook.send(hook, { content: "x" })

/** The error of an operation to which Discord responds with this, and what the limiter learns. */
const rejected = (operation: Operation, event: Event) => {
  const limiter = recordingLimiter()
  return withHook(operation).pipe(
    Effect.flip,
    RestConfig.withOptions({ maxRateLimitAttempts: 1 }),
    Effect.provide(Layer.mergeAll(network(event).layer, limiter.layer, Strategy.layerReactive)),
    Effect.map((error) => ({ error, outcome: limiter.outcomes[0]?.outcome })),
  )
}

const rejectedWith = (status: number, code: number, operation: Operation) =>
  Effect.map(
    rejected(operation, { answer: status, body: { code, message: "Discord's own words" } }),
    ({ error }) => error,
  )

type Reason = WebhookError.WebhookThreadError["reason"]

/** Discord's documented errors, and the advice for each. */
const refusals: ReadonlyArray<
  readonly [code: number, status: number, operation: Operation, reason: Reason, advice: RegExp]
> = [
  [10003, 404, inThread, "unknownThread", /check threadId/],
  [10087, 404, startsThread, "unknownTag", /appliedTags takes/],
  [20016, 400, inThread, "slowmode", /slowmode/],
  [40058, 400, elsewhere, "cannotPost", /messages of a forum or media channel are in threads/],
  [40066, 400, startsThread, "tagsReserved", /only moderators/],
  [40067, 400, startsThread, "tagRequired", /pass appliedTags/],
  [50001, 403, inThread, "missingPermission", /permissions of the channel/],
  [50008, 400, inThread, "cannotPost", /does not accept such messages/],
  [50013, 403, inThread, "missingPermission", /permissions of the channel/],
  [50013, 403, startsThread, "missingPermission", /permissions of the channel/],
  [50083, 400, inThread, "archived", /send a message to it/],
  [160005, 400, inThread, "locked", /manage threads/],
  [160005, 403, inThread, "locked", /unlock/],
  [160006, 400, startsThread, "tooManyActive", /archive one/],
  [160007, 400, startsThread, "tooManyActive", /archive one/],
  [200001, 400, startsThread, "titleBlocked", /choose another/],
  [220001, 400, elsewhere, "nameRequired", /createThread/],
  [220002, 400, inThread, "nameAndId", /leave out/],
  [220003, 400, startsThread, "notAForum", /send without one/],
  [220004, 400, elsewhere, "serviceInForum", /use createThread/],
]

describe("an error about a thread", () => {
  it.effect.each(refusals)("%i with status %i", ([code, status, operation, reason, advice]) =>
    Effect.gen(function* () {
      const error = yield* rejectedWith(status, code, operation)
      expect(error).toMatchObject({
        _tag: "WebhookThreadError",
        reason,
        code,
        status,
        reply: "Discord's own words",
      })
      expect(error.message).toMatch(`response ${status} (code ${code}): `)
      expect(error.message).toMatch(advice)
    }),
  )

  it("leads to every reason that there is", () => {
    const { ast } = WebhookError.WebhookThreadError.fields.reason
    const all = SchemaAST.isUnion(ast) ? ast.types.filter(SchemaAST.isLiteral) : []
    expect(all.length).toBeGreaterThan(10)
    expect(new Set(refusals.map(([, , , reason]) => reason))).toEqual(
      new Set(all.map(({ literal }) => literal)),
    )
  })

  it.effect.each<readonly [code: number, status: number, tag: string, operation?: Operation]>([
    [10003, 404, "DiscordApiError"],
    [10003, 404, "DiscordApiError", startsThread],
    [50001, 403, "WebhookForbidden"],
    [50013, 403, "WebhookForbidden"],
    [200000, 400, "DiscordApiError", inThread],
    [40001, 401, "WebhookUnauthorized", inThread],
    [0, 403, "WebhookForbidden", inThread],
  ])("is not what %i with status %i means: %s", ([code, status, tag, operation = elsewhere]) =>
    Effect.map(rejectedWith(status, code, operation), (error) => expect(error._tag).toBe(tag)),
  )

  it("is encoded to JSON and decoded, with its delay", () => {
    const error = new WebhookError.WebhookThreadError({
      operation: "Webhook.send",
      webhookId: "42",
      route: "POST /webhooks/{webhook.id}/{webhook.token}",
      status: 429,
      code: 20016,
      reply: "slow down",
      reason: "slowmode",
      retryAfter: Duration.seconds(3),
    })
    const back = Either.flatMap(
      Schema.encodeEither(WebhookError.WebhookThreadError)(error),
      Schema.decodeEither(WebhookError.WebhookThreadError),
    )
    expect(back).toEqual(Either.right(error))
    expect(error.message).toContain("try again in 3s")
  })
})

describe("slowmode", () => {
  const body = { message: "slow down", retry_after: 2.5, global: false, code: 20016 }

  it.effect.each<readonly [where: string, operation: Operation]>([
    ["in a thread", inThread],
    ["for new threads", startsThread],
  ])("%s fails at once, with its delay", ([, operation]) =>
    Effect.gen(function* () {
      const { error } = yield* rejected(operation, { answer: 429, body })
      expect(error).toMatchObject({ _tag: "WebhookThreadError", reason: "slowmode" })
      expect(error).toHaveProperty("retryAfter", Duration.millis(2500))
    }),
  )

  it.effect("uses the longer delay of header and body", () =>
    Effect.gen(function* () {
      const headers = { "retry-after": "60" }
      const { error } = yield* rejected(inThread, { answer: 429, body, headers })
      expect(error).toHaveProperty("retryAfter", Duration.minutes(1))
    }),
  )

  it.effect("without a usable delay contains none", () =>
    Effect.gen(function* () {
      const event = { answer: 429, body: { message: "slow down", code: 20016 } }
      const { error } = yield* rejected(inThread, event)
      expect(error).toMatchObject({ reason: "slowmode" })
      expect(error).not.toHaveProperty("retryAfter")
    }),
  )

  it.effect("of the channel itself is a limit like any other", () =>
    Effect.gen(function* () {
      const { error, outcome } = yield* rejected(elsewhere, { answer: 429, body })
      expect(error._tag).toBe("WebhookRateLimited")
      expect(outcome).toMatchObject({
        response: { limited: { scope: "user", retryAfter: 2500 } },
      })
    }),
  )

  it.effect.each([20028, 50013, 10003])(
    "is not what a 429 with code %i in a thread means",
    (code) =>
      Effect.gen(function* () {
        const { error } = yield* rejected(inThread, { answer: 429, body: { ...body, code } })
        expect(error._tag).toBe("WebhookRateLimited")
      }),
  )

  it.effect.each<[scope: string, invalid: number]>([
    ["shared", 0],
    ["user", 1],
  ])("of scope %s counts as an invalid request as any 429 of that scope does", ([scope, invalid]) =>
    Effect.gen(function* () {
      const net = network({ answer: 429, headers: { "x-ratelimit-scope": scope }, body })
      yield* Effect.flip(withHook(inThread)).pipe(Effect.provide(net.layer))
      const { invalidRequests } = yield* Effect.flatMap(
        RateLimiter.RateLimiter,
        (limiter) => limiter.snapshot,
      )
      expect(invalidRequests).toBe(invalid)
    }).pipe(Effect.provide([RateLimiter.layerMemory, Strategy.layerReactive])),
  )

  it.effect("of one thread is sent once, and holds nothing else up", () =>
    Effect.gen(function* () {
      const net = network({ answer: 429, headers: { "x-ratelimit-scope": "shared" }, body })
      const limiter = recordingLimiter()
      const error = yield* Effect.flip(withHook(inThread)).pipe(
        Effect.provide(Layer.mergeAll(net.layer, limiter.layer, Strategy.layerReactive)),
      )
      expect(error).toMatchObject({ _tag: "WebhookThreadError", reason: "slowmode", status: 429 })
      expect(net.sent).toHaveLength(1)
      expect(limiter.outcomes).toMatchObject([
        { how: "settle", outcome: { _tag: "Responded", response: { limited: undefined } } },
      ])
      yield* TestClock.adjust("1 minute")
      expect(net.sent).toHaveLength(1)
    }),
  )
})
