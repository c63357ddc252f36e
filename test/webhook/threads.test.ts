import { it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { describe, expect, expectTypeOf } from "vitest"
import { RateLimiter, Strategy, Webhook } from "../../src/index.js"
import type { MessageCreate, Message, Snowflake } from "../../src/index.js"
import { DiscordSimulator } from "../../src/testing/index.js"

const layer = Layer.mergeAll(
  DiscordSimulator.layerTestWith({ globalLimit: "none", limits: { execute: "none" } }),
  RateLimiter.layerMemory,
  Strategy.layerProactive,
)

/** A webhook in a simulator of its own. */
const withHook = <A, E, R>(
  options: DiscordSimulator.WebhookOptions,
  use: (harness: {
    readonly hook: Webhook.Webhook
    readonly discord: DiscordSimulator.Service
    readonly webhook: DiscordSimulator.SimulatedWebhook
  }) => Effect.Effect<A, E, R>,
) =>
  Effect.gen(function* () {
    const discord = yield* DiscordSimulator.DiscordSimulator
    const webhook = yield* discord.createWebhook(options)
    const hook = yield* Webhook.fromUrl(webhook.url)
    return yield* use({ hook, discord, webhook })
  }).pipe(Effect.provide(layer))

const forum = { channel: "forum", tags: ["7", "8"] } as const

describe("createThread", () => {
  it.effect("returns the thread and its first message", () =>
    withHook(forum, ({ hook, discord }) =>
      Effect.gen(function* () {
        const thread = { name: "Release 1.4", appliedTags: ["7"] }
        const created = yield* Webhook.createThread(hook, thread, { content: "first" })
        expect(created.message).toMatchObject({ content: "first", channelId: created.threadId })
        expect(yield* discord.traffic).toMatchObject([
          {
            query: { wait: "true" },
            body: { content: "first", thread_name: "Release 1.4", applied_tags: ["7"] },
          },
        ])
      }),
    ),
  )

  it.effect("starts another thread each time, and leads to each", () =>
    withHook(forum, ({ hook }) =>
      Effect.gen(function* () {
        const threads = yield* Effect.forEach(["one", "two"], (name) =>
          Webhook.createThread(hook, { name }, { content: name }),
        )
        const [first, second] = threads.map(({ threadId }) => threadId)
        expect(first).not.toBe(second)
        for (const { threadId, message } of threads) {
          const reply = yield* Webhook.sendToThread(hook, threadId, { content: "reply" })
          expect(reply.channelId).toBe(threadId)
          const read = yield* Webhook.getMessage(hook, message.id, { threadId })
          expect(read.content).toBe(message.content)
        }
      }),
    ),
  )

  it.effect("ignores the thread of the webhook's URL", () =>
    withHook(forum, ({ hook, discord, webhook }) =>
      Effect.gen(function* () {
        const old = yield* Webhook.createThread(hook, { name: "old" }, { content: "first" })
        const inOld = yield* Webhook.fromUrl(`${webhook.url}?thread_id=${old.threadId}`)
        const young = yield* Webhook.createThread(inOld, { name: "young" }, { content: "first" })
        expect(young.threadId).not.toBe(old.threadId)
        expect((yield* discord.traffic).at(-1)?.query).toEqual({ wait: "true" })
        const reply = yield* Webhook.send(inOld, { content: "still here" })
        expect(reply.channelId).toBe(old.threadId)
      }),
    ),
  )

  it.effect("finds everything that is wrong with thread and message, and sends nothing", () =>
    withHook(forum, ({ hook, discord }) =>
      Effect.gen(function* () {
        const thread = { name: "", tags: ["1"] } as { readonly name: string }
        const message = { content: "x".repeat(2001), threadName: "again" } as { content: string }
        const error = yield* Effect.flip(Webhook.createThread(hook, thread, message))
        expect(error).toMatchObject({
          _tag: "WebhookValidationError",
          route: "POST /webhooks/{webhook.id}/{webhook.token}",
        })
        expect(error).toHaveProperty("issues", [
          { path: "tags", message: "is not a known field" },
          { path: "name", message: "at least 1 code point, got 0" },
          { path: "threadName", message: "belongs in the thread, not in its first message" },
          { path: "content", message: "at most 2000 code points, got 2001" },
        ])
        expect(yield* discord.traffic).toEqual([])
      }),
    ),
  )

  it.effect("wants a first message, however well the thread is named", () =>
    withHook(forum, ({ hook }) =>
      Effect.gen(function* () {
        const error = yield* Effect.flip(Webhook.createThread(hook, { name: "x" }, {}))
        expect(error).toMatchObject({ _tag: "WebhookValidationError", issues: [{ path: "" }] })
      }),
    ),
  )

  it.effect.each([null, undefined, "x", 7])("rejects %j as the thread", (nonsense) =>
    withHook(forum, ({ hook }) =>
      Effect.gen(function* () {
        const thread = nonsense as unknown as { readonly name: string }
        const error = yield* Effect.flip(Webhook.createThread(hook, thread, { content: "x" }))
        expect(error).toMatchObject({ _tag: "WebhookValidationError", issues: [{ path: "" }] })
      }),
    ),
  )

  it.effect.each([null, undefined])("rejects %j as the message", (nonsense) =>
    withHook(forum, ({ hook }) =>
      Effect.gen(function* () {
        const message = nonsense as unknown as Webhook.ThreadMessage
        const thread = { name: "x" }
        const error = yield* Effect.flip(Webhook.createThread(hook, thread, message))
        expect(error).toMatchObject({ _tag: "WebhookValidationError", issues: [{ path: "" }] })
      }),
    ),
  )

  it.effect("is a value that starts a thread each time it runs", () =>
    withHook(forum, ({ hook, discord, webhook }) =>
      Effect.gen(function* () {
        yield* Effect.repeatN(Webhook.createThread(hook, { name: "x" }, { content: "x" }), 2)
        expect(yield* discord.messages(webhook)).toHaveLength(3)
      }),
    ),
  )
})

describe("sendToThread", () => {
  it.effect("sends to that thread instead of the URL's", () =>
    withHook({}, ({ discord, webhook }) =>
      Effect.gen(function* () {
        const one = yield* discord.createThread(webhook)
        const two = yield* discord.createThread(webhook)
        const inOne = yield* Webhook.fromUrl(`${webhook.url}?thread_id=${one.id}`)
        const message = yield* Webhook.sendToThread(inOne, two.id, { content: "hello" })
        expect(message.channelId).toBe(two.id)
        expect((yield* discord.traffic).at(-1)?.query).toEqual({ wait: "true", thread_id: two.id })
      }),
    ),
  )

  it.effect.each(["", "general", "1/../2", "1?wait=false"])("rejects the id %j", (threadId) =>
    withHook({}, ({ hook, discord }) =>
      Effect.gen(function* () {
        const error = yield* Effect.flip(Webhook.sendToThread(hook, threadId, { content: "x" }))
        expect(error).toMatchObject({
          _tag: "WebhookValidationError",
          issues: [{ path: "threadId" }],
        })
        expect(yield* discord.traffic).toEqual([])
      }),
    ),
  )
})

describe("send with threadName", () => {
  it.effect("explains how to leave the thread of the webhook's URL", () =>
    withHook(forum, ({ webhook }) =>
      Effect.gen(function* () {
        const inThread = yield* Webhook.fromUrl(`${webhook.url}?thread_id=42`)
        const message = { content: "x", threadName: "new" }
        const error = yield* Effect.flip(Webhook.send(inThread, message))
        expect(error.message).toContain("threadId: null ignores that one")
        const sent = yield* Webhook.send(inThread, message, { threadId: null })
        expect(sent.content).toBe("x")
      }),
    ),
  )
})

describe("the types", () => {
  it("keep name and tags of a thread out of its messages", () => {
    expectTypeOf<{ readonly content: string }>().toExtend<Webhook.ThreadMessage>()
    expectTypeOf<{ readonly threadName: string }>().not.toExtend<Webhook.ThreadMessage>()
    expectTypeOf<{ readonly appliedTags: [] }>().not.toExtend<Webhook.ThreadMessage>()
    expectTypeOf<MessageCreate.MessageCreate>().not.toExtend<Webhook.ThreadMessage>()
  })

  it("match the result of createThread", () => {
    type Created = Effect.Effect.Success<ReturnType<typeof Webhook.createThread>>
    expectTypeOf<Created>().toEqualTypeOf<{
      readonly threadId: Snowflake.Snowflake
      readonly message: Message.Message
    }>()
  })
})
