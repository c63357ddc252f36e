/** The channel of a webhook, which the limiter learns from responses. */
import { it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { describe, expect } from "vitest"
import { InteractionWebhook, Strategy, Webhook } from "../../src/index.js"
import { network, recordingLimiter, token, withHook } from "./network.js"
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

type Operation = (hook: Webhook.Webhook) => Webhook.Operation<unknown>

const send: Operation = (hook) => Webhook.send(hook, { content: "x" })

const channelOf = (operation: Operation, event: Event) =>
  Effect.gen(function* () {
    const limiter = recordingLimiter()
    yield* withHook(operation).pipe(
      Effect.provide(Layer.mergeAll(network(event).layer, limiter.layer, Strategy.layerReactive)),
      Effect.ignore,
    )
    const [settled] = limiter.outcomes
    return settled?.outcome._tag === "Responded"
      ? { channelId: settled.outcome.response.channelId }
      : settled?.outcome._tag
  })

const known = { channelId }
const unknown = { channelId: undefined }

describe("the limiter learns the channel of a webhook", () => {
  it.effect.each<{
    readonly of: string
    readonly operation?: Operation
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
      operation: (hook) => Webhook.send(hook, { content: "x" }, { wait: false }),
      event: { answer: 204, headers },
      expected: unknown,
    },
    {
      of: "a message in a thread, which has the thread's id",
      operation: (hook) => Webhook.sendToThread(hook, "7", { content: "x" }),
      event: { answer: 200, body: message, headers },
      expected: unknown,
    },
    {
      of: "a message that starts a thread",
      operation: (hook) => Webhook.createThread(hook, { name: "x" }, { content: "x" }),
      event: { answer: 200, body: message, headers },
      expected: unknown,
    },
    {
      of: "the response to an interaction",
      operation: () =>
        Effect.flatMap(
          Effect.orDie(InteractionWebhook.make({ applicationId: "42", token })),
          (interaction) => InteractionWebhook.send(interaction, { content: "x" }),
        ),
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
    {
      of: "a webhook",
      operation: (hook) => Webhook.get(hook),
      event: { answer: 200, body: { id: "42", type: 1, channel_id: channelId } },
      expected: known,
    },
  ])("from $of: $expected.channelId", ({ event, expected, operation = send }) =>
    Effect.map(channelOf(operation, event), (found) => expect(found).toEqual(expected)),
  )
})
