import { expect } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/TestClock"
import type { DiscordSimulator } from "../../src/testing/index.js"
import {
  type TestResponse,
  deleteMessage,
  deleteWebhook,
  editMessage,
  getMessage,
  getWebhook,
  modifyWebhook,
  send,
} from "./request.js"
import { simulatorTest } from "./simulatorTest.js"

const code = ({ status, body }: TestResponse) => [status, body.code]
const ephemeral = 64
const loading = 128

const created = (
  simulator: DiscordSimulator.Service,
  options?: DiscordSimulator.InteractionOptions,
) =>
  Effect.map(simulator.createInteraction(options), (interaction) => ({
    interaction,
    hook: { id: interaction.applicationId, token: interaction.token },
  }))

simulatorTest("rejects follow-ups before the initial response with 10015", {}, (simulator) =>
  Effect.gen(function* () {
    const { hook, interaction } = yield* created(simulator, { response: "none" })
    expect(code(yield* send(hook))).toEqual([404, 10015])
    expect(code(yield* getMessage(hook, "@original"))).toEqual([404, 10015])
    yield* simulator.respond(interaction, { content: "pong" })
    const { body, status } = yield* getMessage(hook, "@original")
    expect([status, body.content]).toEqual([200, "pong"])
    expect(body).toMatchObject({ type: 20, webhook_id: hook.id, application_id: hook.id })
    expect((yield* send(hook)).status).toBe(200)
  }),
)

simulatorTest("rejects the token after 15 minutes", {}, (simulator) =>
  Effect.gen(function* () {
    const { hook } = yield* created(simulator)
    yield* TestClock.adjust("899999 millis")
    expect((yield* getMessage(hook, "@original")).status).toBe(200)
    yield* TestClock.adjust(1)
    for (const response of [
      yield* send(hook),
      yield* getMessage(hook, "@original"),
      yield* editMessage(hook, "@original", { content: "late" }),
      yield* deleteMessage(hook, "@original"),
    ]) {
      expect(code(response)).toEqual([401, 50027])
    }
  }),
)

simulatorTest(
  "the first follow-up edits a deferred response, the next is a message",
  {},
  (simulator) =>
    Effect.gen(function* () {
      const { hook, interaction } = yield* created(simulator, {
        response: { deferred: true, ephemeral: true },
      })
      const original = (yield* getMessage(hook, "@original")).body
      expect(original).toMatchObject({ content: "", flags: ephemeral | loading })
      const first = (yield* send(hook, { content: "first" })).body
      expect(first).toMatchObject({ id: original.id, content: "first", flags: ephemeral })
      const second = (yield* send(hook, { content: "second" })).body
      expect(second).toMatchObject({ type: 0, flags: 0 })
      expect(second.id).not.toBe(original.id)
      expect(yield* simulator.messages(interaction)).toMatchObject([
        { content: "first" },
        { content: "second" },
      ])
    }),
)

simulatorTest("an edit clears LOADING, and may add a poll once", {}, (simulator) =>
  Effect.gen(function* () {
    const { hook } = yield* created(simulator)
    const poll = { question: { text: "?" }, answers: [{ poll_media: { text: "a" } }] }
    const edited = yield* editMessage(hook, "@original", { poll })
    expect(edited.body).toMatchObject({ flags: 0, poll: { question: { text: "?" } } })
    expect(code(yield* editMessage(hook, "@original", { poll }))).toEqual([400, 520003])
  }),
)

simulatorTest(
  "a follow-up may be ephemeral, and has no username, avatar or thread",
  {},
  (simulator) =>
    Effect.gen(function* () {
      const { hook } = yield* created(simulator, { response: { content: "pong" } })
      const body = {
        content: "secret",
        flags: ephemeral,
        username: "Ada",
        avatar_url: "https://example.com/a.png",
        thread_name: "t",
      }
      const sent = yield* send(hook, body, { wait: false })
      expect(sent.status).toBe(200)
      expect(sent.body).toMatchObject({
        flags: ephemeral,
        author: { username: "Captain App", avatar: null },
      })
      const webhook = yield* simulator.createWebhook()
      const ofWebhook = yield* send(webhook, { content: "x", flags: ephemeral })
      expect(ofWebhook.body).toMatchObject({ flags: 0 })
    }),
)

simulatorTest("a token finds only the messages sent with it", {}, (simulator) =>
  Effect.gen(function* () {
    const one = yield* created(simulator)
    const two = yield* created(simulator, { applicationId: one.hook.id })
    expect(two.hook.id).toBe(one.hook.id)
    const { id } = (yield* getMessage(one.hook, "@original")).body
    expect((yield* getMessage(one.hook, id)).status).toBe(200)
    expect(code(yield* getMessage(two.hook, id))).toEqual([404, 10008])
    expect((yield* deleteMessage(one.hook, "@original")).status).toBe(204)
    expect(code(yield* getMessage(one.hook, "@original"))).toEqual([404, 10008])
    const webhook = yield* simulator.createWebhook()
    expect(code(yield* getMessage(webhook, "@original"))).toEqual([404, 10008])
  }),
)

simulatorTest("rejects operations on the webhook itself", {}, (simulator) =>
  Effect.gen(function* () {
    const { hook } = yield* created(simulator)
    for (const response of [
      yield* getWebhook(hook),
      yield* modifyWebhook(hook, { name: "x" }),
      yield* deleteWebhook(hook),
    ]) {
      expect(code(response)).toEqual([404, 10015])
    }
  }),
)

simulatorTest("interactions are exempt from the global limit", { globalLimit: 1 }, (simulator) =>
  Effect.gen(function* () {
    const webhook = yield* simulator.createWebhook()
    expect((yield* getWebhook(webhook)).status).toBe(200)
    expect((yield* getWebhook(webhook)).status).toBe(429)
    const { hook } = yield* created(simulator)
    for (let i = 0; i < 5; i++) expect((yield* send(hook)).status).toBe(200)
    expect((yield* send(hook)).headers["x-ratelimit-scope"]).toBe("user")
  }),
)
