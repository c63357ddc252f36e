import { expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { DiscordSimulator } from "../../src/testing/index.js"
import { type LimitCase, withoutLimits, repeat, testLimits, x } from "./limitTests.js"
import { leaves, modifyWebhook, raw, send } from "./request.js"
import { simulatorTest } from "./simulatorTest.js"

/** Each case: a valid body at the limit, an invalid one above it, and the path of its error. */
const edges: ReadonlyArray<LimitCase> = [
  ["content 2000", { content: x(2000) }, { content: x(2001) }, "content BASE_TYPE_MAX_LENGTH"],
  [
    "content in code points",
    { content: "👍".repeat(2000) },
    { content: "👍".repeat(2001) },
    "content BASE_TYPE_MAX_LENGTH",
  ],
  [
    "username 80",
    say({ username: x(80) }),
    say({ username: x(81) }),
    "username BASE_TYPE_BAD_LENGTH",
  ],
  ["username 1", say({ username: "x" }), say({ username: "" }), "username BASE_TYPE_BAD_LENGTH"],
  [
    "avatar_url 2048",
    say({ avatar_url: `https://a.b/${x(2036)}` }),
    say({ avatar_url: `https://a.b/${x(2037)}` }),
    "avatar_url BASE_TYPE_MAX_LENGTH",
  ],
  [
    "embeds 10",
    { embeds: repeat(10, embed) },
    { embeds: repeat(11, embed) },
    "embeds BASE_TYPE_MAX_LENGTH",
  ],
  [
    "embed title 256",
    one({ title: x(256) }),
    one({ title: x(257) }),
    "embeds.0.title BASE_TYPE_MAX_LENGTH",
  ],
  [
    "embed description 4096",
    one({ description: x(4096) }),
    one({ description: x(4097) }),
    "embeds.0.description BASE_TYPE_MAX_LENGTH",
  ],
  [
    "embed text is trimmed before it is counted",
    one({ title: ` ${x(256)} ` }),
    one({ title: ` ${x(257)} ` }),
    "embeds.0.title BASE_TYPE_MAX_LENGTH",
  ],
  [
    "embed fields 25",
    one({ fields: repeat(25, field) }),
    one({ fields: repeat(26, field) }),
    "embeds.0.fields BASE_TYPE_MAX_LENGTH",
  ],
  [
    "field name 256",
    one({ fields: [{ name: x(256), value: "v" }] }),
    one({ fields: [{ name: x(257), value: "v" }] }),
    "embeds.0.fields.0.name BASE_TYPE_MAX_LENGTH",
  ],
  [
    "field value 1024",
    one({ fields: [{ name: "n", value: x(1024) }] }),
    one({ fields: [{ name: "n", value: x(1025) }] }),
    "embeds.0.fields.0.value BASE_TYPE_MAX_LENGTH",
  ],
  [
    "field value is required",
    one({ fields: [{ name: "n", value: "v" }] }),
    one({ fields: [{ name: "n" }] }),
    "embeds.0.fields.0.value BASE_TYPE_REQUIRED",
  ],
  [
    "footer 2048",
    one({ footer: { text: x(2048) } }),
    one({ footer: { text: x(2049) } }),
    "embeds.0.footer.text BASE_TYPE_MAX_LENGTH",
  ],
  [
    "author 256",
    one({ author: { name: x(256) } }),
    one({ author: { name: x(257) } }),
    "embeds.0.author.name BASE_TYPE_MAX_LENGTH",
  ],
  ["color", one({ color: 0xffffff }), one({ color: 0x1000000 }), "embeds.0.color NUMBER_TYPE_MAX"],
  ["color 0", one({ color: 0 }), one({ color: -1 }), "embeds.0.color NUMBER_TYPE_MIN"],
  [
    "color is an integer",
    one({ color: 1 }),
    one({ color: 1.5 }),
    "embeds.0.color NUMBER_TYPE_COERCE",
  ],
  ["an embed is not empty", one({ color: 1 }), one({}), "embeds.0.description BASE_TYPE_REQUIRED"],
  [
    "embed url scheme",
    one({ url: "https://a.b" }),
    one({ url: "attachment://a.png" }),
    "embeds.0.url URL_TYPE_INVALID_SCHEME",
  ],
  [
    "embed image scheme",
    one({ image: { url: "attachment://a.png" } }),
    one({ image: { url: "ftp://a.b/c" } }),
    "embeds.0.image.url URL_TYPE_INVALID_SCHEME",
  ],
  [
    "embed url form",
    one({ url: "http://a.b" }),
    one({ url: "a.b" }),
    "embeds.0.url URL_TYPE_INVALID_URL",
  ],
  [
    "embed timestamp",
    one({ timestamp: "2026-01-02T03:04:05+02:00" }),
    one({ timestamp: "yesterday" }),
    "embeds.0.timestamp DATE_TIME_TYPE_PARSE",
  ],
  [
    "6000 over all embeds",
    { embeds: [{ description: x(4096) }, { description: x(1904) }] },
    {
      embeds: [
        { description: x(4096) },
        { description: x(1900), fields: [{ name: "n", value: x(4) }] },
      ],
    },
    "embeds MAX_EMBED_SIZE_EXCEEDED",
  ],
  [
    "allowed users 100",
    say({ allowed_mentions: { users: repeat(100, String) } }),
    say({ allowed_mentions: { users: repeat(101, String) } }),
    "allowed_mentions.users BASE_TYPE_MAX_LENGTH",
  ],
  [
    "parse and ids are exclusive",
    say({ allowed_mentions: { parse: ["everyone"], users: ["1"] } }),
    say({ allowed_mentions: { parse: ["users"], users: ["1"] } }),
    "allowed_mentions MESSAGE_ALLOWED_MENTIONS_PARSE_EXCLUSIVE",
  ],
  [
    "parse kinds",
    say({ allowed_mentions: { parse: ["roles"] } }),
    say({ allowed_mentions: { parse: ["all"] } }),
    "allowed_mentions.parse.0 BASE_TYPE_CHOICES",
  ],
  [
    "poll question 300",
    poll({ text: x(300) }),
    poll({ text: x(301) }),
    "poll.question.text BASE_TYPE_BAD_LENGTH",
  ],
  [
    "poll answers 10",
    poll({ count: 10 }),
    poll({ count: 11 }),
    "poll.answers BASE_TYPE_BAD_LENGTH",
  ],
  [
    "poll answer 55",
    poll({ answer: x(55) }),
    poll({ answer: x(56) }),
    "poll.answers.0.poll_media.text BASE_TYPE_BAD_LENGTH",
  ],
  ["poll 768 h", poll({ duration: 768 }), poll({ duration: 769 }), "poll.duration NUMBER_TYPE_MAX"],
  ["poll 1 h", poll({ duration: 1 }), poll({ duration: 0 }), "poll.duration NUMBER_TYPE_MIN"],
  ["poll answers 1", poll({ count: 1 }), poll({ count: 0 }), "poll.answers BASE_TYPE_BAD_LENGTH"],
  ["poll layout", poll({ layout: 1 }), poll({ layout: 2 }), "poll.layout_type NUMBER_TYPE_MAX"],
  [
    "a poll answer has text or emoji",
    poll({ answer: "a" }),
    poll({ answer: " " }),
    "poll.answers.0.poll_media.text BASE_TYPE_BAD_LENGTH",
  ],
  [
    "a poll's emoji has an id or a name",
    poll({ emoji: { id: "1" } }),
    poll({ emoji: { id: null } }),
    "poll.answers.0.poll_media.emoji.name BASE_TYPE_REQUIRED",
  ],
  [
    "a poll has a question",
    poll({}),
    { poll: { ...poll({}).poll, question: null } },
    "poll.question BASE_TYPE_REQUIRED",
  ],
  ["flags are a number", say({ flags: 4 }), say({ flags: "4" }), "flags NUMBER_TYPE_COERCE"],
  ["tts is a boolean", say({ tts: true }), say({ tts: "yes" }), "tts BOOLEAN_TYPE_CONVERT"],
  ["content is text", { content: "1" }, { content: 1 }, "content STRING_TYPE_CONVERT"],
  ["embeds are a list", { embeds: [embed()] }, { embeds: embed() }, "embeds LIST_TYPE_CONVERT"],
  [
    "no null in a list",
    { embeds: [embed()] },
    { embeds: [null] },
    "embeds.0 LIST_ITEM_VALUE_REQUIRED",
  ],
  ["an embed is an object", one({ title: "a" }), { embeds: ["a"] }, "embeds.0 MODEL_TYPE_CONVERT"],
]

testLimits(edges)

it.effect.each([
  ["clyde", 'Username cannot contain "clyde"'],
  ["My DisCord bot", 'Username cannot contain "discord"'],
])("rejects the name %s, for messages and webhooks", ([name, message]) =>
  Effect.gen(function* () {
    const simulator = yield* DiscordSimulator.DiscordSimulator
    const hook = yield* simulator.createWebhook()
    const sent = yield* send(hook, say({ username: name }))
    const error = { code: "USERNAME_INVALID_CONTAINS", message }
    expect(sent.body.errors).toEqual({ username: { _errors: [error] } })
    const modified = yield* modifyWebhook(hook, { name })
    expect(modified.body.errors).toEqual({ name: { _errors: [error] } })
  }).pipe(Effect.provide(DiscordSimulator.layerTestWith(withoutLimits))),
)

simulatorTest("reports all errors of a body at once", withoutLimits, (simulator) =>
  Effect.gen(function* () {
    const hook = yield* simulator.createWebhook()
    const response = yield* send(hook, {
      content: x(2001),
      embeds: [embed(), { title: x(257), fields: [{ value: x(1025) }] }],
    })
    expect(leaves(response)).toEqual([
      "content BASE_TYPE_MAX_LENGTH",
      "embeds.1.title BASE_TYPE_MAX_LENGTH",
      "embeds.1.fields.0.name BASE_TYPE_REQUIRED",
      "embeds.1.fields.0.value BASE_TYPE_MAX_LENGTH",
    ])
  }),
)

simulatorTest("an empty message is 50006", withoutLimits, (simulator) =>
  Effect.gen(function* () {
    const hook = yield* simulator.createWebhook()
    for (const body of [
      {},
      { content: "" },
      { content: " \n" },
      { content: null, embeds: [] },
      { username: "a" },
    ]) {
      const response = yield* send(hook, body)
      expect([response.status, response.body.code]).toEqual([400, 50006])
    }
  }),
)

simulatorTest("null equals absent, and unknown keys are ignored", withoutLimits, (simulator) =>
  Effect.gen(function* () {
    const hook = yield* simulator.createWebhook()
    const response = yield* send(hook, {
      content: "a",
      embeds: null,
      components: null,
      username: null,
      poll: null,
      flags: null,
      nonce: "1",
      sticker_ids: ["1"],
    })
    expect(response.status).toBe(200)
  }),
)

simulatorTest(
  "rejects a body that is not a JSON object or has another media type",
  { ...withoutLimits, maxRequestBytes: 100 },
  (simulator) =>
    Effect.gen(function* () {
      const hook = yield* simulator.createWebhook()
      const path = `/api/v10/webhooks/${hook.id}/${hook.token}?wait=true`
      const post = (body: string, contentType = "application/json") =>
        raw("POST", path, { body, headers: { "content-type": contentType } })
      const half = yield* post('{"content":')
      expect([half.status, half.body.code]).toEqual([400, 50109])
      expect(leaves(yield* post("[]"))).toEqual([" MODEL_TYPE_CONVERT"])
      expect(leaves(yield* post("{}", "text/plain"))).toEqual([" CONTENT_TYPE_INVALID"])
      const large = yield* post(JSON.stringify({ content: x(100) }))
      expect([large.status, large.body.code]).toEqual([413, 40005])
      const form = yield* post("content=ahoy&username=me", "application/x-www-form-urlencoded")
      expect(form.body.content).toBe("ahoy")
      const payload = new URLSearchParams({ payload_json: '{"content":"b"}' }).toString()
      const inForm = yield* post(payload, "application/x-www-form-urlencoded; charset=utf-8")
      expect(inForm.body.content).toBe("b")
      expect((yield* raw("POST", path)).body.code).toBe(50006)
    }),
)

simulatorTest("validates booleans and ids in the query", withoutLimits, (simulator) =>
  Effect.gen(function* () {
    const hook = yield* simulator.createWebhook()
    expect((yield* send(hook, say({}), { wait: "True" })).status).toBe(200)
    expect((yield* send(hook, say({}), { wait: "1" })).status).toBe(200)
    expect((yield* send(hook, say({}), { wait: "0" })).status).toBe(204)
    expect(leaves(yield* send(hook, say({}), { wait: "yes" }))).toEqual([
      "wait BOOLEAN_TYPE_CONVERT",
    ])
    expect(leaves(yield* send(hook, say({}), { thread_id: "a" }))).toEqual([
      "thread_id NUMBER_TYPE_COERCE",
    ])
    expect(leaves(yield* send({ id: "a", token: "b" }))).toEqual(["webhook_id NUMBER_TYPE_COERCE"])
  }),
)

simulatorTest(
  "a URL without a version gets the old error format",
  { limits: { execute: { limit: 2, period: "2 seconds" } } },
  (simulator) =>
    Effect.gen(function* () {
      const hook = yield* simulator.createWebhook()
      const path = `/api/webhooks/${hook.id}/${hook.token}`
      const post = (body: unknown) => raw("POST", path, { body: JSON.stringify(body) })
      expect((yield* post({ embeds: [{ title: x(257) }], content: x(2001) })).body).toEqual({
        content: ["Must be 2000 or fewer in length."],
        embeds: ["0"],
      })
      expect((yield* post(say({}))).status).toBe(204)
      const limited = yield* post(say({}))
      expect([limited.body.retry_after, limited.headers["retry-after"]]).toEqual([2000, "2000"])
    }),
)

function say(fields: object) {
  return { content: "ahoy", ...fields }
}

function embed() {
  return { title: "a" }
}

function one(fields: object) {
  return { embeds: [fields] }
}

function field(index: number) {
  return { name: `n${index}`, value: "v" }
}

interface PollParts {
  readonly text?: string
  readonly answer?: string
  readonly emoji?: object
  readonly count?: number
  readonly duration?: number
  readonly layout?: number
}

function poll(parts: PollParts) {
  const { text = "q", answer = "a", emoji, count = 1, duration = 24, layout = 1 } = parts
  return {
    poll: {
      question: { text },
      answers: repeat(count, () => ({ poll_media: { text: answer, emoji } })),
      duration,
      layout_type: layout,
    },
  }
}
