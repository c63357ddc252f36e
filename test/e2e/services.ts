/** Messages of programs for Slack and GitHub, over any transport. */
import { describe, expect, it } from "@effect/vitest"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import { readFileSync } from "node:fs"
import { GitHubEvent, SlackMessage, Webhook } from "../../src/index.js"
import { DiscordSimulator } from "../../src/testing/index.js"
import type { Transport, TestEnvironment } from "./environment.js"

interface Harness {
  readonly discord: DiscordSimulator.Service
  readonly webhook: DiscordSimulator.SimulatedWebhook
  readonly hook: Webhook.Webhook
}

const push: unknown = JSON.parse(
  readFileSync(new URL("../golden/requests/github-push.json", import.meta.url), "utf8"),
)

const star = {
  action: "created",
  sender: {
    id: 1815,
    login: "ada",
    html_url: "https://github.com/ada",
    avatar_url: "https://github.com/ada.png",
  },
}

export function services(transport: Transport): void {
  const story = <E>(
    name: string,
    test: (harness: Harness) => Effect.Effect<void, E, TestEnvironment>,
    channel: DiscordSimulator.WebhookOptions = {},
  ): void =>
    it.live(name, () =>
      Effect.gen(function* () {
        const discord = yield* DiscordSimulator.DiscordSimulator
        const webhook = yield* discord.createWebhook(channel)
        const hook = yield* Webhook.fromUrl(webhook.url)
        yield* test({ discord, webhook, hook })
      }).pipe(Effect.provide([transport({}), Logger.remove(Logger.defaultLogger)])),
    )

  describe("sendSlack", () => {
    story("shows text, and an embed for each attachment", ({ discord, webhook, hook }) =>
      Effect.gen(function* () {
        const nothing = yield* Webhook.sendSlack(hook, {
          text: "Build 7 größer 𝒳",
          username: "CI",
          attachments: [
            {
              pretext: "Something broke",
              title: "Build 7 failed",
              titleLink: "https://ci.example.com/builds/7",
              text: "3 tests failed",
              color: "danger",
              authorName: "Ada",
              footer: "ci.example.com",
              ts: DateTime.unsafeMake("2026-01-31T12:00:00Z"),
              fields: [{ title: "Branch", value: "main", short: true }],
            },
            { color: 0x5865f2, text: "second" },
          ],
        })
        expect(nothing).toBeUndefined()
        expect(yield* discord.messages(webhook)).toMatchObject([
          {
            content: "Build 7 größer 𝒳",
            author: { username: "CI" },
            embeds: [
              {
                title: "Build 7 failed",
                url: "https://ci.example.com/builds/7",
                description: "Something broke\n3 tests failed",
                color: 0xa30200,
                author: { name: "Ada" },
                footer: { text: "ci.example.com" },
                fields: [{ name: "Branch", value: "main", inline: true }],
              },
              { color: 0x5865f2, description: "second" },
            ],
          },
        ])
        const [request] = yield* discord.traffic
        expect(request).toMatchObject({ operation: "executeSlack", status: 200, query: {} })
      }),
    )

    story("forwards what a program has made for Slack", ({ discord, webhook, hook }) =>
      Effect.gen(function* () {
        const json = { channel: "#ci", icon_emoji: ":ghost:", text: "*done*", attachments: null }
        yield* Webhook.sendSlack(hook, yield* SlackMessage.decode(json))
        expect(yield* discord.messages(webhook)).toMatchObject([{ content: "*done*" }])
        expect(yield* discord.traffic).toMatchObject([{ body: { text: "*done*" } }])
      }),
    )

    story("goes to a thread, without waiting", ({ discord, webhook, hook }) =>
      Effect.gen(function* () {
        const { id } = yield* discord.createThread(webhook)
        yield* Webhook.sendSlack(hook, { text: "done" }, { threadId: id, wait: false })
        expect(yield* discord.messages(webhook)).toMatchObject([{ channel_id: id }])
        expect(yield* discord.traffic).toMatchObject([{ query: { wait: "false" } }])
      }),
    )
  })

  describe("sendGitHub", () => {
    story("forwards a push unchanged, and Discord shows it", ({ discord, webhook, hook }) =>
      Effect.gen(function* () {
        const event = yield* GitHubEvent.decode(push)
        yield* Webhook.sendGitHub(hook, "push", event)
        const [request] = yield* discord.traffic
        expect(request).toMatchObject({ operation: "executeGitHub", status: 204, query: {} })
        expect(request?.headers["x-github-event"]).toBe("push")
        expect(request?.body).toStrictEqual(push)
        const [message] = yield* discord.messages(webhook)
        expect(JSON.stringify(message)).toContain("Sell more")
      }),
    )

    story("sends events that Discord does not show, too", ({ discord, webhook, hook }) =>
      Effect.gen(function* () {
        expect(GitHubEvent.shown).not.toContain("star")
        yield* Webhook.sendGitHub(hook, "star", star)
        expect(yield* discord.messages(webhook)).toEqual([])
        expect(yield* discord.traffic).toMatchObject([{ status: 204, body: star }])
      }),
    )

    story("goes to a thread", ({ discord, webhook, hook }) =>
      Effect.gen(function* () {
        const { id } = yield* discord.createThread(webhook)
        yield* Webhook.sendGitHub(hook, "watch", star, { threadId: id })
        expect(yield* discord.messages(webhook)).toMatchObject([{ channel_id: id }])
      }),
    )
  })

  describe("a webhook of a forum", () => {
    story(
      "fails with neither",
      ({ discord, webhook, hook }) =>
        Effect.gen(function* () {
          const refused = { _tag: "WebhookThreadError", reason: "serviceInForum", code: 220004 }
          const slack = yield* Effect.flip(Webhook.sendSlack(hook, { text: "done" }))
          expect(slack).toMatchObject(refused)
          const gitHub = yield* Effect.flip(Webhook.sendGitHub(hook, "watch", star))
          expect(gitHub).toMatchObject(refused)
          expect(yield* discord.messages(webhook)).toEqual([])
        }),
      { channel: "forum" },
    )
  })

  describe("a webhook that is gone", () => {
    story("is recorded as deleted by every operation that sends", ({ discord, webhook, hook }) =>
      Effect.gen(function* () {
        yield* discord.deleteWebhook(webhook)
        const first = yield* Effect.flip(Webhook.sendSlack(hook, { text: "done" }))
        expect(first).toMatchObject({ _tag: "WebhookNotFound", remembered: false })
        const second = yield* Effect.flip(Webhook.sendGitHub(hook, "watch", star))
        expect(second).toMatchObject({ _tag: "WebhookNotFound", remembered: true })
        expect(yield* discord.traffic).toHaveLength(1)
      }),
    )
  })
}
