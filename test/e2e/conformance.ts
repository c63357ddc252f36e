/** What every operation does over any transport. Nothing here depends on speed. */
import { describe, expect, it } from "@effect/vitest"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Logger from "effect/Logger"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import {
  Component,
  MessageFlags,
  Poll,
  RestConfig,
  Route,
  RateLimiter,
  Snowflake,
  Strategy,
  Webhook,
} from "../../src/index.js"
import type { MessageCreate } from "../../src/index.js"
import { DiscordSimulator, Fault } from "../../src/testing/index.js"
import * as SkippableClock from "../support/SkippableClock.js"
import { Connections, timeout } from "./environment.js"
import type { Transport, TestEnvironment } from "./environment.js"

const everyPart = {
  title: "Deployed",
  description: "All is **well**",
  url: "https://example.com/deploys/7",
  color: 0x57f287,
  timestamp: DateTime.unsafeMake("2026-01-31T12:00:00Z"),
  author: { name: "Ada", url: "https://example.com/ada" },
  footer: { text: "by effect-discord" },
  image: { url: "https://example.com/chart.png" },
  fields: [
    { name: "version", value: "1.4.0", inline: true },
    { name: "region", value: "eu", inline: false },
  ],
} satisfies NonNullable<MessageCreate.MessageCreate["embeds"]>[number]

const invalidForm = {
  code: 50035,
  message: "Invalid Form Body",
  errors: {
    embeds: {
      0: {
        fields: {
          2: {
            name: { _errors: [{ code: "BASE_TYPE_REQUIRED", message: "This field is required" }] },
          },
        },
      },
    },
  },
}

const strategies = Object.entries({
  reactive: Strategy.layerReactive,
  proactive: Strategy.layerProactive,
  adaptive: Strategy.layerAdaptive,
})

/** Requests that may have arrived are not repeated, and their errors contain `delivered`. */
const losses: ReadonlyArray<readonly [name: string, fault: Fault.Fault, expected: object]> = [
  ["a 502", Fault.html(502), { _tag: "DiscordServerError", status: 502, delivered: "unknown" }],
  [
    "a connection reset before the answer",
    Fault.resetAfter,
    { _tag: "DiscordTransportError", reason: "broken", delivered: "unknown" },
  ],
  [
    "a server that never answers",
    Fault.neverRespond,
    { _tag: "DiscordTransportError", reason: "timeout", delivered: "unknown" },
  ],
  ["an answer cut in the middle", Fault.truncateBody, { delivered: "yes" }],
  // The rate limit headers show that these are Discord's.
  ["an empty answer", Fault.emptyBody, { _tag: "DiscordDecodeError", delivered: "yes" }],
  ["half a JSON", Fault.truncatedJson, { _tag: "DiscordDecodeError", delivered: "yes" }],
]

interface Harness {
  readonly discord: DiscordSimulator.Service
  readonly webhook: DiscordSimulator.SimulatedWebhook
  readonly hook: Webhook.Webhook
}

export function conformance(transport: Transport): void {
  const story = <E>(
    name: string,
    test: (harness: Harness) => Effect.Effect<void, E, TestEnvironment | SkippableClock.Skip>,
    options: DiscordSimulator.Options = {},
  ): void =>
    it.live(name, () =>
      Effect.gen(function* () {
        const discord = yield* DiscordSimulator.DiscordSimulator
        const webhook = yield* discord.createWebhook()
        const hook = yield* Webhook.fromUrl(webhook.url)
        yield* test({ discord, webhook, hook })
      }).pipe(
        Effect.provide([transport(options), Logger.remove(Logger.defaultLogger)]),
        SkippableClock.run,
      ),
    )

  describe("messages", () => {
    story("sending returns the stored message", ({ discord, webhook, hook }) =>
      Effect.gen(function* () {
        const content = 'größer 👩‍👩‍👧 𝒳 "\\ \n end'
        const message = yield* Webhook.send(hook, { content, username: "Ada" })
        expect(message.content).toBe(content)
        expect(message.author.username).toBe("Ada")
        expect(message.webhookId).toBe(webhook.id)
        expect(Snowflake.isSnowflake(message.id)).toBe(true)
        expect(yield* discord.messages(webhook)).toMatchObject([{ id: message.id, content }])
        const [request] = yield* discord.traffic
        expect(request).toMatchObject({ method: "POST", query: { wait: "true" }, version: 10 })
      }),
    )

    story("sending without waiting returns nothing", ({ discord, webhook, hook }) =>
      Effect.gen(function* () {
        const nothing = yield* Webhook.send(hook, { content: "quick" }, { wait: false })
        expect(nothing).toBeUndefined()
        expect(yield* discord.messages(webhook)).toMatchObject([{ content: "quick" }])
        expect(yield* discord.traffic).toMatchObject([{ status: 204, query: {} }])
      }),
    )

    story("reading returns what was sent", ({ hook }) =>
      Effect.gen(function* () {
        const sent = yield* Webhook.send(hook, { content: "hello" })
        expect(yield* Webhook.getMessage(hook, sent.id)).toEqual(sent)
      }),
    )

    story("an edit changes what it names, clears what is null, leaves the rest", ({ hook }) =>
      Effect.gen(function* () {
        const embeds = [{ title: "kept" }]
        const { id } = yield* Webhook.send(hook, { content: "one", embeds })
        const second = yield* Webhook.editMessage(hook, id, { content: "two" })
        expect(second).toMatchObject({ content: "two", embeds: [{ title: "kept" }] })
        expect(second.editedTimestamp).toBeDefined()
        const third = yield* Webhook.editMessage(hook, id, { content: null })
        expect(third).toMatchObject({ content: "", embeds: [{ title: "kept" }] })
        const fourth = yield* Webhook.editMessage(hook, id, { content: "four", embeds: null })
        expect(fourth).toMatchObject({ content: "four", embeds: [] })
        expect(yield* Webhook.getMessage(hook, id)).toEqual(fourth)
      }),
    )

    story(
      "a deleted message cannot be read, and deleting it again fails",
      ({ discord, webhook, hook }) =>
        Effect.gen(function* () {
          const { id } = yield* Webhook.send(hook, { content: "hello" })
          yield* Webhook.deleteMessage(hook, id)
          expect(yield* discord.messages(webhook)).toEqual([])
          const gone = { _tag: "WebhookMessageNotFound", status: 404, code: 10008 }
          expect(yield* Effect.flip(Webhook.getMessage(hook, id))).toMatchObject(gone)
          expect(yield* Effect.flip(Webhook.deleteMessage(hook, id))).toMatchObject(gone)
          const edit = Webhook.editMessage(hook, id, { content: "late" })
          expect(yield* Effect.flip(edit)).toMatchObject(gone)
          yield* Webhook.send(hook, { content: "the webhook lives on" })
        }),
    )

    story("embeds come back as they were sent", ({ hook }) =>
      Effect.gen(function* () {
        const sent = yield* Webhook.send(hook, { embeds: [everyPart] })
        const [embed] = (yield* Webhook.getMessage(hook, sent.id)).embeds
        expect(embed).toMatchObject({ ...everyPart, type: "rich", color: 0x57f287 })
      }),
    )

    story("buttons in rows come back as they were sent", ({ discord, hook }) =>
      Effect.gen(function* () {
        const row = Component.actionRow(
          Component.linkButton("https://example.com/", { label: "Open" }),
        )
        const sent = yield* Webhook.send(hook, { content: "click", components: [row] })
        const read = yield* Webhook.getMessage(hook, sent.id)
        expect(read.components).toMatchObject([row])
        const [request] = yield* discord.traffic
        expect(request?.query).toMatchObject({ with_components: "true" })
      }),
    )

    story("laid-out components come back as they were sent", ({ hook }) =>
      Effect.gen(function* () {
        const components = [
          Component.text("# Release"),
          Component.separator(),
          Component.container([Component.text("inside")]),
        ]
        const sent = yield* Webhook.send(hook, { components })
        const read = yield* Webhook.getMessage(hook, sent.id)
        expect(read.components).toMatchObject(components)
        expect(MessageFlags.has(read.flags, MessageFlags.Flag.IsComponentsV2)).toBe(true)
      }),
    )

    story("a poll is returned with its question and options", ({ hook }) =>
      Effect.gen(function* () {
        const answers = ["Pizza", { text: "Salad", emoji: { name: "🥗" } }]
        const poll = Poll.make("Lunch?", answers, { duration: 4 })
        const sent = yield* Webhook.send(hook, { poll })
        const read = yield* Webhook.getMessage(hook, sent.id)
        expect(read.poll).toMatchObject({ question: poll.question, answers: poll.answers })
      }),
    )
  })

  describe("threads", () => {
    story("a message in a thread is found there and nowhere else", ({ discord, webhook, hook }) =>
      Effect.gen(function* () {
        const { id: threadId } = yield* discord.createThread(webhook)
        const inThread = { threadId }
        const { id } = yield* Webhook.send(hook, { content: "in" }, inThread)
        expect((yield* Webhook.getMessage(hook, id, inThread)).content).toBe("in")
        yield* Webhook.editMessage(hook, id, { content: "inside" }, inThread)
        const outside = yield* Effect.flip(Webhook.getMessage(hook, id))
        expect(outside._tag).toBe("WebhookMessageNotFound")
        yield* Webhook.deleteMessage(hook, id, inThread)
        expect(yield* discord.messages(webhook)).toEqual([])
      }),
    )

    story("the thread of the URL is used unless another is named", ({ discord, webhook }) =>
      Effect.gen(function* () {
        const { id: threadId } = yield* discord.createThread(webhook)
        const hook = yield* Webhook.fromUrl(`${webhook.url}?thread_id=${threadId}`)
        yield* Webhook.send(hook, { content: "in the thread" })
        yield* Webhook.send(hook, { content: "in the channel" }, { threadId: null })
        const queries = (yield* discord.traffic).map(({ query }) => query["thread_id"])
        expect(queries).toEqual([threadId, undefined])
      }),
    )

    story("an unknown thread is an error of its own", ({ hook }) =>
      Effect.gen(function* () {
        const send = Webhook.send(hook, { content: "x" }, { threadId: "175928847299117063" })
        const error = yield* Effect.flip(send)
        expect(error).toMatchObject({
          _tag: "WebhookThreadError",
          reason: "unknownThread",
          code: 10003,
        })
      }),
    )
  })

  describe("the webhook itself", () => {
    story("is read, renamed and deleted", ({ webhook, hook }) =>
      Effect.gen(function* () {
        const before = yield* Webhook.get(hook)
        expect(before).toMatchObject({ id: webhook.id, name: "Captain Hook" })
        expect((yield* Webhook.modify(hook, { name: "Builds" })).name).toBe("Builds")
        expect((yield* Webhook.get(hook)).name).toBe("Builds")
        yield* Webhook.delete(hook)
        expect((yield* Effect.flip(Webhook.get(hook)))._tag).toBe("WebhookNotFound")
      }),
    )

    story("a deleted webhook gets one request and no more", ({ discord, webhook, hook }) =>
      Effect.gen(function* () {
        yield* discord.deleteWebhook(webhook)
        const send = Effect.flip(Webhook.send(hook, { content: "anyone?" }))
        const gone = { _tag: "WebhookNotFound", code: 10015, webhookId: webhook.id }
        expect(yield* send).toMatchObject({ ...gone, remembered: false })
        expect(yield* send).toMatchObject({ ...gone, remembered: true })
        expect((yield* discord.statistics).requests).toBe(1)
      }),
    )

    story("a wrong token fails", ({ webhook }) =>
      Effect.gen(function* () {
        const hook = yield* Webhook.make({ id: webhook.id, token: "wrong" })
        const error = yield* Effect.flip(Webhook.send(hook, { content: "let me in" }))
        expect(error).toMatchObject({ _tag: "WebhookUnauthorized", status: 401, code: 50027 })
      }),
    )
  })

  describe("refusals and failures", () => {
    story("Discord's tree of errors becomes paths", ({ discord, hook }) =>
      Effect.gen(function* () {
        yield* discord.inject(Fault.respond({ status: 400, body: invalidForm }))
        const error = yield* Effect.flip(Webhook.send(hook, { content: "x" }))
        expect(error).toMatchObject({
          _tag: "WebhookBadRequest",
          code: 50035,
          issues: [{ path: "embeds[0].fields[2].name", code: "BASE_TYPE_REQUIRED" }],
        })
      }),
    )

    story("what breaks a limit is not even sent", ({ discord, hook }) =>
      Effect.gen(function* () {
        const error = yield* Effect.flip(Webhook.send(hook, { content: "x".repeat(2001) }))
        expect(error).toMatchObject({
          _tag: "WebhookValidationError",
          issues: [{ path: "content" }],
        })
        expect((yield* discord.statistics).requests).toBe(0)
      }),
    )

    story("a read is repeated until the server recovers", ({ discord, hook }) =>
      Effect.gen(function* () {
        const { id } = yield* Webhook.send(hook, { content: "hello" })
        yield* discord.inject(Fault.html(502), { match: "getMessage" })
        yield* discord.inject(Fault.resetBefore, { match: "getMessage" })
        yield* discord.inject(Fault.truncateBody, { match: "getMessage" })
        expect((yield* Webhook.getMessage(hook, id)).content).toBe("hello")
        expect((yield* discord.statistics).requests).toBe(5)
      }).pipe(RestConfig.withOptions({ backoffBase: "1 millis" })),
    )

    for (const [name, fault, expected] of losses) {
      story(
        `${name}: nothing is sent twice`,
        ({ discord, webhook, hook }) =>
          Effect.gen(function* () {
            yield* discord.inject(fault)
            const sending = yield* Effect.fork(Effect.flip(Webhook.send(hook, { content: "once" })))
            if (fault === Fault.neverRespond) {
              yield* until(Effect.map(discord.statistics, ({ requests }) => requests === 1))
              yield* SkippableClock.skip(timeout)
            }
            expect(yield* Fiber.join(sending)).toMatchObject(expected)
            expect((yield* discord.statistics).requests).toBe(1)
            yield* Webhook.send(hook, { content: "next" })
            const stored = yield* contents(discord, webhook)
            expect(stored.filter((content) => content === "once").length).toBeLessThanOrEqual(1)
            expect(stored.at(-1)).toBe("next")
          }).pipe(RestConfig.withOptions({ backoffBase: "1 millis" })),
        // With rate limit headers.
        { limits: {} },
      )
    }
  })

  describe("rate limits", () => {
    for (const [name, strategy] of strategies) {
      story(
        `a burst waits for its turns, in order and without a 429 (${name})`,
        ({ discord, webhook, hook }) =>
          Effect.gen(function* () {
            yield* sendAll(hook, 12)
            expect(yield* contents(discord, webhook)).toEqual(numbered(12))
            expect((yield* discord.statistics).byStatus).toEqual({ 200: 12 })
          }).pipe(Effect.provide(strategy)),
        { limits: { execute: { limit: 5, period: "200 millis" } } },
      )
    }

    story(
      "slots taken by another client cost a 429, not a message",
      ({ discord, webhook, hook }) =>
        Effect.gen(function* () {
          // The slots are back after a second, and the connection is there by then.
          yield* Webhook.send(hook, { content: "first" })
          yield* discord.consume(webhook, 5)
          yield* sendAll(hook, 3)
          expect(yield* contents(discord, webhook)).toEqual(["first", ...numbered(3)])
          expect((yield* discord.statistics).byStatus).toMatchObject({ 200: 4 })
          expect((yield* discord.statistics).limited.user).toBeGreaterThan(0)
        }),
      { limits: { execute: { limit: 5, period: "1 second" } } },
    )

    story(
      "the limiter records the headers",
      ({ discord, hook }) =>
        Effect.gen(function* () {
          yield* Webhook.send(hook, { content: "x" })
          const limiter = yield* RateLimiter.RateLimiter
          const route = Route.make({
            method: "POST",
            template: "/webhooks/{webhook.id}/{webhook.token}",
            webhookId: hook.id,
            tokenDigest: hook.tokenDigest,
          })
          const bucket = Option.getOrThrow(yield* limiter.getBucket(route))
          const [request] = yield* discord.traffic
          expect(bucket).toMatchObject({ id: request?.bucket, limit: 30, remaining: 29 })
        }),
      { limits: { execute: { limit: 30, period: "1 hour" } } },
    )

    story(
      "fifty at once arrive in the order in which they were sent",
      ({ discord, webhook, hook }) =>
        Effect.gen(function* () {
          yield* sendAll(hook, 50)
          expect(yield* contents(discord, webhook)).toEqual(numbered(50))
        }),
    )

    story(
      "concurrent delivery has several in flight",
      ({ discord, webhook, hook }) =>
        Effect.gen(function* () {
          yield* Webhook.send(hook, { content: "first" })
          yield* sendAll(hook, 10)
          const stored = yield* contents(discord, webhook)
          expect(new Set(stored)).toEqual(new Set(["first", ...numbered(10)]))
          expect(stored).toHaveLength(11)
          const records = yield* discord.traffic
          const overtaken = records.filter((record, index) => {
            const next = records[index + 1]
            return next !== undefined && next.arrivedAt < (record.respondedAt ?? Infinity)
          })
          expect(overtaken.length).toBeGreaterThan(0)
        }).pipe(RestConfig.withOptions({ delivery: "concurrent" })),
      { latency: "50 millis" },
    )
  })

  describe("on the wire", () => {
    story("Discord learns who calls, and nothing of our traces", ({ discord, hook }) =>
      Effect.gen(function* () {
        const { id } = yield* Webhook.send(hook, { content: "x" })
        yield* Webhook.editMessage(hook, id, { content: "y" })
        yield* Webhook.getMessage(hook, id)
        yield* Webhook.deleteMessage(hook, id)
        for (const { headers, method } of yield* discord.traffic) {
          expect(headers["user-agent"]).toMatch(/^DiscordBot \(https:\/\/\S+, \d+\.\d+\.\d+\)$/)
          expect(Object.keys(headers)).not.toContain("authorization")
          expect(Object.keys(headers)).not.toContain("cookie")
          expect(Object.keys(headers).filter((name) => /^(trace|b3|x-b3)/.test(name))).toEqual([])
          const hasBody = method === "POST" || method === "PATCH"
          expect(headers["content-type"]).toBe(hasBody ? "application/json" : undefined)
        }
      }).pipe(Effect.withSpan("a traced program")),
    )

    story("an interrupted send closes its connection; the next one goes", ({ discord, hook }) =>
      Effect.gen(function* () {
        const open = yield* Connections
        yield* discord.inject(Fault.neverRespond)
        const fiber = yield* Effect.fork(Webhook.send(hook, { content: "stuck" }))
        yield* until(Effect.map(discord.statistics, ({ requests }) => requests === 1))
        yield* Fiber.interrupt(fiber)
        yield* until(Effect.map(open, (count) => count === 0))
        expect((yield* Webhook.send(hook, { content: "next" })).content).toBe("next")
      }),
    )

    story("an interrupted waiter is never sent", ({ discord, webhook, hook }) =>
      Effect.gen(function* () {
        yield* discord.inject(Fault.delay("1 hour"))
        const first = yield* Effect.fork(Webhook.send(hook, { content: "first" }))
        const second = yield* Effect.fork(Webhook.send(hook, { content: "second" }))
        const third = yield* Effect.fork(Webhook.send(hook, { content: "third" }))
        yield* until(Effect.map(discord.statistics, ({ requests }) => requests === 1))
        yield* Fiber.interrupt(second)
        yield* SkippableClock.skip("1 hour")
        yield* Fiber.joinAll([first, third])
        expect(yield* contents(discord, webhook)).toEqual(["first", "third"])
      }),
    )
  })
}

function numbered(count: number): ReadonlyArray<string> {
  return Array.from({ length: count }, (_, index) => `message ${index + 1}`)
}

function sendAll(hook: Webhook.Webhook, count: number) {
  return Effect.forEach(numbered(count), (content) => Webhook.send(hook, { content }), {
    concurrency: "unbounded",
    discard: true,
  })
}

function contents(discord: DiscordSimulator.Service, webhook: DiscordSimulator.SimulatedWebhook) {
  return Effect.map(discord.messages(webhook), (messages) => messages.map((_) => _["content"]))
}

/** Looks again and again. */
function until(isSo: Effect.Effect<boolean>) {
  return Effect.repeat(isSo, { schedule: Schedule.spaced("5 millis"), until: (so) => so })
}
