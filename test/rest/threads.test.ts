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
import { RateLimiter, RateLimitHeaders, Strategy, WebhookError } from "../../src/index.js"
import { interpret } from "../../src/rest/attempt.js"
import { execute } from "../../src/rest/pipeline.js"
import type { RestRequest } from "../../src/rest/request.js"
import { recordingLimiter, network, request } from "./network.js"

const inThread = { inThread: true }
const startsThread = { startsThread: true }
const elsewhere = {}

type About = Partial<RestRequest<void>>

const answered = (
  status: number,
  body: unknown,
  about: About,
  headers: Readonly<Record<string, string>> = {},
) =>
  interpret(
    request(about),
    {
      status,
      headers: RateLimitHeaders.parse(headers),
      contentType: "application/json",
      isViaGoogle: false,
      isDryRun: false,
      body: JSON.stringify(body),
    },
    { isDiscordHost: true },
  ).classification

const refusedWith = (status: number, code: number, about: About) => {
  const classification = answered(status, { code, message: "Discord's own words" }, about)
  if (classification._tag !== "ClientError") throw new Error(`meant ${classification._tag}`)
  return classification.error
}

type Reason = WebhookError.WebhookThreadError["reason"]

/** Discord's documented errors, and the advice for each. */
const refusals: ReadonlyArray<
  readonly [code: number, status: number, about: About, reason: Reason, advice: RegExp]
> = [
  [10003, 404, inThread, "unknownThread", /check threadId/],
  [10087, 404, startsThread, "unknownTag", /appliedTags takes/],
  [20016, 400, inThread, "slowmode", /slowmode/],
  [40058, 400, elsewhere, "cannotPost", /only threads do/],
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
  it.each(refusals)("%i with status %i", (code, status, about, reason, advice) => {
    const error = refusedWith(status, code, about)
    expect(error).toMatchObject({
      _tag: "WebhookThreadError",
      reason,
      code,
      status,
      reply: "Discord's own words",
    })
    expect(error.message).toMatch(`response ${status} (code ${code}): `)
    expect(error.message).toMatch(advice)
  })

  it("leads to every reason that there is", () => {
    const { ast } = WebhookError.WebhookThreadError.fields.reason
    const all = SchemaAST.isUnion(ast) ? ast.types.filter(SchemaAST.isLiteral) : []
    expect(all.length).toBeGreaterThan(10)
    expect(new Set(refusals.map(([, , , reason]) => reason))).toEqual(
      new Set(all.map(({ literal }) => literal)),
    )
  })

  it.each([
    [10003, 404, "DiscordApiError"],
    [10003, 404, "DiscordApiError", startsThread],
    [50001, 403, "WebhookForbidden"],
    [50013, 403, "WebhookForbidden"],
    [200000, 400, "DiscordApiError", inThread],
    [40001, 401, "WebhookUnauthorized", inThread],
    [0, 403, "WebhookForbidden", inThread],
  ] as const)("is not what %i with status %i means: %s", (code, status, tag, about: About = {}) => {
    expect(refusedWith(status, code, about)._tag).toBe(tag)
  })

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

  it.each([
    ["in a thread", inThread],
    ["for new threads", startsThread],
  ])("%s fails at once, with its delay", (_, about) => {
    const classification = answered(429, body, about)
    expect(classification).toMatchObject({
      error: { _tag: "WebhookThreadError", reason: "slowmode" },
    })
    if (classification._tag !== "ClientError" || classification.error._tag !== "WebhookThreadError")
      throw new Error()
    expect(classification.error.retryAfter).toEqual(Duration.millis(2500))
  })

  it("uses the longer delay of header and body", () => {
    const classification = answered(429, body, inThread, { "retry-after": "60" })
    if (classification._tag !== "ClientError" || classification.error._tag !== "WebhookThreadError")
      throw new Error()
    expect(classification.error.retryAfter).toEqual(Duration.minutes(1))
  })

  it("without a usable delay contains none", () => {
    const classification = answered(429, { message: "slow down", code: 20016 }, inThread)
    expect(classification).toMatchObject({ error: { reason: "slowmode" } })
    expect(classification).not.toHaveProperty("error.retryAfter")
  })

  it("of the channel itself is a limit like any other", () => {
    expect(answered(429, body, elsewhere)).toEqual({
      _tag: "RateLimited",
      limited: { scope: "user", retryAfter: 2500 },
    })
  })

  it.each([20028, 50013, 10003])("is not what a 429 with code %i in a thread means", (code) => {
    expect(answered(429, { ...body, code }, inThread)._tag).toBe("RateLimited")
  })

  it.effect.each<[scope: string, invalid: number]>([
    ["shared", 0],
    ["user", 1],
  ])("of scope %s counts as an invalid request as any 429 of that scope does", ([scope, invalid]) =>
    Effect.gen(function* () {
      const net = network({ answer: 429, headers: { "x-ratelimit-scope": scope }, body })
      yield* Effect.flip(execute(request(inThread))).pipe(Effect.provide(net.layer))
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
      const error = yield* Effect.flip(execute(request(inThread))).pipe(
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
