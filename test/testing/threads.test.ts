import { expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as FastCheck from "effect/FastCheck"
import * as TestClock from "effect/TestClock"
import { DiscordSimulator } from "../../src/testing/index.js"
import {
  type TestResponse,
  deleteMessage,
  editMessage,
  getMessage,
  getWebhook,
  send,
} from "./request.js"
import { simulatorTest } from "./simulatorTest.js"

const withoutLimits = {
  limits: { execute: "none", getMessage: "none", getWebhook: "none" },
  globalLimit: "none",
} as const

const code = ({ status, body }: TestResponse) => [status, body.code]
const post = (fields: object = {}) => ({ content: "a", thread_name: "t", ...fields })

simulatorTest("an unknown, deleted or foreign thread is 10003", withoutLimits, (simulator) =>
  Effect.gen(function* () {
    const hook = yield* simulator.createWebhook()
    const other = yield* simulator.createWebhook()
    const thread = yield* simulator.createThread(hook)
    const query = { thread_id: thread.id }
    const sent = yield* send(hook, undefined, query)
    expect(sent.status).toBe(200)
    expect(code(yield* send(hook, undefined, { thread_id: "1" }))).toEqual([404, 10003])
    expect(code(yield* send(other, undefined, query))).toEqual([404, 10003])
    yield* simulator.deleteThread(thread)
    for (const response of [
      yield* send(hook, undefined, query),
      yield* getMessage(hook, sent.body.id, query),
      yield* editMessage(hook, sent.body.id, { content: "b" }, query),
      yield* deleteMessage(hook, sent.body.id, query),
    ]) {
      expect(code(response)).toEqual([404, 10003])
    }
    expect(yield* simulator.messages(hook)).toEqual([])
  }),
)

simulatorTest(
  "another webhook of the channel can send to its threads",
  withoutLimits,
  (simulator) =>
    Effect.gen(function* () {
      const hook = yield* simulator.createWebhook({ channel: "forum" })
      const second = yield* simulator.createWebhook({ channelId: hook.channelId })
      const { id } = (yield* send(hook, post())).body
      const sent = yield* send(second, { content: "b" }, { thread_id: id })
      expect(sent.body).toMatchObject({ channel_id: id, position: 1 })
      expect(yield* simulator.threads(second)).toMatchObject([{ id, name: "t", messages: 2 }])
    }),
)

simulatorTest(
  "a post in a forum or media channel creates a thread with its id",
  withoutLimits,
  (simulator) =>
    Effect.gen(function* () {
      for (const channel of ["forum", "media"] as const) {
        const hook = yield* simulator.createWebhook({ channel, tags: ["7", "8"] })
        const sent = yield* send(hook, post({ thread_name: " A ", applied_tags: ["8"] }))
        const { id } = sent.body
        expect(sent.body).toMatchObject({ channel_id: id, position: 0 })
        expect(yield* simulator.threads(hook)).toEqual([
          {
            id,
            webhookId: hook.id,
            name: "A",
            appliedTags: ["8"],
            archived: false,
            locked: false,
            messages: 1,
          },
        ])
        expect((yield* getMessage(hook, id, { thread_id: id })).status).toBe(200)
        expect(code(yield* getMessage(hook, id))).toEqual([404, 10008])
      }
    }),
)

simulatorTest(
  "the channel type determines whether a thread is required",
  withoutLimits,
  (simulator) =>
    Effect.gen(function* () {
      const text = yield* simulator.createWebhook()
      const forum = yield* simulator.createWebhook({ channel: "forum" })
      const inForum = { thread_id: forum.channelId }
      for (const [response, expected] of [
        [yield* send(text, post()), 220003],
        [yield* send(text, undefined, { thread_id: text.channelId }), 10003],
        [yield* send(forum), 220001],
        [yield* send(forum, post(), { thread_id: "1" }), 220002],
        [yield* send(forum, undefined, inForum), 40058],
        [yield* send(forum, undefined, { thread_id: "1" }), 10003],
      ] as const) {
        expect(response.body.code).toBe(expected)
      }
      expect(yield* simulator.threads(forum)).toEqual([])
    }),
)

simulatorTest(
  "tags must exist, at most five, and at least one if required",
  withoutLimits,
  (simulator) =>
    Effect.gen(function* () {
      const tags = ["1", "2", "3", "4", "5", "6"]
      const hook = yield* simulator.createWebhook({ channel: "forum", tags, requireTag: true })
      const tagged = (...applied_tags: ReadonlyArray<string>) => send(hook, post({ applied_tags }))
      expect(code(yield* tagged())).toEqual([400, 40067])
      expect(code(yield* tagged("1", "7"))).toEqual([404, 10087])
      expect(code(yield* tagged(...tags))).toEqual([400, 50035])
      expect((yield* tagged(...tags.slice(1))).status).toBe(200)
      yield* simulator.updateChannel(hook, { tags: [] })
      expect(code(yield* tagged())).toEqual([400, 40066])
      yield* simulator.updateChannel(hook, { requireTag: false })
      expect((yield* tagged()).status).toBe(200)
    }),
)

simulatorTest(
  "limits the number of active threads",
  { ...withoutLimits, maxActiveThreads: 2 },
  (simulator) =>
    Effect.gen(function* () {
      const hook = yield* simulator.createWebhook({ channel: "forum" })
      const other = yield* simulator.createWebhook({ channel: "forum" })
      const first = (yield* send(hook, post())).body.id
      yield* send(other, post())
      expect(code(yield* send(hook, post()))).toEqual([400, 160006])
      const thread = { id: first, webhookId: hook.id }
      yield* simulator.updateThread(thread, { archived: true })
      expect((yield* send(hook, post())).status).toBe(200)
      expect(code(yield* send(hook, undefined, { thread_id: first }))).toEqual([400, 160006])
      yield* simulator.configure({ maxActiveThreads: 3 })
      expect((yield* send(hook, undefined, { thread_id: first })).status).toBe(200)
      expect(yield* simulator.threads(hook)).toMatchObject([{ archived: false }, {}])
    }),
)

simulatorTest(
  "counts announcement threads separately",
  { ...withoutLimits, maxActiveThreads: 1 },
  (simulator) =>
    Effect.gen(function* () {
      const news = yield* simulator.createWebhook({ channel: "announcement" })
      const forum = yield* simulator.createWebhook({ channel: "forum" })
      const old = yield* simulator.createThread(news, { archived: true })
      yield* simulator.createThread(news)
      const query = { thread_id: old.id }
      expect(code(yield* send(news, undefined, query))).toEqual([400, 160007])
      expect((yield* send(forum, post())).status).toBe(200)
      expect(code(yield* send(forum, post()))).toEqual([400, 160006])
      yield* simulator.configure({ maxActiveThreads: 2 })
      expect((yield* send(news, undefined, query)).status).toBe(200)
      expect((yield* send(news)).status).toBe(200)
      expect(code(yield* send(news, post()))).toEqual([400, 220003])
    }),
)

simulatorTest("slowmode applies to one channel or thread", withoutLimits, (simulator) =>
  Effect.gen(function* () {
    const hook = yield* simulator.createWebhook({ slowmode: "10 seconds" })
    const second = yield* simulator.createWebhook({ channelId: hook.channelId })
    const thread = yield* simulator.createThread(hook)
    expect((yield* send(hook)).status).toBe(200)
    yield* TestClock.adjust("4 seconds")
    const slow = yield* send(hook)
    expect(slow.body).toEqual({
      message: "This action cannot be performed due to slowmode rate limit.",
      code: 20016,
      retry_after: 6,
      global: false,
    })
    expect([slow.status, slow.headers["retry-after"]]).toEqual([429, "6"])
    expect((yield* send(hook, undefined, { thread_id: thread.id })).status).toBe(200)
    expect((yield* send(second)).status).toBe(200)
    yield* TestClock.adjust("6 seconds")
    expect((yield* send(hook)).status).toBe(200)
    yield* simulator.updateChannel(hook, { slowmode: 0 })
    expect((yield* send(hook)).status).toBe(200)
  }),
)

simulatorTest("slowmode does not apply to new threads", withoutLimits, (simulator) =>
  Effect.gen(function* () {
    const hook = yield* simulator.createWebhook({ channel: "forum", slowmode: "10 seconds" })
    const { id } = (yield* send(hook, post())).body
    expect((yield* send(hook, post())).status).toBe(200)
    expect(code(yield* send(hook, undefined, { thread_id: id }))).toEqual([429, 20016])
  }),
)

simulatorTest(
  "AutoMod rejects words in content, edits and thread names",
  { ...withoutLimits, blockedWords: ["rum"] },
  (simulator) =>
    Effect.gen(function* () {
      const hook = yield* simulator.createWebhook({ channel: "forum" })
      expect(code(yield* send(hook, post({ thread_name: "Rum!" })))).toEqual([400, 200001])
      expect(code(yield* send(hook, post({ content: "DRUM" })))).toEqual([400, 200000])
      const { id } = (yield* send(hook, post({ content: "tea" }))).body
      const query = { thread_id: id }
      expect(code(yield* editMessage(hook, id, { content: "rum" }, query))).toEqual([400, 200000])
      expect((yield* editMessage(hook, id, { embeds: [] }, query)).status).toBe(200)
      expect(yield* simulator.messages(hook)).toMatchObject([{ content: "tea" }])
    }),
)

simulatorTest("a channel may deny writing, or all access", withoutLimits, (simulator) =>
  Effect.gen(function* () {
    const hook = yield* simulator.createWebhook()
    const { id } = (yield* send(hook)).body
    const all = Effect.gen(function* () {
      return [
        yield* send(hook),
        yield* getMessage(hook, id),
        yield* editMessage(hook, id, { content: "b" }),
        yield* getWebhook(hook),
      ].map(({ body }) => body.code)
    })
    yield* simulator.updateChannel(hook, { permission: "missingPermissions" })
    expect(yield* all).toEqual([50013, undefined, 50013, undefined])
    yield* simulator.updateChannel(hook, { permission: "missingAccess" })
    expect(yield* all).toEqual([50001, 50001, 50001, undefined])
    expect((yield* simulator.statistics).byStatus[403]).toBe(5)
    yield* simulator.updateChannel(hook, { permission: "granted" })
    expect((yield* deleteMessage(hook, id)).status).toBe(204)
  }),
)

const step = FastCheck.oneof(
  FastCheck.record({ archived: FastCheck.boolean() }),
  FastCheck.record({ locked: FastCheck.boolean() }),
  FastCheck.constantFrom("send", "edit", "delete", "get"),
)

it.effect.prop(
  "every request applies to the current state of a thread",
  [FastCheck.array(step, { maxLength: 12 })],
  ([steps]) => Effect.provide(walk(steps), DiscordSimulator.layerTestWith(withoutLimits)),
)

type Step = typeof step extends FastCheck.Arbitrary<infer A> ? A : never

function walk(steps: ReadonlyArray<Step>) {
  return Effect.gen(function* () {
    const simulator = yield* DiscordSimulator.DiscordSimulator
    const hook = yield* simulator.createWebhook()
    const thread = yield* simulator.createThread(hook, { locked: true })
    yield* simulator.updateThread(thread, { locked: false })
    const query = { thread_id: thread.id }
    const alive = [(yield* send(hook, undefined, query)).body.id]
    const state = { archived: false, locked: false }
    for (const one of steps) {
      if (typeof one === "object") {
        yield* simulator.updateThread(thread, one)
        Object.assign(state, one)
        continue
      }
      const id = alive.at(-1) ?? "1"
      const isKnown = alive.length > 0
      if (one === "send") {
        const sent = yield* send(hook, undefined, query)
        expect(sent.body.code).toBe(state.locked ? 160005 : undefined)
        if (!state.locked) {
          alive.push(sent.body.id)
          state.archived = false
        }
      } else if (one === "get") {
        expect((yield* getMessage(hook, id, query)).body.code).toBe(isKnown ? undefined : 10008)
      } else if (one === "edit") {
        const edited = yield* editMessage(hook, id, { content: "b" }, query)
        const expected = isKnown ? (state.archived ? 50083 : undefined) : 10008
        expect(edited.body.code).toBe(expected)
      } else {
        expect((yield* deleteMessage(hook, id, query)).body.code).toBe(isKnown ? undefined : 10008)
        alive.pop()
      }
    }
    expect(yield* simulator.threads(hook)).toMatchObject([state])
    expect(yield* simulator.messages(hook)).toHaveLength(alive.length)
  })
}
