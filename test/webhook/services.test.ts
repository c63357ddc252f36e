import { it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { describe, expect } from "vitest"
import { RateLimiter, Strategy, Webhook } from "../../src/index.js"
import type { GitHubEvent, SlackMessage } from "../../src/index.js"
import { network, token } from "../rest/network.js"
import type { Event } from "../rest/network.js"

const sender = {
  id: 1815,
  login: "ada",
  html_url: "https://github.com/ada",
  avatar_url: "https://github.com/ada.png",
}

/** The requests of one operation to a server with this response, and its result. */
const sending = <A>(answer: Event, act: (hook: Webhook.Webhook) => Webhook.Operation<A>) =>
  Effect.gen(function* () {
    const net = network(answer)
    const hook = yield* Webhook.make({ id: "42", token, threadId: "7" })
    const result = yield* Effect.either(act(hook)).pipe(
      Effect.provide([net.layer, RateLimiter.layerMemory, Strategy.layerProactive]),
    )
    return { result, sent: net.sent.map(({ url, ...rest }) => ({ ...rest, url: new URL(url) })) }
  })

const ok: Event = { answer: 200, body: "ok" }
const noContent: Event = { answer: 204 }

const slack = (message: SlackMessage.SlackMessage, options?: Webhook.SendOptions) =>
  sending(ok, (hook) => Webhook.sendSlack(hook, message, options))

const gitHub = (name: string, event: GitHubEvent.GitHubEvent, options?: Webhook.SendOptions) =>
  sending(noContent, (hook) => Webhook.sendGitHub(hook, name, event, options))

describe("sendSlack", () => {
  it.effect("posts to the Slack endpoint, and accepts its text response", () =>
    Effect.gen(function* () {
      const { result, sent } = yield* slack({ text: "done" })
      expect(result).toMatchObject({ _tag: "Right", right: undefined })
      expect(sent).toMatchObject([{ method: "POST", body: { text: "done" } }])
      expect(sent[0]?.url.pathname).toBe(`/api/v10/webhooks/42/${token}/slack`)
    }),
  )

  it.effect.each<[name: string, options: Webhook.SendOptions, query: Record<string, string>]>([
    ["the thread of the URL", {}, { thread_id: "7" }],
    ["another thread", { threadId: "8" }, { thread_id: "8" }],
    ["the channel", { threadId: null }, {}],
    ["the channel, waiting", { threadId: null, wait: true }, {}],
    ["the channel, not waiting", { threadId: null, wait: false }, { wait: "false" }],
  ])("goes to %s", ([, options, query]) =>
    Effect.gen(function* () {
      const { sent } = yield* slack({ text: "done" }, options)
      expect(Object.fromEntries(sent[0]?.url.searchParams ?? [])).toEqual(query)
    }),
  )

  it.effect.each<[name: string, message: unknown, path: string]>([
    ["an empty message", { username: "CI" }, ""],
    ["a long text", { text: "x".repeat(2001) }, "text"],
    ["null", null, ""],
    ["nothing", undefined, ""],
  ])("sends nothing of %s", ([, message, path]) =>
    Effect.gen(function* () {
      const { result, sent } = yield* slack(message as SlackMessage.SlackMessage)
      expect(result).toMatchObject({
        left: { _tag: "WebhookValidationError", route: expect.stringMatching(/\/slack$/) },
      })
      expect(result).toHaveProperty("left.issues[0].path", path)
      expect(sent).toEqual([])
    }),
  )

  it.effect("is not sent twice when its response is lost", () =>
    Effect.gen(function* () {
      const { result, sent } = yield* sending({ answer: 502 }, (hook) =>
        Webhook.sendSlack(hook, { text: "done" }),
      )
      expect(result).toMatchObject({ left: { _tag: "DiscordServerError", delivered: "unknown" } })
      expect(sent).toHaveLength(1)
    }),
  )
})

describe("sendGitHub", () => {
  it.effect("posts the event with its name, and with all its fields", () =>
    Effect.gen(function* () {
      const event = { sender, ref: "refs/heads/main", before: "a1", pusher: { name: "ada" } }
      const { result, sent } = yield* gitHub("push", event, { threadId: null })
      expect(result).toMatchObject({ _tag: "Right", right: undefined })
      expect(sent).toMatchObject([{ method: "POST", headers: { "x-github-event": "push" } }])
      expect(sent[0]?.body).toStrictEqual(event)
      expect(sent[0]?.url.pathname).toBe(`/api/v10/webhooks/42/${token}/github`)
      expect(sent[0]?.url.search).toBe("")
    }),
  )

  it.effect("is sent to a thread, and waits or not, by its options", () =>
    Effect.gen(function* () {
      const { sent } = yield* gitHub("push", { sender }, { wait: false })
      expect(sent[0]?.url.search).toBe("?wait=false&thread_id=7")
    }),
  )

  it.effect("takes events that Discord does not show", () =>
    Effect.gen(function* () {
      const { sent } = yield* gitHub("workflow_run", { sender })
      expect(sent).toMatchObject([{ headers: { "x-github-event": "workflow_run" } }])
    }),
  )

  it.effect("finds everything that is wrong with name, event and place", () =>
    Effect.gen(function* () {
      const event = {} as GitHubEvent.GitHubEvent
      const { result, sent } = yield* gitHub("push\r\nHost: x", event, { threadId: "general" })
      expect(result).toMatchObject({
        left: {
          _tag: "WebhookValidationError",
          issues: [{ path: "name" }, { path: "threadId" }, { path: "sender" }],
        },
      })
      expect(sent).toEqual([])
    }),
  )

  const circular: { sender: typeof sender; self?: unknown } = { sender }
  circular.self = circular

  it.effect.each<[name: string, event: object]>([
    ["itself", circular],
    ["a bigint", { sender, installation: 1n }],
  ])("refuses an event that holds %s, which JSON cannot", ([, event]) =>
    Effect.gen(function* () {
      const { result, sent } = yield* gitHub("push", event as GitHubEvent.GitHubEvent)
      expect(result).toMatchObject({
        left: { _tag: "WebhookValidationError", issues: [{ path: "" }] },
      })
      expect(result).toHaveProperty("left.message", expect.stringContaining("as JSON"))
      expect(sent).toEqual([])
    }),
  )
})

describe("a forum", () => {
  it.effect.each<[name: string, act: (hook: Webhook.Webhook) => Webhook.Operation<void>]>([
    ["sendSlack", (hook) => Webhook.sendSlack(hook, { text: "x" })],
    ["sendGitHub", (hook) => Webhook.sendGitHub(hook, "push", { sender })],
  ])("takes nothing of %s", ([, act]) =>
    Effect.gen(function* () {
      const body = { code: 220004, message: "Webhook services cannot be used in forum channels" }
      const { result } = yield* sending({ answer: 400, body }, act)
      expect(result).toMatchObject({
        left: { _tag: "WebhookThreadError", reason: "serviceInForum" },
      })
    }),
  )
})
