/** The usual mistakes of code that no compiler checks: each is named, with the way out, and nothing is sent. */
import { it } from "@effect/vitest"
import * as HttpClient from "@effect/platform/HttpClient"
import * as Cause from "effect/Cause"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import { describe, expect } from "vitest"
import { FileUpload, InteractionWebhook, RateLimiter, Strategy, Webhook } from "../../src/index.js"

const secret = "abcdefghijklmnopqrstuvwxyz-ABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789-abcd"
const url = `https://discord.com/api/webhooks/1234/${secret}`
const hook = Effect.runSync(Webhook.fromUrl(url))
const message = { content: "x" }
const bytes = new Uint8Array([1])

/** Without types, as JavaScript has it. */
// oxlint-disable-next-line typescript/no-explicit-any
type Untyped = any
const { broadcast, createThread, deleteMessage, editMessage, fromUrl, get, getMessage, make } =
  Webhook as Untyped
const { modify, send, sendGitHub, sendSlack, sendToThread } = Webhook as Untyped
const { fromBlob, fromBytes, fromPath, fromStream, fromText } = FileUpload as Untyped
const { editMessage: editResponse, send: followUp } = InteractionWebhook as Untyped
const removeWebhook = (Webhook as Untyped).delete

/** What a program sees of a call, and how many requests it made. */
const messageOf = (call: () => Untyped) =>
  Effect.gen(function* () {
    let requests = 0
    const client = HttpClient.make(() => {
      requests += 1
      return Effect.dieMessage("a request was sent")
    })
    const exit = yield* Effect.exit(
      (call() as Webhook.Operation<unknown>).pipe(
        Effect.provide(
          Layer.mergeAll(
            Layer.succeed(HttpClient.HttpClient, client),
            RateLimiter.layerMemory,
            Strategy.layerReactive,
          ),
        ),
      ),
    )
    expect(requests).toBe(0)
    const text = Exit.isFailure(exit) ? Cause.pretty(exit.cause) : "it succeeded"
    expect(text).not.toContain(secret)
    return text
  })

/** Which function was called, and with which webhook, if it was one. */
const namesItself = /^\w+: (?:Interaction)?Webhook\.\w+(?: \(webhook \d+\))?: /
const needsHook = /webhook: expected a Webhook, got /
const fromUrlHelps = /a URL or another text: make a Webhook of the URL with Webhook\.fromUrl/
const option = /threadId: is an option and not a field of the message: pass \{ threadId \} after/
const needsInteraction = /expected an InteractionWebhook: make one with InteractionWebhook\.make/
const idAlone = /messageId: must be a snowflake: the digits of a Discord id; pass the id alone/

describe("an operation names what is wrong with", () => {
  const calls: ReadonlyArray<readonly [string, () => Untyped, RegExp]> = [
    ["a URL in place of the webhook", () => send(url, message), fromUrlHelps],
    ["a URL object", () => send(new URL(url), message), fromUrlHelps],
    ["a redacted URL", () => get(Redacted.make(url)), fromUrlHelps],
    ["a URL to read", () => getMessage(url, "1"), fromUrlHelps],
    ["a URL to edit", () => editMessage(url, "1", message), fromUrlHelps],
    ["a URL to delete a message", () => deleteMessage(url, "1"), fromUrlHelps],
    ["a URL to delete", () => removeWebhook(url), fromUrlHelps],
    ["a URL to modify", () => modify(url, { name: "x" }), fromUrlHelps],
    ["a URL for Slack", () => sendSlack(url, { text: "x" }), fromUrlHelps],
    ["a URL for GitHub", () => sendGitHub(url, "push", { sender: { login: "a" } }), fromUrlHelps],
    ["a URL to a thread", () => sendToThread(url, "1", message), fromUrlHelps],
    ["a URL to start a thread", () => createThread(url, { name: "x" }, message), fromUrlHelps],
    ["no webhook", () => send(undefined, message), /got undefined: make one with Webhook\.config/],
    ["nothing at all", () => send(), needsHook],
    ["an Effect", () => send(Webhook.fromUrl(url), message), /got an Effect or a Promise: run it/],
    ["a Config", () => send(Webhook.config("X"), message), /got an Effect or a Promise: run it/],
    ["id and token", () => send({ id: "1", token: "a" }, message), /Webhook\.make\(\{ id, token/],
    ["many webhooks", () => send([hook], message), /Webhook\.broadcast sends to many/],
    ["threadId in the message", () => send(hook, { ...message, threadId: "1" }), option],
    ["thread_id in the message", () => send(hook, { ...message, thread_id: "1" }), /is an option/],
    ["threadId in an edit", () => editMessage(hook, "1", { ...message, threadId: "1" }), option],
    [
      "wait in the message",
      () => send(hook, { ...message, wait: false }),
      /\{ wait: false \} after/,
    ],
    ["a text as the message", () => send(hook, "x"), /such as \{ content: "hello" \}/],
    ["text in place of content", () => send(hook, { text: "x" }), /did you mean content\?/],
    ["a name as colour", () => send(hook, embed({ color: "red" })), /such as "#5865f2", got "red"/],
    ["a colour without #", () => send(hook, embed({ color: "ff0000" })), /such as "#5865f2", got/],
    [
      "an invalid Date",
      () => send(hook, embed({ timestamp: new Date(NaN) })),
      /a valid Date \(new/,
    ],
    [
      "a footer of text",
      () => send(hook, embed({ footer: "x" })),
      /footer: expected an object with text/,
    ],
    [
      "an image of text",
      () => send(hook, embed({ image: "https://a.example/b.png" })),
      /image: expected an object with url/,
    ],
    ["a Map", () => send(hook, { content: new Map() }), /content: expected a string, got a Map/],
    [
      "bytes as a file",
      () => send(hook, { files: [bytes] }),
      /files\[0\].*FileUpload\.fromBytes\(name/,
    ],
    [
      "a Buffer as a file",
      () => send(hook, { files: [Buffer.from("x")] }),
      /FileUpload\.fromBytes\(name/,
    ],
    ["an ArrayBuffer", () => send(hook, { files: [bytes.buffer] }), /new Uint8Array\(buffer\)/],
    [
      "a path as a file",
      () => send(hook, { files: ["a.png"] }),
      /FileUpload\.fromPath\(path\) opens/,
    ],
    ["a Blob as a file", () => send(hook, { files: [new Blob([])] }), /FileUpload\.fromBlob\(name/],
    [
      "an Effect as a file",
      () => send(hook, { files: [FileUpload.fromPath("a")] }),
      /yield\* FileUpload/,
    ],
    [
      "a Stream as a file",
      () => send(hook, { files: [Stream.make(bytes)] }),
      /FileUpload\.fromStream/,
    ],
    [
      "a file of discord.js",
      () => send(hook, { files: [{ attachment: "a.png" }] }),
      /discord\.js: use/,
    ],
    [
      "bytes in place of the list",
      () => send(hook, { files: bytes }),
      /array of FileUpload, got bytes/,
    ],
    [
      "a single file",
      () => send(hook, { files: FileUpload.fromText("a", "") }),
      /put it into an array/,
    ],
    ["no message id", () => deleteMessage(hook, undefined), /messageId: must be a snowflake/],
    ["a number as id", () => getMessage(hook, 1234), /as a string: a number cannot hold/],
    ["a list as id", () => getMessage(hook, ["1"]), /messageId: must be a snowflake/],
    ["a message in place of its id", () => editMessage(hook, { id: "1" }, message), idAlone],
    [
      "options that are a thread's id",
      () => send(hook, message, "1"),
      /options: expected an object/,
    ],
    [
      "an option that is misspelt",
      () => send(hook, message, { thread_id: "1" }),
      /did you mean threadId\?/,
    ],
    [
      "an option that is not known",
      () => send(hook, message, { nonce: 1 }),
      /options\.nonce: is not a known/,
    ],
    [
      "a thread's name in place of the thread",
      () => createThread(hook, "x", message),
      /an object with name/,
    ],
    ["a Webhook in place of an interaction", () => followUp(hook, message), needsInteraction],
    ["no interaction", () => followUp(undefined, message), needsInteraction],
    [
      "id and token of an interaction",
      () => editResponse({ applicationId: "1", token: "a" }, "@original", message),
      needsInteraction,
    ],
    ["no webhooks, but one", () => broadcast(hook, message), /expected an array of Webhook/],
    ["a URL to broadcast to", () => broadcast(url, message), /expected an array of Webhook/],
  ]

  it.effect.each(calls)("%s", ([, call, expected]) =>
    Effect.gen(function* () {
      const text = yield* messageOf(call)
      expect(text).toMatch(expected)
      expect(text).toMatch(
        expected.source.includes("array of Webhook") ? /Webhook\.broadcast: / : namesItself,
      )
    }),
  )

  it.effect("every webhook that is none, beside those that are", () =>
    Effect.gen(function* () {
      const { results } = yield* (broadcast([url], message) as typeof none).pipe(
        Effect.provide(Strategy.layerReactive),
        Effect.provide(RateLimiter.layerMemory),
        Effect.provideService(
          HttpClient.HttpClient,
          HttpClient.make(() => Effect.never),
        ),
      )
      expect(String(results[0]?.exit)).toMatch(fromUrlHelps)
    }),
  )
})

describe("an operation throws nothing at its caller", () => {
  const boom = new Error("boom")
  const fail = () => {
    throw boom
  }
  const hostile = new Proxy({}, { get: fail, has: fail, ownKeys: fail, getPrototypeOf: fail })
  it.effect.each([
    ["send", () => send(hook, hostile)],
    ["send, for its options", () => send(hook, message, hostile)],
    ["send, for its webhook", () => send(hostile, message)],
    ["sendToThread", () => sendToThread(hook, "1", hostile)],
    ["sendToThread, for the thread", () => sendToThread(hook, hostile, message)],
    ["createThread", () => createThread(hook, hostile, message)],
    ["createThread, for its message", () => createThread(hook, { name: "x" }, hostile)],
    ["getMessage", () => getMessage(hook, "1", hostile)],
    ["editMessage", () => editMessage(hook, "1", hostile)],
    ["deleteMessage", () => deleteMessage(hook, "1", hostile)],
    ["sendSlack", () => sendSlack(hook, hostile)],
    ["sendGitHub", () => sendGitHub(hook, "push", hostile)],
    ["get", () => get(hostile)],
    ["modify", () => modify(hook, hostile)],
    ["delete", () => removeWebhook(hostile)],
    ["broadcast", () => broadcast([hook], message, hostile)],
    ["broadcast, for its webhooks", () => broadcast(hostile, message)],
    ["make", () => make(hostile)],
    ["a follow-up", () => followUp(hostile, message)],
    ["an edit of a response", () => editResponse(hostile, "@original", message)],
    ["fromUrl", () => fromUrl(hostile)],
  ] as ReadonlyArray<readonly [string, () => Untyped]>)("%s", ([, call]) =>
    Effect.gen(function* () {
      expect(call).not.toThrow()
      expect(yield* messageOf(call)).not.toBe("it succeeded")
    }),
  )
})

const none = Webhook.broadcast([], message)

function embed(fields: object): object {
  return { embeds: [{ title: "x", ...fields }] }
}

describe("what makes a webhook names what is wrong with", () => {
  const copy = /Edit Channel, Integrations, Webhooks, Copy Webhook URL/
  const baseUrl = /RestConfig\.baseUrl \(with layerEnv: DISCORD_CLIENT_BASE_URL/
  it.effect.each([
    ["no URL", () => fromUrl(undefined), /there is no text/],
    ["no URL, and where there is one", () => fromUrl(undefined), copy],
    ["an empty text", () => fromUrl(" "), copy],
    ["what is no text", () => fromUrl(Object.create(null)), /is not a valid URL/],
    ["a URL without a scheme", () => fromUrl("discord.com/api/webhooks/1/a"), /begins with https:/],
    ["an unset placeholder", () => fromUrl("${DISCORD_WEBHOOK_URL}"), copy],
    ["a server of one's own", () => fromUrl("http://localhost:3000/api/webhooks/1/a"), baseUrl],
    ["another host", () => fromUrl("https://example.com/api/webhooks/1/a"), baseUrl],
    ["id and token side by side", () => make("1", "a"), /Webhook\.make takes \{ id, token \}/],
    ["a URL in place of its parts", () => make(url), /Webhook\.fromUrl takes the whole URL/],
    ["a number as id", () => make({ id: 1, token: "a" }), /a string of digits/],
    ["no token", () => make({ id: "1" }), /the token is missing/],
  ] as ReadonlyArray<readonly [string, () => Untyped, RegExp]>)("%s", ([, call, expected]) =>
    Effect.gen(function* () {
      expect(yield* messageOf(call)).toMatch(expected)
    }),
  )

  const configured = (entries: ReadonlyArray<readonly [string, string]>) =>
    messageOf(() =>
      Webhook.config("HOOK").pipe(
        Effect.withConfigProvider(ConfigProvider.fromMap(new Map(entries))),
      ),
    )

  it.effect("a variable that is not set", () =>
    Effect.gen(function* () {
      const text = yield* configured([])
      expect(text).toMatch(/Missing data at HOOK: "it is not set\. Set it to the URL of a webhook/)
      expect(text).toMatch(copy)
      expect(text).toContain("node --env-file=.env")
      expect(text).not.toContain("<redacted>")
    }),
  )

  it.effect("a variable that is empty", () =>
    Effect.gen(function* () {
      expect(yield* configured([["HOOK", ""]])).toMatch(copy)
    }),
  )

  it.effect("a variable with another host", () =>
    Effect.gen(function* () {
      expect(yield* configured([["HOOK", `http://localhost/api/webhooks/1/${secret}`]])).toMatch(
        baseUrl,
      )
    }),
  )
})

it.effect(
  "a variable that is not set is missing data, which an option or a default may replace",
  () =>
    Effect.gen(function* () {
      const nothing = ConfigProvider.fromMap(new Map<string, string>())
      const optional = yield* Effect.option(
        Effect.withConfigProvider(Webhook.config("HOOK"), nothing),
      )
      expect(optional._tag).toBe("None")
    }),
)

describe("what makes a file throws at the place of the mistake", () => {
  it.effect.each([
    ["a text for bytes", () => fromBytes("a.txt", "text"), /bytes in a Uint8Array, got a string/],
    ["arguments the wrong way round", () => fromBytes(bytes, "a.txt"), /expected bytes in a Uint8/],
    [
      "bytes without a name",
      () => fromBytes(bytes),
      /expected bytes in a Uint8Array, got undefined/,
    ],
    ["no name", () => fromBytes(undefined, bytes), /the name of a file: expected a string/],
    ["a text without a name", () => fromText("hello"), /expected a text, got undefined/],
    [
      "bytes for a text",
      () => fromText("a.txt", bytes),
      /use FileUpload\.fromBytes\(name, bytes\)/,
    ],
    ["bytes for a Blob", () => fromBlob("a.txt", bytes), /expected a Blob, got bytes/],
    ["bytes for a Stream", () => fromStream("a.txt", { size: 1, stream: bytes }), /got bytes/],
    ["no Stream", () => fromStream("a.txt", { size: 1 }), /expected a Stream of effect, got undef/],
    ["a Stream without its size", () => fromStream("a.txt"), /expected a Stream of effect/],
  ] as ReadonlyArray<readonly [string, () => Untyped, RegExp]>)("%s", ([, call, expected]) =>
    Effect.sync(() => {
      expect(call).toThrow(TypeError)
      expect(call).toThrow(expected)
    }),
  )

  it.effect("bytes for a path, inside of the Effect", () =>
    Effect.gen(function* () {
      expect(yield* messageOf(() => fromPath(bytes))).toMatch(
        /expected a path, got bytes: use FileUpl/,
      )
    }),
  )
})
