/** Files as Discord stores and shows them, over any transport. */
import { expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import * as Stream from "effect/Stream"
import { Component, FileUpload, Message, MessageFlags, Webhook } from "../../src/index.js"
import { DiscordSimulator, Fault } from "../../src/testing/index.js"
import type { Transport, TestEnvironment } from "./environment.js"

interface Harness {
  readonly discord: DiscordSimulator.Service
  readonly webhook: DiscordSimulator.SimulatedWebhook
  readonly hook: Webhook.Webhook
}

const png = Uint8Array.from(
  atob(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4nGNgYGBgAAAABQABpfZFQAAAAABJRU5ErkJggg==",
  ),
  (byte) => byte.charCodeAt(0),
)

export function files(transport: Transport): void {
  const story = <E>(
    name: string,
    test: (harness: Harness) => Effect.Effect<void, E, TestEnvironment>,
  ): void =>
    it.live(name, () =>
      Effect.gen(function* () {
        const discord = yield* DiscordSimulator.DiscordSimulator
        const webhook = yield* discord.createWebhook()
        const hook = yield* Webhook.fromUrl(webhook.url)
        yield* test({ discord, webhook, hook })
      }).pipe(Effect.provide([transport({}), Logger.remove(Logger.defaultLogger)])),
    )

  const named = ({ attachments }: { readonly attachments: ReadonlyArray<{ filename: string }> }) =>
    attachments.map(({ filename }) => filename)

  story("files are stored with their metadata", ({ discord, hook, webhook }) =>
    Effect.gen(function* () {
      const message = yield* Webhook.send(hook, {
        content: "Built",
        files: [
          FileUpload.fromBytes("chart of May.png", png, { description: "Load, rising" }),
          FileUpload.fromStream("build.log", {
            size: 12,
            stream: Stream.make("42 tests", "pass").pipe(Stream.encodeText),
            isSpoiler: true,
          }),
        ],
      })
      expect(message.attachments).toMatchObject([
        { filename: "chart_of_May.png", contentType: "image/png", description: "Load, rising" },
        { filename: "build.log", size: 12 },
      ])
      const stored = yield* discord.files(webhook)
      expect(stored.map(({ bytes }) => Buffer.from(bytes))).toEqual([
        Buffer.from(png),
        Buffer.from("42 testspass"),
      ])
    }),
  )

  story("a message of files alone is stored without waiting, too", ({ discord, hook, webhook }) =>
    Effect.gen(function* () {
      const file = FileUpload.fromText("a.txt", "hello")
      const nothing = yield* Webhook.send(hook, { files: [file] }, { wait: false })
      expect(nothing).toBeUndefined()
      expect(yield* discord.files(webhook)).toMatchObject([{ filename: "a.txt" }])
    }),
  )

  story("an embed and a component show the file that goes with them", ({ hook }) =>
    Effect.gen(function* () {
      const chart = FileUpload.fromBytes("load (today).png", png)
      const url = FileUpload.attachmentUrl(chart)
      const embedded = yield* Webhook.send(hook, {
        embeds: [{ title: "Load", image: { url } }],
        files: [chart],
      })
      expect(embedded.embeds[0]?.image?.url).toMatch(/^https?:.*\/load_today\.png/)
      const laidOut = yield* Webhook.send(hook, {
        components: [Component.file(url)],
        files: [chart],
      })
      expect(MessageFlags.has(laidOut.flags, MessageFlags.Flag.IsComponentsV2)).toBe(true)
    }),
  )

  story("an edit keeps, removes, replaces, reorders and adds files", ({ hook }) =>
    Effect.gen(function* () {
      const text = (name: string) => FileUpload.fromText(name, `this is ${name}`)
      const before = yield* Webhook.send(hook, { files: ["a", "b", "c"].map(text) })
      const edited = (all: Webhook.EditInput["files"], content?: string) =>
        Webhook.editMessage(hook, before.id, { files: all, content })
      const [a, b, c] = before.attachments
      if (a === undefined || b === undefined || c === undefined) throw new Error("not all arrived")

      expect(named(yield* edited(undefined, "text alone"))).toEqual(["a", "b", "c"])
      expect(named(yield* edited([c, a, b]))).toEqual(["c", "a", "b"])
      expect(named(yield* edited([c, text("new"), b]))).toEqual(["c", "new", "b"])
      const described = yield* edited([{ id: b.id, description: "The second" }, text("d")])
      expect(named(described)).toEqual(["b", "d"])
      expect(described.attachments[0]).toMatchObject({ id: b.id, description: "The second" })
      expect(described.attachments[1]?.description).toBeUndefined()
      expect(named(yield* edited([], "no file is left"))).toEqual([])
    }),
  )

  story(
    "an edit of all files keeps the picture that an embed shows",
    ({ discord, hook, webhook }) =>
      Effect.gen(function* () {
        const chart = FileUpload.fromBytes("chart.png", png)
        const image = { url: FileUpload.attachmentUrl(chart) }
        const log = FileUpload.fromText("build.log", "done")
        const before = yield* Webhook.send(hook, { embeds: [{ image }], files: [chart, log] })
        expect(named(before)).toEqual(["build.log"])
        const kept = Message.files(before)
        expect(kept.map(({ filename }) => filename)).toEqual(["build.log", "chart.png"])
        const added = FileUpload.fromText("more.log", "more")
        const after = yield* Webhook.editMessage(hook, before.id, { files: [...kept, added] })
        expect(named(after)).toEqual(["build.log", "more.log"])
        expect(after.embeds[0]?.image?.url).toBe(before.embeds[0]?.image?.url)
        const stored = (yield* discord.files(webhook)).map(({ filename }) => filename)
        expect(stored.sort()).toEqual(["build.log", "chart.png", "more.log"])
      }),
  )

  story("a limit on the rate repeats the upload, whole", ({ discord, hook, webhook }) =>
    Effect.gen(function* () {
      yield* discord.inject(
        Fault.respond({
          status: 429,
          headers: { "retry-after": "0.05" },
          body: { message: "slow", retry_after: 0.05, global: false },
        }),
      )
      let opened = 0
      const stream = Stream.suspend(() => {
        opened += 1
        return Stream.make(new Uint8Array(70_000))
      })
      const file = FileUpload.fromStream("a.bin", { size: 70_000, stream })
      yield* Webhook.send(hook, { files: [file] })
      expect(opened).toBe(2)
      const stored = yield* discord.files(webhook)
      expect(stored.map(({ bytes }) => bytes.length)).toEqual([70_000])
    }),
  )

  story("a wrong file lets the next message pass", ({ discord, hook, webhook }) =>
    Effect.gen(function* () {
      const file = FileUpload.fromStream("a.bin", { size: 9, stream: Stream.fail("torn") })
      const [error] = yield* Effect.all(
        [Effect.flip(Webhook.send(hook, { files: [file] })), Webhook.send(hook, { content: "x" })],
        { concurrency: "unbounded" },
      )
      expect(error).toMatchObject({
        _tag: "WebhookFileError",
        reason: "unreadable",
        delivered: "no",
      })
      expect(yield* discord.messages(webhook)).toMatchObject([{ content: "x" }])
    }),
  )
}
