/** Threads and forums, and all their errors, over any transport. */
import * as HttpClient from "@effect/platform/HttpClient"
import * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import { describe, expect, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import { FileUpload, Webhook } from "../../src/index.js"
import type { WebhookError } from "../../src/index.js"
import { DiscordSimulator, Fault } from "../../src/testing/index.js"
import type { Transport, TestEnvironment } from "./environment.js"

interface Harness {
  readonly discord: DiscordSimulator.Service
  readonly webhook: DiscordSimulator.SimulatedWebhook
  readonly hook: Webhook.Webhook
}

type Act = (
  harness: Harness,
) => Effect.Effect<
  unknown,
  WebhookError.WebhookError | WebhookError.WebhookInvalidUrl,
  TestEnvironment
>

/** A channel, a request in it, and the reason why Discord rejects it. */
interface Refusal {
  readonly name: string
  readonly channel?: DiscordSimulator.WebhookOptions
  readonly options?: DiscordSimulator.Options
  readonly act: Act
  readonly reason: WebhookError.WebhookThreadError["reason"]
  readonly code: number
}

const content = "hello"

const forum = (more: DiscordSimulator.ChannelOptions = {}): DiscordSimulator.WebhookOptions => ({
  channel: "forum",
  ...more,
})

const toNew =
  (name: string, appliedTags?: ReadonlyArray<string>): Act =>
  ({ hook }) =>
    Webhook.createThread(hook, { name, appliedTags }, { content })

/** Something done in a thread that people have made, and changed since. */
const inThread =
  (
    changes: DiscordSimulator.ThreadOptions,
    act: (hook: Webhook.Webhook, threadId: string) => Webhook.Operation<unknown>,
  ): Act =>
  ({ discord, webhook, hook }) =>
    Effect.gen(function* () {
      const thread = yield* discord.createThread(webhook)
      yield* discord.updateThread(thread, changes)
      return yield* act(hook, thread.id)
    })

const toIt = (hook: Webhook.Webhook, threadId: string) =>
  Webhook.sendToThread(hook, threadId, { content })

/** The response of Discord, for a channel that the simulator does not have. */
const answering =
  (code: number, act: Act): Act =>
  (harness) =>
    Effect.zipRight(
      harness.discord.inject(Fault.respond({ status: 400, body: { code, message: "refused" } })),
      act(harness),
    )

const refusals: ReadonlyArray<Refusal> = [
  {
    name: "a thread that does not exist",
    act: ({ hook }) => toIt(hook, "42"),
    reason: "unknownThread",
    code: 10003,
  },
  {
    name: "a thread of another channel",
    act: ({ discord, hook }) =>
      Effect.gen(function* () {
        const other = yield* discord.createWebhook()
        const thread = yield* discord.createThread(other)
        return yield* toIt(hook, thread.id)
      }),
    reason: "unknownThread",
    code: 10003,
  },
  {
    name: "reading in a thread that was deleted",
    act: ({ discord, webhook, hook }) =>
      Effect.gen(function* () {
        const thread = yield* discord.createThread(webhook)
        const { id } = yield* toIt(hook, thread.id)
        yield* discord.deleteThread(thread)
        return yield* Webhook.getMessage(hook, id, { threadId: thread.id })
      }),
    reason: "unknownThread",
    code: 10003,
  },
  {
    name: "an edit in an archived thread",
    act: ({ discord, webhook, hook }) =>
      Effect.gen(function* () {
        const thread = yield* discord.createThread(webhook)
        const { id } = yield* toIt(hook, thread.id)
        yield* discord.updateThread(thread, { archived: true })
        return yield* Webhook.editMessage(hook, id, { content: "late" }, { threadId: thread.id })
      }),
    reason: "archived",
    code: 50083,
  },
  {
    name: "a locked thread",
    act: inThread({ locked: true }, toIt),
    reason: "locked",
    code: 160005,
  },
  {
    name: "a message to a forum itself",
    channel: forum(),
    act: ({ hook }) => Webhook.send(hook, { content }),
    reason: "nameRequired",
    code: 220001,
  },
  {
    name: "a message to a media channel itself",
    channel: { channel: "media" },
    act: ({ hook }) => Webhook.send(hook, { content }),
    reason: "nameRequired",
    code: 220001,
  },
  {
    name: "a new thread and an old one at once, where a proxy adds the old one",
    channel: forum(),
    act: ({ discord, webhook, hook }) =>
      Effect.gen(function* () {
        const { id } = yield* discord.createThread(webhook)
        const client = yield* HttpClient.HttpClient
        const proxy = HttpClient.mapRequest(
          client,
          HttpClientRequest.appendUrlParam("thread_id", id),
        )
        return yield* toNew("news")({ discord, webhook, hook }).pipe(
          Effect.provideService(HttpClient.HttpClient, proxy),
        )
      }),
    reason: "nameAndId",
    code: 220002,
  },
  {
    name: "a thread started in a text channel",
    act: toNew("news"),
    reason: "notAForum",
    code: 220003,
  },
  {
    name: "a thread without a tag where one is required",
    channel: forum({ tags: ["7"], requireTag: true }),
    act: toNew("news"),
    reason: "tagRequired",
    code: 40067,
  },
  {
    name: "a tag that the forum does not have",
    channel: forum({ tags: ["7"] }),
    act: toNew("news", ["8"]),
    reason: "unknownTag",
    code: 10087,
  },
  {
    name: "a thread where only moderators may set the required tags",
    channel: forum({ requireTag: true }),
    act: toNew("news"),
    reason: "tagsReserved",
    code: 40066,
  },
  {
    name: "one thread too many",
    channel: forum(),
    options: { maxActiveThreads: 1 },
    act: (harness) => Effect.zipRight(toNew("one")(harness), toNew("two")(harness)),
    reason: "tooManyActive",
    code: 160006,
  },
  {
    name: "an archived thread that would be one too many",
    options: { maxActiveThreads: 1 },
    act: (harness) =>
      Effect.zipRight(
        harness.discord.createThread(harness.webhook),
        inThread({ archived: true }, toIt)(harness),
      ),
    reason: "tooManyActive",
    code: 160006,
  },
  {
    name: "an archived thread of announcements that would be one too many",
    channel: { channel: "announcement" },
    options: { maxActiveThreads: 1 },
    act: (harness) =>
      Effect.zipRight(
        harness.discord.createThread(harness.webhook),
        inThread({ archived: true }, toIt)(harness),
      ),
    reason: "tooManyActive",
    code: 160007,
  },
  {
    name: "a name that AutoMod does not want to read",
    channel: forum(),
    options: { blockedWords: ["casino"] },
    act: toNew("Casino!"),
    reason: "titleBlocked",
    code: 200001,
  },
  {
    name: "a second message to a slow thread",
    channel: { slowmode: "1 hour" },
    act: inThread({}, (hook, id) => Effect.zipRight(toIt(hook, id), toIt(hook, id))),
    reason: "slowmode",
    code: 20016,
  },
  {
    name: "a thread where webhooks may only read",
    channel: { permission: "missingPermissions" },
    act: inThread({}, toIt),
    reason: "missingPermission",
    code: 50013,
  },
  {
    name: "a thread that webhooks cannot see",
    channel: { permission: "missingAccess" },
    act: inThread({}, toIt),
    reason: "missingPermission",
    code: 50001,
  },
  {
    name: "a forum where webhooks may not post",
    channel: forum({ permission: "missingPermissions" }),
    act: toNew("news"),
    reason: "missingPermission",
    code: 50013,
  },
  {
    name: "a forum taken for a thread of its own",
    channel: forum(),
    act: ({ webhook, hook }) => toIt(hook, webhook.channelId),
    reason: "cannotPost",
    code: 40058,
  },
  {
    name: "a channel that has no text",
    act: answering(50008, inThread({}, toIt)),
    reason: "cannotPost",
    code: 50008,
  },
]

export function threads(transport: Transport): void {
  const story = <E>(
    name: string,
    channel: DiscordSimulator.WebhookOptions,
    test: (harness: Harness) => Effect.Effect<void, E, TestEnvironment>,
    options: DiscordSimulator.Options = {},
  ): void =>
    it.live(name, () =>
      Effect.gen(function* () {
        const discord = yield* DiscordSimulator.DiscordSimulator
        const webhook = yield* discord.createWebhook(channel)
        const hook = yield* Webhook.fromUrl(webhook.url)
        yield* test({ discord, webhook, hook })
      }).pipe(Effect.provide([transport(options), Logger.remove(Logger.defaultLogger)])),
    )

  describe("forums", () => {
    const channel = forum({ tags: ["7", "8"] })

    story("a thread is started with its name and tags", channel, ({ discord, webhook, hook }) =>
      Effect.gen(function* () {
        const thread = { name: "größer 𝒳", appliedTags: ["8", "7"] }
        const { threadId, message } = yield* Webhook.createThread(hook, thread, { content })
        expect(message).toMatchObject({ content, channelId: threadId, webhookId: webhook.id })
        expect(yield* discord.threads(webhook)).toMatchObject([{ id: threadId, ...thread }])
      }),
    )

    story("a message in it is read, edited and deleted there", channel, ({ hook }) =>
      Effect.gen(function* () {
        const { threadId } = yield* Webhook.createThread(hook, { name: "news" }, { content })
        const { id, channelId } = yield* Webhook.sendToThread(hook, threadId, { content: "one" })
        expect(channelId).toBe(threadId)
        yield* Webhook.editMessage(hook, id, { content: "two" }, { threadId })
        expect(yield* Webhook.getMessage(hook, id, { threadId })).toMatchObject({ content: "two" })
        const elsewhere = yield* Effect.flip(Webhook.getMessage(hook, id))
        expect(elsewhere).toMatchObject({ _tag: "WebhookMessageNotFound", code: 10008 })
        yield* Webhook.deleteMessage(hook, id, { threadId })
        const gone = yield* Effect.flip(Webhook.getMessage(hook, id, { threadId }))
        expect(gone).toMatchObject({ _tag: "WebhookMessageNotFound", code: 10008 })
      }),
    )

    story("the first message is found by the thread's id, too", channel, ({ hook }) =>
      Effect.gen(function* () {
        const { threadId, message } = yield* Webhook.createThread(
          hook,
          { name: "news" },
          { content },
        )
        expect(message.id).toBe(threadId)
        yield* Webhook.editMessage(hook, threadId, { content: "edited" }, { threadId })
      }),
    )

    story("a thread is started with files", channel, ({ discord, webhook, hook }) =>
      Effect.gen(function* () {
        const report = FileUpload.fromText("report.txt", "42 tests passed", { title: "Report" })
        const thread = { name: "Build 7", appliedTags: ["7"] }
        const { threadId, message } = yield* Webhook.createThread(hook, thread, {
          files: [report],
        })
        expect(message).toMatchObject({ channelId: threadId, content: "" })
        expect(message.attachments).toMatchObject([{ filename: "report.txt", title: "Report" }])
        expect(yield* discord.threads(webhook)).toMatchObject([thread])
        const [file] = yield* discord.files(webhook)
        expect(new TextDecoder().decode(file?.bytes)).toBe("42 tests passed")
        const log = FileUpload.fromText("build.log", "more")
        const reply = yield* Webhook.sendToThread(hook, threadId, { content, files: [log] })
        expect(reply).toMatchObject({ channelId: threadId, attachments: [{ size: 4 }] })
      }),
    )

    story("send with threadName is the same request", channel, ({ discord, hook }) =>
      Effect.gen(function* () {
        yield* Webhook.createThread(hook, { name: "news", appliedTags: ["7"] }, { content })
        yield* Webhook.send(hook, { content, threadName: "news", appliedTags: ["7"] })
        const [first, second] = yield* discord.traffic
        expect(first?.body).toEqual(second?.body)
        expect(first?.query).toEqual(second?.query)
      }),
    )

    story("without waiting it is started all the same", channel, ({ discord, webhook, hook }) =>
      Effect.gen(function* () {
        yield* Webhook.send(hook, { content, threadName: "news" }, { wait: false })
        expect(yield* discord.threads(webhook)).toMatchObject([{ name: "news", messages: 1 }])
      }),
    )
  })

  describe("threads of a text channel", () => {
    story("are taken from the URL or from the options", {}, ({ discord, webhook }) =>
      Effect.gen(function* () {
        const one = yield* discord.createThread(webhook)
        const two = yield* discord.createThread(webhook)
        const hook = yield* Webhook.fromUrl(`${webhook.url}?thread_id=${one.id}`)
        const inOne = yield* Webhook.send(hook, { content })
        const inTwo = yield* Webhook.sendToThread(hook, two.id, { content })
        const inNone = yield* Webhook.send(hook, { content }, { threadId: null })
        expect([inOne, inTwo, inNone].map(({ channelId }) => channelId)).toEqual([
          one.id,
          two.id,
          webhook.channelId,
        ])
        expect(yield* Webhook.getMessage(hook, inOne.id)).toEqual(inOne)
        const place = { threadId: two.id }
        expect(yield* Webhook.getMessage(hook, inTwo.id, place)).toEqual(inTwo)
      }),
    )

    story("that are archived open again for a message", {}, ({ discord, webhook, hook }) =>
      Effect.gen(function* () {
        const thread = yield* discord.createThread(webhook)
        const place = { threadId: thread.id }
        const { id } = yield* Webhook.send(hook, { content: "step 1" }, place)
        yield* discord.updateThread(thread, { archived: true })
        const edit = Webhook.editMessage(hook, id, { content: "step 2" }, place)
        const refused = yield* Effect.flip(edit)
        expect(refused).toMatchObject({ _tag: "WebhookThreadError", reason: "archived" })
        expect(yield* Webhook.getMessage(hook, id, place)).toMatchObject({ content: "step 1" })
        yield* Webhook.sendToThread(hook, thread.id, { content: "awake" })
        expect(yield* edit).toMatchObject({ content: "step 2" })
        yield* discord.updateThread(thread, { archived: true })
        yield* Webhook.deleteMessage(hook, id, place)
      }),
    )

    story(
      "in slow mode fail at once, and delay no other request",
      { slowmode: "1 hour" },
      ({ discord, webhook, hook }) =>
        Effect.gen(function* () {
          const slow = yield* discord.createThread(webhook)
          const other = yield* discord.createThread(webhook)
          yield* toIt(hook, slow.id)
          const error = yield* Effect.flip(toIt(hook, slow.id))
          if (error._tag !== "WebhookThreadError") throw new Error(error._tag)
          expect(error.retryAfter).toBeDefined()
          expect(Duration.toMinutes(error.retryAfter ?? 0)).toBeGreaterThan(50)
          yield* toIt(hook, other.id)
          yield* Webhook.send(hook, { content })
          const statuses = (yield* discord.traffic).map(({ status }) => status)
          expect(statuses).toEqual([200, 429, 200, 200])
        }),
    )

    story(
      "that are closed to webhooks leave the channel's own error",
      {
        permission: "missingPermissions",
      },
      ({ hook }) =>
        Effect.gen(function* () {
          const error = yield* Effect.flip(Webhook.send(hook, { content }))
          expect(error).toMatchObject({ _tag: "WebhookForbidden", code: 50013 })
        }),
    )
  })

  describe("WebhookThreadError", () => {
    for (const { name, channel = {}, options, act, reason, code } of refusals) {
      story(
        `${reason}, ${code}: ${name}`,
        channel,
        (harness) =>
          Effect.gen(function* () {
            const result = yield* Effect.either(act(harness))
            expect(result).toMatchObject({ left: { _tag: "WebhookThreadError", reason, code } })
          }),
        options,
      )
    }
  })
}
