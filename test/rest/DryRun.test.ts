import { Socket } from "node:net"
import * as HttpBody from "@effect/platform/HttpBody"
import * as HttpClient from "@effect/platform/HttpClient"
import { it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as HashMap from "effect/HashMap"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/TestClock"
import { afterEach, describe, expect, vi } from "vitest"
import {
  Component,
  DryRun,
  FileUpload,
  InteractionWebhook,
  Poll,
  RateLimiter,
  RestConfig,
  Snowflake,
  Strategy,
  UploadLimits,
  Webhook,
} from "../../src/index.js"

const layer = Layer.mergeAll(DryRun.layer, RateLimiter.layerMemory, Strategy.layerProactive)

const token = "Qm7-wE_r4tY.u1Io9Pa-2sDf_6Gh8jKl3Zx5Cv0-BnMqAzSwXeDcRfVtGbYhNuJm"
const url = `https://discord.com/api/v10/webhooks/1234/${token}`

/** With a webhook, and what the dry run has written down. */
const dry = <A, E, R>(
  use: (hook: Webhook.Webhook, dryRun: DryRun.DryRun["Type"]) => Effect.Effect<A, E, R>,
) =>
  Effect.gen(function* () {
    const hook = yield* Webhook.make({ id: "1234", token })
    return yield* use(hook, yield* DryRun.DryRun)
  }).pipe(Effect.provide(layer))

const everyOperation = (hook: Webhook.Webhook) =>
  Effect.gen(function* () {
    const { id } = yield* Webhook.send(hook, { content: "hello" })
    yield* Webhook.send(hook, { content: "hello" }, { wait: false })
    yield* Webhook.editMessage(hook, id, { content: "bye" })
    yield* Webhook.getMessage(hook, id)
    yield* Webhook.deleteMessage(hook, id)
    yield* Webhook.get(hook)
    yield* Webhook.modify(hook, { name: "Deploys" })
    yield* Webhook.delete(hook)
  })

describe("a dry run", () => {
  afterEach(() => vi.restoreAllMocks())

  it.effect("opens no socket for any operation", () =>
    dry((hook, dryRun) =>
      Effect.gen(function* () {
        const connect = vi.spyOn(Socket.prototype, "connect")
        const fetch = vi.spyOn(globalThis, "fetch")
        yield* everyOperation(hook)
        expect(connect).not.toHaveBeenCalled()
        expect(fetch).not.toHaveBeenCalled()
        expect(yield* dryRun.count).toBe(8)
      }),
    ),
  )

  it.effect("writes down what would have been sent, in order", () =>
    dry((hook, dryRun) =>
      Effect.gen(function* () {
        const message = { content: "hello", embeds: [{ title: "x", color: "#57f287" as const }] }
        const { id } = yield* Webhook.send(hook, message, { threadId: "42" })
        yield* Webhook.deleteMessage(hook, id)
        expect(yield* dryRun.requests).toEqual([
          {
            method: "POST",
            route: "POST /webhooks/{webhook.id}/{webhook.token}",
            webhookId: "1234",
            messageId: undefined,
            query: { wait: "true", thread_id: "42" },
            json: { content: "hello", embeds: [{ title: "x", color: 0x57f287 }] },
            files: [],
          },
          {
            method: "DELETE",
            route: "DELETE /webhooks/{webhook.id}/{webhook.token}/messages/{message.id}",
            webhookId: "1234",
            messageId: id,
            query: {},
            json: undefined,
            files: [],
          },
        ])
        yield* dryRun.clear
        expect([yield* dryRun.requests, yield* dryRun.count]).toEqual([[], 0])
      }),
    ),
  )

  it.effect("keeps the initial response of each interaction", () =>
    dry(() =>
      Effect.gen(function* () {
        const [one, two] = yield* Effect.forEach(["one", "two"], (name) =>
          InteractionWebhook.make({ applicationId: "1234", token: name }),
        )
        const edited = yield* InteractionWebhook.editMessage(one!, "@original", { content: "x" })
        const read = yield* InteractionWebhook.getMessage(one!, "@original")
        expect([read.id, read.content]).toEqual([edited.id, "x"])
        expect((yield* InteractionWebhook.getMessage(two!, "@original")).content).toBe("")
        yield* InteractionWebhook.deleteMessage(one!, "@original")
        const gone = yield* Effect.flip(InteractionWebhook.getMessage(one!, "@original"))
        expect(gone._tag).toBe("WebhookMessageNotFound")
        expect(yield* InteractionWebhook.send(one!, { content: "y" })).toMatchObject({
          content: "y",
        })
      }),
    ),
  )

  it.effect("logs each request at level info", () => {
    const lines: Array<unknown> = []
    const logger = Logger.make(({ annotations, logLevel, message }) => {
      lines.push([logLevel.label, message, Object.fromEntries(HashMap.toEntries(annotations))])
    })
    return dry((hook) => Webhook.send(hook, { content: "hello" })).pipe(
      Effect.provide(Logger.replace(Logger.defaultLogger, logger)),
      Effect.map(() =>
        expect(lines).toEqual([
          [
            "INFO",
            ["Dry run: this would be sent"],
            {
              "discord.route": "POST /webhooks/{webhook.id}/{webhook.token}",
              "discord.webhook.id": "1234",
              "discord.dry_run.json": { content: "hello" },
            },
          ],
        ]),
      ),
    )
  })

  it.effect("rejects what Discord would reject, without a request", () =>
    dry((hook, dryRun) =>
      Effect.gen(function* () {
        const error = yield* Effect.flip(Webhook.send(hook, { content: "x".repeat(2001) }))
        expect(error._tag).toBe("WebhookValidationError")
        expect(yield* dryRun.count).toBe(0)
      }),
    ),
  )

  it.effect("takes a permit for every request, and none waits for its webhook", () =>
    dry((hook) =>
      Effect.gen(function* () {
        yield* Effect.forEach(
          Array.from({ length: 20 }),
          () => Webhook.send(hook, { content: "hello" }),
          { concurrency: "unbounded" },
        )
        const limiter = yield* RateLimiter.RateLimiter
        expect(yield* limiter.snapshot).toMatchObject({
          waiting: 0,
          inFlight: 0,
          strategies: { proactive: { requests: 20 } },
        })
        expect(yield* Clock.currentTimeMillis).toBe(0)
      }),
    ),
  )

  it.effect("keeps the latest thousand requests and messages", () =>
    dry((hook, dryRun) =>
      Effect.gen(function* () {
        const first = yield* Webhook.send(hook, { content: "0" })
        const client = yield* HttpClient.HttpClient
        for (let n = 1; n <= 1000; n++) {
          yield* client.post(url, { body: HttpBody.unsafeJson({ content: String(n) }) })
        }
        const requests = yield* dryRun.requests
        expect(requests.map(({ json }) => json)).toEqual(
          Array.from({ length: 1000 }, (_, n) => ({ content: String(n + 1) })),
        )
        expect(yield* dryRun.count).toBe(1001)
        expect((yield* Webhook.getMessage(hook, first.id)).content).toBe("")
      }),
    ),
  )

  it.effect("responds to webhook requests only, and shows no URL in its error", () =>
    dry(() =>
      Effect.gen(function* () {
        const error = yield* Effect.flip(HttpClient.get("https://example.com/webhooks"))
        expect(error).toMatchObject({ _tag: "RequestError", reason: "Transport" })
      }),
    ),
  )
})

describe("the fake response", () => {
  it.effect("to a send is the message, under an id of this moment and no other", () =>
    dry((hook) =>
      Effect.gen(function* () {
        const now = Date.parse("2026-01-31T12:00:00Z")
        yield* TestClock.setTime(now)
        const one = yield* Webhook.send(hook, { content: "one", username: "Ada" })
        const two = yield* Webhook.send(hook, { content: "two" }, { threadId: "42" })
        expect(one).toMatchObject({
          content: "one",
          author: { id: "1234", username: "Ada" },
          webhookId: "1234",
          channelId: "1234",
        })
        expect(two).toMatchObject({ channelId: "42", author: { username: "Dry run" } })
        expect(Snowflake.timestamp(one.id).epochMillis).toBe(now)
        expect(Snowflake.Order(one.id, two.id)).toBe(-1)
      }),
    ),
  )

  it.effect("to every kind of message can be read", () =>
    dry((hook) =>
      Effect.gen(function* () {
        const poll = Poll.make("Lunch?", ["Pizza", "Salad"], { duration: 4 })
        const asked = yield* Webhook.send(hook, { poll })
        expect(asked.poll).toMatchObject({
          question: { text: "Lunch?" },
          answers: [{ answerId: 1 }, { answerId: 2 }],
          expiry: { epochMillis: 4 * 3_600_000 },
        })
        const shown = yield* Webhook.send(hook, { components: [Component.text("hi")] })
        expect([shown.components.length, shown.flags]).toEqual([1, 32768])
      }),
    ),
  )

  it.effect("to a forum post is in the thread that it starts", () =>
    dry((hook) =>
      Effect.gen(function* () {
        const { message, threadId } = yield* Webhook.createThread(
          hook,
          { name: "news" },
          { content: "x" },
        )
        expect([message.channelId, threadId]).toEqual([message.id, message.id])
        const reply = yield* Webhook.sendToThread(hook, threadId, { content: "y" })
        expect(reply.channelId).toBe(threadId)
      }),
    ),
  )

  it.effect("to what Slack's and GitHub's programs send is theirs", () =>
    dry((hook, dryRun) =>
      Effect.gen(function* () {
        const sender = {
          id: 1,
          login: "ada",
          html_url: "https://example.com/ada",
          avatar_url: "https://example.com/ada.png",
        }
        yield* Webhook.sendSlack(hook, { text: "hello" })
        yield* Webhook.sendSlack(hook, { text: "hello" }, { wait: false })
        yield* Webhook.sendGitHub(hook, "push", { sender })
        expect((yield* dryRun.requests).map(({ json, route }) => [route, json])).toMatchObject([
          ["POST /webhooks/{webhook.id}/{webhook.token}/slack", { text: "hello" }],
          ["POST /webhooks/{webhook.id}/{webhook.token}/slack", { text: "hello" }],
          ["POST /webhooks/{webhook.id}/{webhook.token}/github", { sender: { login: "ada" } }],
        ])
      }),
    ),
  )

  it.effect("has the files that were sent, and what an edit keeps of them", () =>
    dry((hook) =>
      Effect.gen(function* () {
        const sent = yield* Webhook.send(hook, {
          content: "see files",
          files: [
            FileUpload.fromText("a.txt", "hello", { description: "a greeting" }),
            FileUpload.fromBytes("chart.png", new Uint8Array(1000)),
          ],
        })
        expect(sent.attachments).toMatchObject([
          {
            filename: "a.txt",
            size: 5,
            contentType: expect.stringContaining("text/plain") as string,
            description: "a greeting",
          },
          { filename: "chart.png", size: 1000, contentType: "image/png" },
        ])
        const [first] = sent.attachments
        const edited = yield* Webhook.editMessage(hook, sent.id, {
          files: [first!, FileUpload.fromText("b.txt", "bye")],
        })
        expect(edited.attachments.map(({ filename }) => filename)).toEqual(["a.txt", "b.txt"])
        const emptied = yield* Webhook.editMessage(hook, sent.id, { files: [] })
        expect(emptied.attachments).toEqual([])
      }),
    ),
  )

  it.effect("remembers edits, and what was deleted", () =>
    dry((hook) =>
      Effect.gen(function* () {
        const { id } = yield* Webhook.send(hook, { content: "hello", embeds: [{ title: "x" }] })
        const edited = yield* Webhook.editMessage(hook, id, { content: null })
        expect([edited.content, edited.embeds.length]).toEqual(["", 1])
        expect(edited.editedTimestamp).toBeDefined()
        expect(yield* Webhook.getMessage(hook, id)).toEqual(edited)
        yield* Webhook.deleteMessage(hook, id)
        const errors = yield* Effect.all([
          Effect.flip(Webhook.getMessage(hook, id)),
          Effect.flip(Webhook.editMessage(hook, id, { content: "x" })),
          Effect.flip(Webhook.deleteMessage(hook, id)),
        ])
        expect(errors.map(({ _tag }) => _tag)).toEqual(Array(3).fill("WebhookMessageNotFound"))
      }),
    ),
  )

  it.effect("takes a message of an earlier run for one that is there", () =>
    dry((hook) =>
      Effect.gen(function* () {
        const edited = yield* Webhook.editMessage(hook, "98765", { content: "still here" })
        expect(edited).toMatchObject({ id: "98765", content: "still here" })
        yield* Webhook.deleteMessage(hook, "98766")
      }),
    ),
  )

  it.effect("contains the webhook, also after its deletion", () =>
    dry((hook) =>
      Effect.gen(function* () {
        expect(yield* Webhook.get(hook)).toMatchObject({ id: "1234", name: "Dry run" })
        yield* Webhook.modify(hook, { name: "Deploys" })
        expect((yield* Webhook.get(hook)).name).toBe("Deploys")
        yield* Webhook.delete(hook)
        const message = yield* Webhook.send(hook, { content: "x" })
        expect(message.author.username).toBe("Deploys")
      }),
    ),
  )
})

describe("a body of several parts", () => {
  const text = (value: string) => new TextEncoder().encode(value)
  const part = (headers: string, content: string) =>
    `--b0undary\r\nContent-Disposition: form-data; ${headers}\r\n\r\n${content}\r\n`
  const form = [
    part('name="payload_json"\r\nContent-Type: application/json', '{"content":"see files"}'),
    part('name="files[0]"; filename="a.json"\r\nContent-Type: application/json', '{"a":1}'),
    part('name="files[1]"; filename="größe.bin"\r\nContent-Type: image/png', "x".repeat(70_000)),
    part('name="files[2]"; filename="empty.txt"\r\nContent-Type: text/plain', ""),
    "--b0undary--\r\n",
  ].join("")
  const contentType = "multipart/form-data; boundary=b0undary"

  /** In pieces that respect no part. */
  const pieces = (bytes: Uint8Array) =>
    Stream.fromIterable(
      Array.from({ length: Math.ceil(bytes.length / 999) }, (_, n) =>
        bytes.slice(n * 999, (n + 1) * 999),
      ),
    )

  const post = (body: HttpBody.HttpBody) =>
    Effect.flatMap(HttpClient.HttpClient, (client) => client.post(`${url}?wait=true`, { body }))

  it.effect.each([
    ["bytes", HttpBody.uint8Array(text(form), contentType)],
    ["a stream", HttpBody.stream(pieces(text(form)), contentType)],
  ] as const)("as %s is listed by name, type and size, and echoed", ([, body]) =>
    dry((_, dryRun) =>
      Effect.gen(function* () {
        const response = yield* post(body)
        const [request] = yield* dryRun.requests
        expect(request).toMatchObject({
          json: { content: "see files" },
          files: [
            { key: "files[0]", name: "a.json", contentType: "application/json", size: 7 },
            { key: "files[1]", name: "größe.bin", contentType: "image/png", size: 70_000 },
            { key: "files[2]", name: "empty.txt", contentType: "text/plain", size: 0 },
          ],
        })
        expect(yield* response.json).toMatchObject({
          content: "see files",
          attachments: [{ filename: "a.json", size: 7 }, { size: 70_000 }, { size: 0 }],
        })
      }),
    ),
  )

  it.effect("of real files is read as it would be sent, streams included", () =>
    dry((hook, dryRun) =>
      Effect.gen(function* () {
        const piece = new Uint8Array(64 * 1024)
        const stream = Stream.range(1, 160).pipe(Stream.as(piece), Stream.rechunk(1))
        const files = [
          FileUpload.fromStream("dump.bin", { size: 160 * piece.length, stream }),
          FileUpload.fromText("größe 1.json", "{}"),
        ]
        yield* Webhook.send(hook, { content: "x", files }).pipe(
          RestConfig.withOptions({ uploads: UploadLimits.presets.discord }),
        )
        const [request] = yield* dryRun.requests
        expect(request?.files).toMatchObject([
          { key: "files[0]", name: "dump.bin", size: 10 * 1024 * 1024 },
          { key: "files[1]", name: files[1]?.name, size: 2 },
        ])
        const failing = FileUpload.fromStream("bad.bin", { size: 10, stream: Stream.fail("EIO") })
        const error = yield* Effect.flip(Webhook.send(hook, { content: "x", files: [failing] }))
        expect(error._tag).toBe("WebhookFileError")
        expect(yield* dryRun.count).toBe(1)
      }),
    ),
  )

  it.effect.each([
    ["whose source fails", Stream.concat(pieces(text(form.slice(0, 9000))), Stream.fail("EIO"))],
    ["that breaks off in a file", pieces(text(form.slice(0, 9000)))],
    ["that breaks off between files", pieces(text(form.replace("--b0undary--\r\n", "")))],
    ["that is no form", pieces(text("hello--"))],
  ] as const)("%s fails, and is not written down", ([, stream]) =>
    dry((_, dryRun) =>
      Effect.gen(function* () {
        const error = yield* Effect.flip(post(HttpBody.stream(stream, contentType)))
        expect(error).toMatchObject({ _tag: "RequestError", reason: "Encode" })
        expect(yield* dryRun.count).toBe(0)
      }),
    ),
  )
})
