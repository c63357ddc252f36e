/** The channel of a webhook, which the limiter learns from responses. */
import { it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { describe, expect } from "vitest"
import { Route, Strategy, Webhook } from "../../src/index.js"
import { execute } from "../../src/rest/pipeline.js"
import { ignoredBody, type RestRequest } from "../../src/rest/request.js"
import { getWebhook, messageBody } from "../../src/webhook/requests.js"
import { network, recordingLimiter, request } from "./network.js"
import type { Event } from "./network.js"

const channelId = "201"
const message = {
  id: "1001",
  channel_id: channelId,
  content: "",
  author: { id: "42", username: "Bot", discriminator: "0000" },
  timestamp: "2026-01-01T00:00:00.000000+00:00",
}
const headers = { "X-RateLimit-Bucket": "hash", "X-RateLimit-Reset-After": "1" }

const channelOf = (about: Partial<RestRequest<unknown>>, event: Event) =>
  Effect.gen(function* () {
    const limiter = recordingLimiter()
    yield* execute(request<unknown>({ success: messageBody, ...about })).pipe(
      Effect.provide(Layer.mergeAll(network(event).layer, limiter.layer, Strategy.layerReactive)),
      Effect.ignore,
    )
    const [settled] = limiter.outcomes
    return settled?.outcome._tag === "Responded"
      ? { channelId: settled.outcome.response.channelId }
      : settled?.outcome._tag
  })

const interaction = Route.make({
  method: "POST",
  template: "/webhooks/{webhook.id}/{webhook.token}",
  webhookId: "42",
  tokenDigest: "d1g35t",
  kind: "interaction",
})
const known = { channelId }
const unknown = { channelId: undefined }

describe("the limiter learns the channel of a webhook", () => {
  it.effect.each<{
    readonly of: string
    readonly about?: Partial<RestRequest<unknown>>
    readonly event: Event
    readonly expected: unknown
  }>([
    { of: "a message", event: { answer: 200, body: message, headers }, expected: known },
    {
      of: "a message without headers",
      event: { answer: 200, body: message },
      expected: known,
    },
    {
      of: "no body, with wait=false",
      about: { success: ignoredBody },
      event: { answer: 204, headers },
      expected: unknown,
    },
    {
      of: "a message in a thread, which has the thread's id",
      about: { inThread: true },
      event: { answer: 200, body: message, headers },
      expected: unknown,
    },
    {
      of: "a message that starts a thread",
      about: { startsThread: true },
      event: { answer: 200, body: message, headers },
      expected: unknown,
    },
    {
      of: "the response to an interaction",
      about: { route: interaction },
      event: { answer: 200, body: message, headers },
      expected: unknown,
    },
    { of: "an array", event: { answer: 200, body: [message], headers }, expected: unknown },
    { of: "null", event: { answer: 200, body: null, headers }, expected: unknown },
    { of: "a malformed body", event: { answer: 200, body: "{", headers }, expected: unknown },
    {
      of: "a channel that is no snowflake",
      event: { answer: 200, body: { ...message, channel_id: 7 }, headers },
      expected: unknown,
    },
    { of: "a truncated body", event: { answer: 200, cutAfter: "{", headers }, expected: unknown },
    {
      of: "an error",
      event: { answer: 404, body: { ...message, code: 10008, message: "" }, headers },
      expected: unknown,
    },
  ])("from $of: $expected.channelId", ({ about = {}, event, expected }) =>
    Effect.map(channelOf(about, event), (found) => expect(found).toEqual(expected)),
  )

  it.effect("from a webhook", () =>
    Effect.gen(function* () {
      const webhook = yield* Webhook.make({ id: "42", token: "t".repeat(68) })
      const about = yield* getWebhook("get", webhook)
      const body = { id: "42", type: 1, channel_id: channelId }
      expect(yield* channelOf(about, { answer: 200, body })).toEqual(known)
    }),
  )
})
