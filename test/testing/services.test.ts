import { expect } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type { DiscordSimulator } from "../../src/testing/index.js"
import { adaptToOracle, findIssues, oracle } from "./oracle.js"
import { form, getMessage, leaves, raw, send } from "./request.js"
import { simulatorTest } from "./simulatorTest.js"

const withoutLimits = {
  limits: { execute: "none", getMessage: "none", getWebhook: "none" },
  globalLimit: "none",
} as const

type Hook = DiscordSimulator.SimulatedWebhook

const path = (hook: Hook, tail: string) => `/api/v10/webhooks/${hook.id}/${hook.token}/${tail}`

const slack = (hook: Hook, body: unknown, query = "") =>
  raw("POST", path(hook, `slack${query}`), {
    body: body instanceof FormData ? body : JSON.stringify(body),
  })

const sender = {
  id: 1,
  login: "octocat",
  html_url: "https://github.com/octocat",
  avatar_url: "https://a.b/o.png",
}
const repository = { name: "tea", full_name: "octo/tea", html_url: "https://github.com/octo/tea" }
const subject = { number: 7, title: "Too hot", html_url: "https://a.b/7", body: "Ouch" }
const comment = { html_url: "https://a.b/c", body: "Blow", commit_id: "0123456789" }

const github = (hook: Hook, event: string | undefined, body: object, query = "") =>
  raw("POST", path(hook, `github${query}`), {
    body: JSON.stringify({ sender, repository, ...body }),
    headers: {
      "content-type": "application/json",
      ...(event === undefined ? {} : { "x-github-event": event }),
    },
  })

simulatorTest(
  "converts a Slack message to one with an embed for each attachment",
  withoutLimits,
  (simulator) =>
    Effect.gen(function* () {
      const hook = yield* simulator.createWebhook()
      const response = yield* slack(hook, {
        text: "ahoy",
        username: "Bot",
        icon_url: "https://a.b/i.png",
        channel: "#ignored",
        attachments: [
          {
            title: "t",
            title_link: "https://a.b/",
            pretext: "before",
            text: "after",
            color: "#0af",
            ts: 1_767_323_045,
            footer: "f",
            footer_icon: "https://a.b/f.png",
            author_name: "n",
            author_link: "https://a.b/n",
            author_icon: "https://a.b/n.png",
            image_url: "https://a.b/image.png",
            thumb_url: "https://a.b/thumb.png",
            fields: [
              { name: "n", value: "v", inline: true },
              { title: "t", value: "", short: true },
            ],
          },
          { text: "second", color: "#5865F2" },
        ],
      })
      expect([response.status, response.text]).toEqual([200, "ok"])
      const [message] = yield* simulator.messages(hook)
      expect(message).toMatchObject({
        content: "ahoy",
        author: { username: "Bot", avatar: expect.stringMatching(/^[0-9a-f]{32}$/) as string },
        embeds: [
          {
            title: "t",
            url: "https://a.b/",
            description: "before\nafter",
            color: 0x00aaff,
            timestamp: "2026-01-02T03:04:05.000000+00:00",
            footer: { text: "f", icon_url: "https://a.b/f.png" },
            author: { name: "n", url: "https://a.b/n", icon_url: "https://a.b/n.png" },
            image: { url: "https://a.b/image.png" },
            thumbnail: { url: "https://a.b/thumb.png" },
            fields: [
              { name: "n", value: "v", inline: true },
              { name: "t", inline: true },
            ],
          },
          { description: "second", color: 0x5865f2 },
        ],
      })
      const read = yield* getMessage(hook, String(message?.["id"]))
      expect(findIssues(oracle.MessageResponseSchema, adaptToOracle(read.body))).toEqual([])
    }),
)

simulatorTest(
  "the Slack response is `ok`, with wait and for every media type",
  withoutLimits,
  (simulator) =>
    Effect.gen(function* () {
      const hook = yield* simulator.createWebhook()
      const thread = yield* simulator.createThread(hook)
      const answers = [
        yield* slack(hook, { text: "a" }, "?wait=false"),
        yield* slack(hook, form([["text", "b"]]), "?wait=true"),
        yield* raw("POST", path(hook, "slack"), {
          body: "text=c&username=me",
          headers: { "content-type": "application/x-www-form-urlencoded" },
        }),
        yield* slack(hook, { text: "d" }, `?thread_id=${thread.id}`),
      ]
      for (const response of answers) expect([response.status, response.text]).toEqual([200, "ok"])
      expect(yield* simulator.messages(hook)).toMatchObject([
        { content: "a" },
        { content: "b" },
        { content: "c", author: { username: "me" } },
        { content: "d", channel_id: thread.id },
      ])
    }),
)

simulatorTest("rejects an invalid Slack message", withoutLimits, (simulator) =>
  Effect.gen(function* () {
    const hook = yield* simulator.createWebhook()
    const x = (length: number) => "x".repeat(length)
    for (const [body, leaf] of [
      [{ text: x(2001) }, "text BASE_TYPE_MAX_LENGTH"],
      [{ text: "a", username: "discord" }, "username USERNAME_INVALID_CONTAINS"],
      [{ text: "a", icon_url: "a" }, "icon_url URL_TYPE_INVALID_URL"],
      [{ attachments: [{ color: "red" }] }, "attachments.0.color STRING_TYPE_REGEX"],
      [{ attachments: [{ text: "a", ts: 1.5 }] }, "attachments.0.ts NUMBER_TYPE_COERCE"],
      [{ attachments: [{ title: x(257) }] }, "embeds.0.title BASE_TYPE_MAX_LENGTH"],
    ] as const) {
      expect(leaves(yield* slack(hook, body))).toEqual([leaf])
    }
    expect((yield* slack(hook, { text: "" })).body.code).toBe(50006)
    expect(yield* simulator.messages(hook)).toEqual([])
  }),
)

const shown: ReadonlyArray<readonly [event: string, body: object, title: string, says?: string]> = [
  [
    "push",
    {
      ref: "refs/heads/main",
      compare: "https://a.b/compare",
      commits: [
        {
          id: "0123456789",
          url: "https://a.b/k",
          message: "Cool it\n\nMore",
          author: { name: "Ann" },
        },
      ],
    },
    "[tea:main] 1 new commit",
    "[`0123456`](https://a.b/k) Cool it - Ann",
  ],
  ["issues", { action: "opened", issue: subject }, "[octo/tea] Issue opened: #7 Too hot", "Ouch"],
  ["issues", { action: "closed", issue: subject }, "[octo/tea] Issue closed: #7 Too hot"],
  [
    "issue_comment",
    { action: "created", issue: subject, comment },
    "[octo/tea] New comment on issue #7 Too hot",
    "Blow",
  ],
  [
    "issue_comment",
    { action: "created", issue: { ...subject, pull_request: {} }, comment },
    "[octo/tea] New comment on pull request #7 Too hot",
    "Blow",
  ],
  [
    "pull_request",
    { action: "opened", pull_request: subject },
    "[octo/tea] Pull request opened: #7 Too hot",
    "Ouch",
  ],
  [
    "pull_request_review",
    { action: "submitted", pull_request: subject, review: comment },
    "[octo/tea] Pull request review submitted: #7 Too hot",
    "Blow",
  ],
  [
    "pull_request_review_comment",
    { action: "created", pull_request: subject, comment },
    "[octo/tea] New review comment on pull request #7 Too hot",
    "Blow",
  ],
  ["commit_comment", { comment }, "[octo/tea] New comment on commit `0123456`", "Blow"],
  ["create", { ref: "v1", ref_type: "tag" }, "[octo/tea] New tag created: v1"],
  ["delete", { ref: "old", ref_type: "branch" }, "[octo/tea] branch deleted: old"],
  ["fork", { forkee: { full_name: "me/tea" } }, "[octo/tea] Fork created: me/tea"],
  ["member", { member: sender }, "[octo/tea] New collaborator added: octocat"],
  ["public", {}, "[octo/tea] Now open sourced!"],
  ["release", { release: { tag_name: "v1" } }, "[octo/tea] New release published: v1"],
  ["watch", { action: "started" }, "[octo/tea] New star added"],
  [
    "check_run",
    {
      check_run: { name: "lint", conclusion: "success", check_suite: { head_branch: "main" } },
    },
    "[octo/tea] lint success on main",
  ],
  [
    "check_suite",
    { check_suite: { conclusion: "failure", head_branch: "main", app: { name: "CI" } } },
    "[octo/tea] CI failure on main",
  ],
  [
    "discussion",
    { action: "created", discussion: subject },
    "[octo/tea] Discussion created: #7 Too hot",
    "Ouch",
  ],
  [
    "discussion_comment",
    { discussion: subject, comment },
    "[octo/tea] New comment on discussion #7 Too hot",
    "Blow",
  ],
]

for (const [event, body, title, description] of shown) {
  simulatorTest(`an event ${event} of GitHub is shown as "${title}"`, withoutLimits, (simulator) =>
    Effect.gen(function* () {
      const hook = yield* simulator.createWebhook()
      const response = yield* github(hook, event, body)
      expect([response.status, response.text]).toEqual([204, ""])
      const [message] = yield* simulator.messages(hook)
      expect(message).toMatchObject({
        author: { username: "GitHub" },
        embeds: [{ title, author: { name: "octocat", url: "https://github.com/octocat" } }],
      })
      if (description === undefined) expect(message).not.toHaveProperty("embeds.0.description")
      else expect(message).toHaveProperty("embeds.0.description", description)
    }),
  )
}

simulatorTest("accepts other events without a message", withoutLimits, (simulator) =>
  Effect.gen(function* () {
    const hook = yield* simulator.createWebhook()
    for (const [event, body] of [
      ["ping", {}],
      ["toString", {}],
      ["check_run", { check_run: { name: "lint", conclusion: null } }],
    ] as const) {
      expect((yield* github(hook, event, body)).status).toBe(204)
    }
    expect(yield* simulator.messages(hook)).toEqual([])
  }),
)

simulatorTest("an event requires its header and its sender", withoutLimits, (simulator) =>
  Effect.gen(function* () {
    const hook = yield* simulator.createWebhook()
    expect(leaves(yield* github(hook, undefined, {}))).toEqual([
      "x-github-event BASE_TYPE_REQUIRED",
    ])
    expect(leaves(yield* github(hook, "push", { sender: null }))).toEqual([
      "sender BASE_TYPE_REQUIRED",
    ])
    expect(leaves(yield* github(hook, "push", { sender: { ...sender, id: null } }))).toEqual([
      "sender.id BASE_TYPE_REQUIRED",
    ])
  }),
)

simulatorTest("a forum requires a thread for Slack and GitHub", withoutLimits, (simulator) =>
  Effect.gen(function* () {
    const hook = yield* simulator.createWebhook({ channel: "forum" })
    const { id } = (yield* send(hook, { content: "a", thread_name: "t" })).body
    for (const post of [
      (query: string) => slack(hook, { text: "a" }, query),
      (query: string) => github(hook, "watch", {}, query),
    ]) {
      expect((yield* post("")).body.code).toBe(220004)
      expect((yield* post("?thread_id=1")).body.code).toBe(10003)
      expect((yield* post(`?thread_id=${id}`)).status).toBeLessThan(300)
    }
    expect(yield* simulator.threads(hook)).toMatchObject([{ messages: 3 }])
  }),
)

simulatorTest("services share the bucket of execute by default", {}, (simulator) =>
  Effect.gen(function* () {
    const hook = yield* simulator.createWebhook()
    yield* send(hook)
    yield* slack(hook, { text: "a" })
    const third = yield* github(hook, "watch", {})
    expect(third.headers["x-ratelimit-remaining"]).toBe("2")
    yield* simulator.configure({ limits: { executeSlack: { limit: 9, period: "1 second" } } })
    const fourth = yield* slack(hook, { text: "a" })
    expect(fourth.headers["x-ratelimit-remaining"]).toBe("8")
    const { traffic } = simulator
    expect((yield* traffic).map(({ operation, path: at }) => [operation, at]).slice(1, 3)).toEqual([
      ["executeSlack", "/webhooks/:webhookId/:token/slack"],
      ["executeGitHub", "/webhooks/:webhookId/:token/github"],
    ])
  }),
)
