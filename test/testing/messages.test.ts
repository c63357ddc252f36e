import { expect } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/TestClock"
import {
  deleteMessage,
  deleteWebhook,
  editMessage,
  getMessage,
  getWebhook,
  leaves,
  modifyWebhook,
  raw,
  send,
} from "./request.js"
import { simulatorTest } from "./simulatorTest.js"

const withoutLimits = {
  limits: { execute: "none", getMessage: "none", getWebhook: "none" },
  globalLimit: "none",
} as const
const v2 = 1 << 15

simulatorTest("a message is sent, read, edited and deleted", withoutLimits, (simulator) =>
  Effect.gen(function* () {
    const hook = yield* simulator.createWebhook({ name: "Hook" })
    const sent = yield* send(hook, { content: "a", embeds: [{ title: " t " }] })
    expect(sent.status).toBe(200)
    expect(sent.body).toEqual({
      id: sent.body.id,
      type: 0,
      channel_id: hook.channelId,
      webhook_id: hook.id,
      content: "a",
      embeds: [{ type: "rich", title: "t" }],
      components: [],
      attachments: [],
      mentions: [],
      mention_roles: [],
      mention_everyone: false,
      pinned: false,
      tts: false,
      flags: 0,
      timestamp: "2025-01-01T00:00:00.000000+00:00",
      edited_timestamp: null,
      author: {
        id: hook.id,
        username: "Hook",
        avatar: null,
        discriminator: "0000",
        bot: true,
        global_name: null,
        primary_guild: null,
        public_flags: 0,
        flags: 0,
      },
    })
    expect((yield* getMessage(hook, sent.body.id)).body).toEqual(sent.body)
    yield* TestClock.adjust("1 minute")
    const edited = yield* editMessage(hook, sent.body.id, { content: "b" })
    expect(edited.body).toEqual({
      ...sent.body,
      content: "b",
      edited_timestamp: "2025-01-01T00:01:00.000000+00:00",
    })
    expect(yield* simulator.messages(hook)).toEqual([edited.body])
    expect((yield* deleteMessage(hook, sent.body.id)).status).toBe(204)
    for (const request of [getMessage, deleteMessage]) {
      const gone = yield* request(hook, sent.body.id)
      expect([gone.status, gone.body]).toEqual([404, { message: "Unknown Message", code: 10008 }])
    }
  }),
)

simulatorTest(
  "without wait the response is 204 and the message exists",
  withoutLimits,
  (simulator) =>
    Effect.gen(function* () {
      const hook = yield* simulator.createWebhook()
      const sent = yield* send(hook, { content: "a" }, { wait: false })
      expect([sent.status, sent.text]).toEqual([204, ""])
      expect(yield* simulator.messages(hook)).toMatchObject([{ content: "a" }])
    }),
)

simulatorTest("ids increase and contain the time", withoutLimits, (simulator) =>
  Effect.gen(function* () {
    const hook = yield* simulator.createWebhook()
    const one = BigInt((yield* send(hook)).body.id)
    const two = BigInt((yield* send(hook)).body.id)
    yield* TestClock.adjust("5 seconds")
    const three = BigInt((yield* send(hook)).body.id)
    expect(two).toBeGreaterThan(one)
    expect((three >> 22n) - (two >> 22n)).toBe(5000n)
  }),
)

simulatorTest("a message may override username and avatar", withoutLimits, (simulator) =>
  Effect.gen(function* () {
    const hook = yield* simulator.createWebhook()
    const { body } = yield* send(hook, {
      content: "a",
      username: "Other",
      avatar_url: "https://a.b/c.png",
    })
    expect(body["author"]).toMatchObject({ username: "Other", id: hook.id })
    expect(body["author"]).toHaveProperty("avatar", expect.stringMatching(/^[0-9a-f]{32}$/))
    const edited = yield* editMessage(hook, body.id, { content: "b" })
    expect(edited.body["author"]).toEqual(body["author"])
  }),
)

simulatorTest("an edit keeps absent fields and clears null fields", withoutLimits, (simulator) =>
  Effect.gen(function* () {
    const hook = yield* simulator.createWebhook()
    const { id } = (yield* send(hook, { content: "a", embeds: [{ title: "t" }] })).body
    expect((yield* editMessage(hook, id, { content: null })).body).toMatchObject({
      content: "",
      embeds: [{ title: "t" }],
    })
    const emptied = yield* editMessage(hook, id, { embeds: [] })
    expect([emptied.status, emptied.body.code]).toEqual([400, 50006])
    expect((yield* getMessage(hook, id)).body).toMatchObject({ embeds: [{ title: "t" }] })
    expect((yield* editMessage(hook, id, { embeds: null, content: "c" })).body).toMatchObject({
      content: "c",
      embeds: [],
    })
    expect((yield* editMessage(hook, id, {})).body).toMatchObject({ content: "c" })
  }),
)

simulatorTest(
  "mentions follow allowed_mentions, and an edit starts from the default",
  withoutLimits,
  (simulator) =>
    Effect.gen(function* () {
      const hook = yield* simulator.createWebhook()
      const content = "<@1> <@!2> <@&3> @everyone"
      const byDefault = yield* send(hook, { content })
      expect(byDefault.body).toMatchObject({
        mentions: [{ id: "1" }, { id: "2" }],
        mention_roles: [],
        mention_everyone: false,
      })
      const chosen = yield* send(hook, {
        content,
        allowed_mentions: { parse: ["everyone", "roles"], users: ["2"] },
      })
      expect(chosen.body).toMatchObject({
        mentions: [{ id: "2" }],
        mention_roles: ["3"],
        mention_everyone: true,
      })
      const none = yield* send(hook, { content, allowed_mentions: { parse: [] } })
      expect(none.body).toMatchObject({ mentions: [], mention_roles: [], mention_everyone: false })
      const edited = yield* editMessage(hook, none.body.id, { content })
      expect(edited.body).toMatchObject({ mentions: [{ id: "1" }, { id: "2" }], mention_roles: [] })
    }),
)

simulatorTest("ignores flags that a webhook may not set", withoutLimits, (simulator) =>
  Effect.gen(function* () {
    const hook = yield* simulator.createWebhook()
    const { body } = yield* send(hook, { content: "a", flags: 4 | 64 | 4096 })
    expect(body["flags"]).toBe(4 | 4096)
    expect((yield* editMessage(hook, body.id, { flags: 0 })).body["flags"]).toBe(4096)
    expect((yield* editMessage(hook, body.id, { flags: 4 })).body["flags"]).toBe(4 | 4096)
  }),
)

simulatorTest(
  "a message becomes Components V2 after its other fields are cleared, and stays V2",
  withoutLimits,
  (simulator) =>
    Effect.gen(function* () {
      const hook = yield* simulator.createWebhook({ applicationOwned: true })
      const { id } = (yield* send(hook, { content: "a" })).body
      const components = [{ type: 10, content: "b" }]
      const rejected = yield* editMessage(hook, id, { flags: v2, components })
      expect(leaves(rejected)).toEqual([
        "content MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2",
      ])
      const edited = yield* editMessage(hook, id, { flags: v2, content: null, components })
      expect(edited.body).toMatchObject({ flags: v2, content: "", components })
      expect((yield* editMessage(hook, id, { flags: 0 })).body["flags"]).toBe(v2)
      expect(leaves(yield* editMessage(hook, id, { content: "c" }))).toEqual([
        "content MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2",
      ])
    }),
)

simulatorTest(
  "a webhook without application requires with_components",
  withoutLimits,
  (simulator) =>
    Effect.gen(function* () {
      const hook = yield* simulator.createWebhook()
      const row = { type: 1, components: [{ type: 2, style: 5, label: "l", url: "https://a.b" }] }
      const ignored = yield* send(hook, { content: "a", components: [row, "nonsense"] })
      expect(ignored.body["components"]).toEqual([])
      const honoured = yield* send(
        hook,
        { content: "a", components: [row] },
        { with_components: true },
      )
      expect(honoured.body["components"]).toMatchObject([{ id: 1, components: [{ id: 2 }] }])
      const kept = yield* editMessage(hook, honoured.body.id, { components: [] })
      expect(kept.body["components"]).toEqual(honoured.body["components"])
      const interactive = {
        type: 1,
        components: [{ type: 2, style: 1, label: "l", custom_id: "c" }],
      }
      const rejected = yield* send(
        hook,
        { content: "a", components: [interactive] },
        { with_components: true },
      )
      expect(leaves(rejected)).toEqual(["components.0.components.0 COMPONENT_TYPE_INVALID"])
      const layout = { flags: v2, components: [{ type: 10, content: "b" }] }
      expect((yield* send(hook, layout)).body.code).toBe(50006)
      expect((yield* send(hook, layout, { with_components: true })).status).toBe(200)
    }),
)

simulatorTest("an application's webhook may send every component", withoutLimits, (simulator) =>
  Effect.gen(function* () {
    const hook = yield* simulator.createWebhook({ applicationOwned: true })
    const { body } = yield* send(hook, {
      content: "a",
      components: [{ type: 1, components: [{ type: 5, custom_id: "c" }] }],
    })
    expect(body["components"]).toMatchObject([
      { type: 1, id: 1, components: [{ type: 5, id: 2, min_values: 1, max_values: 1 }] },
    ])
    expect(body["application_id"]).toEqual(expect.any(String))
    expect((yield* getWebhook(hook)).body).toMatchObject({ type: 3 })
  }),
)

simulatorTest("a poll has an expiry and cannot be edited", withoutLimits, (simulator) =>
  Effect.gen(function* () {
    const hook = yield* simulator.createWebhook()
    const poll = {
      question: { text: "q" },
      answers: [{ poll_media: { text: "a" } }, { poll_media: { text: "b" } }],
    }
    const { body } = yield* send(hook, { poll })
    expect(body["poll"]).toMatchObject({
      expiry: "2025-01-02T00:00:00.000000+00:00",
      allow_multiselect: false,
      layout_type: 1,
      answers: [{ answer_id: 1 }, { answer_id: 2 }],
    })
    expect((yield* editMessage(hook, body.id, { poll })).body.code).toBe(520003)
  }),
)

simulatorTest("a message in a thread requires its thread_id", withoutLimits, (simulator) =>
  Effect.gen(function* () {
    const hook = yield* simulator.createWebhook()
    const thread = yield* simulator.createThread(hook)
    const inThread = { thread_id: thread.id }
    const { body } = yield* send(hook, { content: "a" }, inThread)
    expect(body).toMatchObject({ channel_id: thread.id, position: 0 })
    expect((yield* getMessage(hook, body.id)).body.code).toBe(10008)
    expect((yield* getMessage(hook, body.id, inThread)).status).toBe(200)
    const elsewhere = yield* simulator.createWebhook()
    const unknown = yield* send(elsewhere, { content: "a" }, inThread)
    expect([unknown.status, unknown.body.code]).toEqual([404, 10003])
    expect((yield* getMessage(elsewhere, body.id, inThread)).body.code).toBe(10003)
    const rejected = yield* send(hook, { content: "a", thread_name: "t" })
    expect([rejected.status, rejected.body.code]).toEqual([400, 220003])
  }),
)

simulatorTest(
  "an archived thread rejects edits, allows deletes, and is unarchived by a message",
  withoutLimits,
  (simulator) =>
    Effect.gen(function* () {
      const hook = yield* simulator.createWebhook()
      const thread = yield* simulator.createThread(hook)
      const inThread = { thread_id: thread.id }
      const { id } = (yield* send(hook, { content: "a" }, inThread)).body
      yield* simulator.updateThread(thread, { archived: true })
      const edit = yield* editMessage(hook, id, { content: "b" }, inThread)
      expect([edit.status, edit.body.code]).toEqual([400, 50083])
      expect((yield* deleteMessage(hook, id, inThread)).status).toBe(204)
      const sent = yield* send(hook, { content: "c" }, inThread)
      expect(sent.body).toMatchObject({ position: 1 })
      expect((yield* editMessage(hook, sent.body.id, { content: "d" }, inThread)).status).toBe(200)
      yield* simulator.updateThread(thread, { locked: true })
      const locked = yield* send(hook, { content: "e" }, inThread)
      expect([locked.status, locked.body.code]).toEqual([400, 160005])
    }),
)

simulatorTest("a forum requires a thread for every message", withoutLimits, (simulator) =>
  Effect.gen(function* () {
    const hook = yield* simulator.createWebhook({ channel: "forum", tags: ["7"], requireTag: true })
    const code = (body: object, query = {}) =>
      Effect.map(send(hook, { content: "a", ...body }, query), (response) => response.body.code)
    expect(yield* code({})).toBe(220001)
    expect(yield* code({ thread_name: "t" }, { thread_id: "1" })).toBe(220002)
    expect(yield* code({ thread_name: "t" })).toBe(40067)
    expect(yield* code({ thread_name: "t", applied_tags: ["8"] })).toBe(10087)
    const { body } = yield* send(hook, { content: "a", thread_name: "t", applied_tags: ["7"] })
    expect(body.channel_id).toBe(body.id)
    const inThread = { thread_id: body.id }
    expect((yield* getMessage(hook, body.id, inThread)).status).toBe(200)
    expect((yield* send(hook, { content: "b" }, inThread)).body).toMatchObject({ position: 1 })
    const long = yield* send(hook, {
      content: "a",
      thread_name: "x".repeat(101),
      applied_tags: ["7"],
    })
    expect(leaves(long)).toEqual(["thread_name BASE_TYPE_BAD_LENGTH"])
  }),
)

simulatorTest("reads, modifies and deletes a webhook by its token", withoutLimits, (simulator) =>
  Effect.gen(function* () {
    const hook = yield* simulator.createWebhook({ name: "Hook" })
    const { body } = yield* getWebhook(hook)
    expect(body).toEqual({
      id: hook.id,
      type: 1,
      token: hook.token,
      url: hook.url,
      channel_id: hook.channelId,
      guild_id: expect.any(String),
      application_id: null,
      name: "Hook",
      avatar: null,
    })
    const changed = yield* modifyWebhook(hook, {
      name: " Other ",
      avatar: "data:image/png;base64,aGk=",
      channel_id: "1",
    })
    expect(changed.body).toMatchObject({ name: "Other", channel_id: hook.channelId })
    expect(changed.body["avatar"]).toMatch(/^[0-9a-f]{32}$/)
    expect((yield* modifyWebhook(hook, { avatar: null })).body["avatar"]).toBeNull()
    expect(leaves(yield* modifyWebhook(hook, { name: null, avatar: "a.png" }))).toEqual([
      "avatar BASE_TYPE_INVALID_IMAGE",
      "name BASE_TYPE_REQUIRED",
    ])
    expect((yield* deleteWebhook(hook)).status).toBe(204)
    const gone = yield* send(hook)
    expect([gone.status, gone.body]).toEqual([404, { message: "Unknown Webhook", code: 10015 }])
  }),
)

simulatorTest(
  "distinguishes unknown webhook, wrong token and unknown path",
  withoutLimits,
  (simulator) =>
    Effect.gen(function* () {
      const hook = yield* simulator.createWebhook()
      const wrong = yield* send({ id: hook.id, token: "wrong" })
      expect([wrong.status, wrong.body]).toEqual([
        401,
        { message: "Invalid Webhook Token", code: 50027 },
      ])
      yield* simulator.deleteWebhook(hook)
      expect((yield* send(hook)).body.code).toBe(10015)
      const nowhere = yield* raw("GET", "/api/v10/gateway")
      expect([nowhere.status, nowhere.body]).toEqual([404, { message: "404: Not Found", code: 0 }])
      const method = yield* raw("POST", `/api/v10/webhooks/${hook.id}/${hook.token}/messages/1`)
      expect([method.status, method.body.code]).toEqual([405, 0])
      const old = yield* raw("GET", `/api/v5/webhooks/${hook.id}/${hook.token}`)
      expect([old.status, old.body.code]).toEqual([400, 50041])
      expect((yield* raw("GET", "/elsewhere")).status).toBe(404)
    }),
)

simulatorTest(
  "keeps the newest messages up to maxStoredMessages",
  { ...withoutLimits, maxStoredMessages: 2 },
  (simulator) =>
    Effect.gen(function* () {
      const hook = yield* simulator.createWebhook()
      for (const content of ["a", "b", "c"]) yield* send(hook, { content })
      expect(yield* simulator.messages(hook)).toMatchObject([{ content: "b" }, { content: "c" }])
    }),
)
