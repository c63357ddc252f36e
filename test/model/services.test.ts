import { addEqualityTesters, describe, expect, expectTypeOf, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as FastCheck from "effect/FastCheck"
import * as Schema from "effect/Schema"
import { readFileSync } from "node:fs"

import { GitHubEvent, SlackMessage } from "../../src/index.js"
import type { Issue } from "../../src/index.js"
import { faults } from "./faults.js"
import { law } from "./law.js"

addEqualityTesters()

const golden = (name: string): unknown =>
  JSON.parse(readFileSync(new URL(`../golden/requests/${name}.json`, import.meta.url), "utf8"))

const attachment = (part: SlackMessage.SlackAttachment): SlackMessage.SlackMessage => ({
  attachments: [part],
})

describe("SlackMessage", () => {
  law("on the wire", SlackMessage.SlackMessage, 500)

  it.effect("is written in Slack's words", () =>
    Effect.gen(function* () {
      const message = yield* SlackMessage.encode({
        text: "Build 7",
        username: "CI",
        iconUrl: "https://example.com/ci.png",
        attachments: [
          {
            pretext: "Something broke",
            title: "Build 7 failed",
            titleLink: "https://ci.example.com/builds/7",
            text: "3 tests failed",
            color: "danger",
            authorName: "Ada",
            authorLink: "https://example.com/ada",
            authorIcon: "https://example.com/ada.png",
            fields: [
              { title: "Branch", value: "main", short: true },
              { title: "Log", value: "long" },
            ],
            imageUrl: "https://example.com/chart.png",
            thumbUrl: "https://example.com/thumb.png",
            footer: "ci.example.com",
            footerIcon: "https://example.com/footer.png",
            ts: DateTime.unsafeMake("2026-01-31T12:00:00.999Z"),
          },
          { color: 0x5865f2, text: undefined },
          { color: "#ABC" },
        ],
      })
      expect(message).toStrictEqual(golden("slack"))
    }),
  )

  it.effect("decodes messages for Slack, without fields that Discord ignores", () =>
    Effect.gen(function* () {
      const message = yield* SlackMessage.decode({
        channel: "#ci",
        icon_emoji: ":ghost:",
        mrkdwn: true,
        text: "*done*",
        username: null,
        blocks: [{ type: "divider" }],
        attachments: [
          {
            fallback: "done",
            mrkdwn_in: ["text"],
            color: "36a64f",
            ts: "1769860800.000200",
            fields: [{ title: "a", value: "b", short: false }],
            actions: [],
          },
          { color: "warning", ts: 1_769_860_800 },
        ],
      })
      const noon = DateTime.unsafeMake("2026-01-31T12:00:00Z")
      expect(message).toEqual({
        text: "*done*",
        attachments: [
          {
            color: "#36a64f",
            ts: noon,
            fields: [{ title: "a", value: "b", short: false }],
          },
          { color: "warning", ts: noon },
        ],
      })
    }),
  )

  it.effect.each<[name: string, color: SlackMessage.SlackColor, wire: string]>([
    ["a number", 0x5865f2, "#5865f2"],
    ["a small number", 7, "#000007"],
    ["#rrggbb", "#5865F2", "#5865F2"],
    ["#rgb", "#abc", "#abc"],
    ["good", "good", "#2eb886"],
    ["warning", "warning", "#daa038"],
    ["danger", "danger", "#a30200"],
  ])("sends the colour %s as one that Discord knows", ([, color, wire]) =>
    Effect.gen(function* () {
      const message = yield* SlackMessage.encode(attachment({ color }))
      expect(message).toEqual({ attachments: [{ color: wire }] })
    }),
  )

  it.effect.each<[name: string, message: SlackMessage.SlackMessage, issue: Issue.Issue]>([
    [
      "a long text",
      { text: "x".repeat(2001) },
      { path: "text", message: "at most 2000 code points, got 2001" },
    ],
    [
      "a name that Discord keeps",
      { text: "x", username: "Clyde" },
      { path: "username", message: 'must not contain "clyde" in any case' },
    ],
    [
      "an icon that is no URL",
      { text: "x", iconUrl: ":ghost:" },
      { path: "iconUrl", message: "must be an http or https URL" },
    ],
    ...["blue", "#12345", "toString", -1, 1.5, 0x1000000].map(
      (color): [string, SlackMessage.SlackMessage, Issue.Issue] => [
        `the colour ${color}`,
        attachment({ color: color as SlackMessage.SlackColor }),
        {
          path: "attachments[0].color",
          message: "must be a colour such as 0x5865f2, #5865f2, good, warning or danger",
        },
      ],
    ),
    [
      "a field of Discord's embeds",
      attachment({ fields: [{ value: "x", inline: true } as SlackMessage.SlackField] }),
      { path: "attachments[0].fields[0].inline", message: "is not a known field" },
    ],
    [
      "a field that Discord does not support",
      { text: "x", channel: "#ci" } as SlackMessage.SlackMessage,
      { path: "channel", message: "is not a known field" },
    ],
  ])("refuses %s", ([, message, issue]) =>
    Effect.gen(function* () {
      expect(yield* faults(SlackMessage.encode(message))).toEqual([issue])
    }),
  )

  it.effect.each([-1, Number.NaN, 1e13, "noon"])("rejects %j as a timestamp", (ts) =>
    Effect.gen(function* () {
      const read = yield* Effect.either(SlackMessage.decode({ attachments: [{ ts }] }))
      expect(Either.isLeft(read)).toBe(true)
    }),
  )

  it("takes 2000 code points, however many units they are", () => {
    expect(Schema.is(SlackMessage.SlackMessage)({ text: "𝒳".repeat(2000) })).toBe(true)
  })

  it.each<[message: SlackMessage.SlackMessage, isEmpty: boolean]>([
    [{}, true],
    [{ text: "" }, true],
    [{ username: "CI", attachments: [] }, true],
    [{ text: "x" }, false],
    [attachment({}), false],
  ])("of %j isEmpty is %j", (message, isEmpty) => {
    expect(SlackMessage.isEmpty(message)).toBe(isEmpty)
  })
})

const sender = {
  id: 1815,
  login: "ada",
  html_url: "https://github.com/ada",
  avatar_url: "https://github.com/ada.png",
}

describe("GitHubEvent", () => {
  law("on the wire", GitHubEvent.GitHubEvent, 300)

  it.effect("is forwarded as GitHub sent it, with all that Discord does not look at", () =>
    Effect.gen(function* () {
      const push = yield* GitHubEvent.decode(golden("github-push"))
      expect(yield* GitHubEvent.encode(push)).toStrictEqual(golden("github-push"))
      expect(push.commits?.map(({ message }) => message)).toEqual(["Sell more\n\nCloses #7"])
    }),
  )

  it("keeps unknown fields with any value", () => {
    const events = FastCheck.tuple(
      Arbitrary.make(GitHubEvent.GitHubEvent),
      FastCheck.dictionary(FastCheck.stringMatching(/^x_[a-z]{1,8}$/), FastCheck.jsonValue()),
    ).map(([event, more]) => ({ ...more, ...event }))
    FastCheck.assert(
      FastCheck.property(events, (event) => {
        expect(Effect.runSync(GitHubEvent.decode(event))).toStrictEqual(event)
        expect(Effect.runSync(GitHubEvent.encode(event))).toBe(event)
      }),
    )
  })

  it.effect.each<[name: string, event: unknown, issue: Issue.Issue]>([
    ["an event without sender", {}, { path: "sender", message: "is missing" }],
    [
      "a sender who is only a name",
      { sender: "ada" },
      {
        path: "sender",
        message: 'expected an object with id, login, html_url and avatar_url, got "ada"',
      },
    ],
    [
      "a commit without id",
      { sender, commits: [{ url: "https://a.example", message: "x", author: { name: "a" } }] },
      { path: "commits[0].id", message: "is missing" },
    ],
    [
      "a release by nobody",
      { sender, release: { id: 1, tag_name: "v1", html_url: "https://a.example" } },
      { path: "release.author", message: "is missing" },
    ],
  ])("refuses %s, as Discord would", ([, event, issue]) =>
    Effect.gen(function* () {
      expect(yield* faults(GitHubEvent.decode(event))).toEqual([issue])
      expect(yield* faults(GitHubEvent.encode(event as GitHubEvent.GitHubEvent))).toEqual([issue])
    }),
  )

  it("takes null for everything but the sender", () => {
    const fields = Object.keys(GitHubEvent.GitHubEvent.fields).filter((key) => key !== "sender")
    const event = { ...Object.fromEntries(fields.map((key) => [key, null])), sender }
    expect(Schema.is(GitHubEvent.GitHubEvent)(event)).toBe(true)
  })

  it("lists the 18 events that Discord shows", () => {
    expect(GitHubEvent.shown).toHaveLength(18)
    expect(new Set(GitHubEvent.shown).size).toBe(18)
    expect(GitHubEvent.shown.every(Schema.is(GitHubEvent.EventName))).toBe(true)
  })

  it.each(["", "pull request", "push\r\nAuthorization: x", "größe", "x".repeat(101)])(
    "refuses %j as the name of an event: it becomes a header",
    (name) => {
      expect(Schema.is(GitHubEvent.EventName)(name)).toBe(false)
    },
  )

  it("suggests names, and takes others", () => {
    expectTypeOf<"push">().toExtend<GitHubEvent.EventName>()
    expectTypeOf<string>().toExtend<GitHubEvent.EventName>()
    expectTypeOf<7>().not.toExtend<GitHubEvent.EventName>()
  })

  it("takes the types that others have written for GitHub's events", () => {
    interface TheirUser {
      login: string
      id: number
      html_url: string
      avatar_url: string
      type: "Bot" | "User"
    }
    interface TheirPush {
      ref: string
      head_commit: { id: string; url: string; message: string; author: { name: string } } | null
      pusher: { name: string }
      sender: TheirUser
    }
    expectTypeOf<TheirPush>().toExtend<GitHubEvent.GitHubEvent>()
    // @ts-expect-error: a field written by hand is checked
    const typo: GitHubEvent.GitHubEvent = { sender, repo: null }
    expect(typo.sender).toBe(sender)
  })
})
