/** The metadata of files in requests: the whole list, in order, with matching numbers. */
import { it } from "@effect/vitest"
import * as HttpClient from "@effect/platform/HttpClient"
import * as HttpClientResponse from "@effect/platform/HttpClientResponse"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import { readFileSync } from "node:fs"
import { describe, expect } from "vitest"
import {
  FileUpload,
  Message,
  MessageFlags,
  RateLimiter,
  Strategy,
  Webhook,
} from "../../src/index.js"
import { readForm } from "../rest/upload/wire.js"

const answer = readFileSync(new URL("../golden/responses/message.json", import.meta.url), "utf8")

interface Sent {
  readonly url: string
  readonly type: string
  readonly json: unknown
  readonly files: ReadonlyArray<readonly [field: string, name: string, text: string]>
}

/** Sends, and returns the requests. */
const sent = (act: (hook: Webhook.Webhook) => Webhook.Operation<unknown>, status = 200) =>
  Effect.gen(function* () {
    const requests: Array<Sent> = []
    const client = HttpClient.make((request, url) =>
      Effect.gen(function* () {
        const { body } = request
        const form = yield* readForm(body)
        requests.push({
          url: url.search,
          type: body.contentType?.split(";")[0] ?? "",
          json: JSON.parse(form.fields["payload_json"] ?? ""),
          files: form.files.map((file) => [file.field, file.name, file.bytes.toString()]),
        })
        const response = new Response(status === 204 ? null : answer, { status })
        return HttpClientResponse.fromWeb(request, response)
      }),
    )
    const hook = yield* Webhook.make({ id: "42", token: "token" })
    const result = yield* act(hook).pipe(
      Effect.either,
      Effect.map((either) => (either._tag === "Left" ? either.left : either.right)),
      Effect.provide(
        Layer.mergeAll(
          Layer.succeed(HttpClient.HttpClient, client),
          RateLimiter.layerMemory,
          Strategy.layerReactive,
        ),
      ),
    )
    return { requests, result }
  })

const chart = FileUpload.fromText("chart of May.svg", "<svg/>", {
  description: "Load, rising",
  title: "Load",
  isSpoiler: true,
})
const log = FileUpload.fromText("build.log", "ok")

describe("sending", () => {
  it.effect("names every file, with its metadata", () =>
    Effect.gen(function* () {
      const { requests } = yield* sent((hook) =>
        Webhook.send(hook, { content: "Built", files: [chart, log] }, { threadId: "7" }),
      )
      expect(requests).toEqual([
        {
          url: "?wait=true&thread_id=7",
          type: "multipart/form-data",
          json: {
            content: "Built",
            attachments: [
              {
                id: "0",
                filename: "chart_of_May.svg",
                title: "Load",
                description: "Load, rising",
                is_spoiler: true,
              },
              { id: "1", filename: "build.log" },
            ],
          },
          files: [
            ["files[0]", "chart_of_May.svg", "<svg/>"],
            ["files[1]", "build.log", "ok"],
          ],
        },
      ])
    }),
  )

  it.effect("takes a message of nothing but files", () =>
    Effect.gen(function* () {
      const { requests } = yield* sent((hook) => Webhook.send(hook, { files: [log] }))
      expect(requests).toHaveLength(1)
    }),
  )

  it.effect("without waiting accepts a response with or without a body", () =>
    Effect.gen(function* () {
      for (const status of [200, 204]) {
        const { requests, result } = yield* sent(
          (hook) => Webhook.send(hook, { files: [log] }, { wait: false }),
          status,
        )
        expect(requests[0]?.url).toBe("")
        expect(result).toBeUndefined()
      }
    }),
  )

  it.effect.each([[[]], [undefined]])("with files %j is sending without files", ([files]) =>
    Effect.gen(function* () {
      const { requests } = yield* sent((hook) => Webhook.send(hook, { content: "x", files }))
      expect(requests).toMatchObject([{ type: "application/json", json: { content: "x" } }])
      expect(requests[0]?.json).toEqual({ content: "x" })
    }),
  )

  it.effect("an empty message without files is rejected", () =>
    Effect.gen(function* () {
      const { requests, result } = yield* sent((hook) => Webhook.send(hook, { files: [] }))
      expect(result).toMatchObject({
        _tag: "WebhookValidationError",
        issues: [{ path: "", message: expect.stringContaining("files or a poll") }],
      })
      expect(requests).toEqual([])
    }),
  )

  it.effect("a received message of nothing but files states how to send them", () =>
    Effect.gen(function* () {
      const received = Schema.decodeUnknownSync(Message.Message)({
        ...(JSON.parse(answer) as object),
        content: "",
        embeds: [],
        components: [],
        flags: MessageFlags.Flag.IsVoiceMessage,
        attachments: [{ id: "900", filename: "voice.ogg" }],
      })
      const { result } = yield* sent((hook) => Webhook.send(hook, received))
      expect(result).toMatchObject({
        _tag: "WebhookValidationError",
        issues: [{ path: "files", message: expect.stringContaining("download them") as string }],
      })
    }),
  )

  it.effect("a received file component names the file to pass", () =>
    Effect.gen(function* () {
      const file = { url: "https://cdn.discordapp.com/attachments/1/2/report.pdf?ex=1" }
      const received = Schema.decodeUnknownSync(Message.Message)({
        ...(JSON.parse(answer) as object),
        content: "",
        embeds: [],
        flags: MessageFlags.Flag.IsComponentsV2,
        components: [{ type: 13, id: 1, file }],
      })
      const report = FileUpload.fromText("report.pdf", "pdf")
      for (const message of [received, Message.toCreate(received)]) {
        const { result } = yield* sent((hook) => Webhook.send(hook, message))
        expect(result).toMatchObject({
          issues: [
            {
              path: "components[0].file.url",
              message: expect.stringMatching(/report\.pdf names no file .* pass the file in files/),
            },
          ],
        })
        const { requests } = yield* sent((hook) =>
          Webhook.send(hook, { ...message, files: [report] }),
        )
        expect(requests[0]?.json).toMatchObject({
          components: [{ type: 13, file: { url: "attachment://report.pdf" } }],
        })
      }
    }),
  )
})

describe("a name that a copy of a file has from elsewhere", () => {
  const renamed = (name: string) => ({ ...log, name })

  it.effect.each([
    ['x"\r\nX-Evil: 1\r\n\r\n.log', "x_X-Evil_1_.log"],
    ["photo\u202egpj.exe", "photogpj.exe"],
    ["a b.log", "a_b.log"],
  ] as const)("is cleaned in the form, in the list and in its URL: %j", ([name, clean]) =>
    Effect.gen(function* () {
      const file = renamed(name)
      const image = { url: FileUpload.attachmentUrl(file) }
      const { requests } = yield* sent((hook) =>
        Webhook.send(hook, { embeds: [{ image }], files: [file] }),
      )
      expect(requests[0]?.json).toMatchObject({
        embeds: [{ image: { url: `attachment://${clean}` } }],
        attachments: [{ id: "0", filename: clean }],
      })
      expect(requests[0]?.files).toEqual([["files[0]", clean, "ok"]])
    }),
  )

  it.effect("is compared with others as it is sent", () =>
    Effect.gen(function* () {
      const { requests, result } = yield* sent((hook) =>
        Webhook.send(hook, { files: [log, renamed("build\u200b.log")] }),
      )
      expect(result).toMatchObject({ _tag: "WebhookFileError", reason: "duplicateName" })
      expect(requests).toEqual([])
    }),
  )

  it.effect("is a string", () =>
    Effect.gen(function* () {
      const { result } = yield* sent((hook) =>
        Webhook.send(hook, { content: "x", files: [renamed(5 as never)] }),
      )
      expect(result).toMatchObject({
        issues: [{ path: "files[0].name", message: "must be a string" }],
      })
    }),
  )
})

describe("editing", () => {
  const stored = Schema.decodeUnknownSync(Message.Message)({
    ...(JSON.parse(answer) as object),
    attachments: ["a.png", "b.png", "c.png"].map((filename, index) => ({
      id: `90${index}`,
      filename,
      size: 3,
      url: `https://cdn.example/${filename}`,
      proxy_url: `https://cdn.example/${filename}`,
      description: `Picture ${filename}`,
      title: filename,
      content_type: "image/png",
    })),
  })
  const [a, b, c] = stored.attachments
  if (a === undefined || b === undefined || c === undefined) throw new Error("three, as above")
  const edited = (edit: Webhook.EditInput) =>
    Effect.map(
      sent((hook) => Webhook.editMessage(hook, stored.id, edit)),
      ({ requests, result }) => {
        const [request] = requests
        return {
          list: (request?.json as { attachments?: ReadonlyArray<object> } | undefined)?.attachments,
          request,
          result,
        }
      },
    )
  const as = (id: string, name: string) => ({ id, description: `Picture ${name}` })

  it.effect("keeps all files when attachments are absent", () =>
    Effect.gen(function* () {
      const { request } = yield* edited({ content: "x" })
      expect(request?.json).toEqual({ content: "x" })
    }),
  )

  it.effect("keeps what is listed, in that order, and removes the rest", () =>
    Effect.gen(function* () {
      const { list, request } = yield* edited({ files: [c, a] })
      expect(list).toEqual([as("902", "c.png"), as("900", "a.png")])
      expect(request?.type).toBe("application/json")
    }),
  )

  it.effect("removes all for an empty list", () =>
    Effect.gen(function* () {
      expect((yield* edited({ content: "x", files: [] })).list).toEqual([])
    }),
  )

  it.effect("puts new files where they stand, numbered among themselves", () =>
    Effect.gen(function* () {
      const { list, request } = yield* edited({ files: [log, a, { id: "902" }, chart] })
      expect(list).toEqual([
        { id: "0", filename: "build.log" },
        as("900", "a.png"),
        { id: "902" },
        expect.objectContaining({ id: "1", filename: "chart_of_May.svg" }),
      ])
      expect(request?.files.map(([field, name]) => [field, name])).toEqual([
        ["files[0]", "build.log"],
        ["files[1]", "chart_of_May.svg"],
      ])
    }),
  )

  it.effect("changes the metadata of a kept file", () =>
    Effect.gen(function* () {
      const { list } = yield* edited({
        files: [
          { ...b, description: "A cat" },
          { id: "900", isSpoiler: true },
        ],
      })
      expect(list).toEqual([
        { id: "901", description: "A cat" },
        { id: "900", is_spoiler: true },
      ])
    }),
  )

  it.effect("sends the edit of a voice message, which keeps its file", () =>
    Effect.gen(function* () {
      const flags = MessageFlags.Flag.IsVoiceMessage
      const spoken = { ...stored, content: "", flags, attachments: [a] }
      for (const edit of [Message.toEdit(spoken), spoken]) {
        const { list, request } = yield* edited(edit)
        expect(request?.json).toMatchObject({ flags })
        expect(list).toEqual([as("900", "a.png")])
      }
      expect((yield* edited({ flags: ["IsVoiceMessage"] })).request?.json).toEqual({ flags })
    }),
  )

  it.effect("counts kept and new files together", () =>
    Effect.gen(function* () {
      const kept = Array.from({ length: 9 }, (_, n) => ({ id: `${n + 1}` }))
      const { result } = yield* edited({ files: [...kept, log, chart] })
      expect(result).toMatchObject({
        _tag: "WebhookFileError",
        reason: "tooMany",
        file: "chart_of_May.svg",
        size: 11,
      })
      expect((yield* edited({ files: [...kept, log] })).list).toHaveLength(10)
    }),
  )
})

describe("an invalid list is reported at its path", () => {
  const refused = (message: unknown) =>
    Effect.map(
      sent((hook) => Webhook.send(hook, message as Webhook.MessageInput)),
      ({ requests, result }) => {
        expect(requests).toEqual([])
        return result as { readonly _tag: string; readonly issues: unknown }
      },
    )

  it.effect.each([
    ["a path in place of a file", { files: ["a.png"] }, "files[0]", "expected a FileUpload"],
    ["an object of another kind", { files: [log, {}] }, "files[1]", "expected a FileUpload"],
    ["null", { files: null }, "files", "expected an array of FileUpload"],
    ["one file without a list", { files: log }, "files", "expected an array of FileUpload"],
    [
      "a type that would end its header",
      { files: [FileUpload.fromText("a.txt", "", { contentType: "text/plain\r\nX-Evil: 1" })] },
      "files[0].contentType",
      "must be a media type such as image/png",
    ],
    [
      "a type that is none",
      { files: [FileUpload.fromText("a.txt", "", { contentType: "image" })] },
      "files[0].contentType",
      "must be a media type such as image/png",
    ],
    [
      "a long description",
      { files: [log, FileUpload.fromText("a", "", { description: "x".repeat(1025) })] },
      "files[1].description",
      "at most 1024 code points, got 1025",
    ],
    [
      "attachments beside the files",
      { files: [log], attachments: [{ id: 0 }] },
      "attachments",
      "cannot be combined with files",
    ],
  ] as const)("%s", ([, message, path, says]) =>
    Effect.gen(function* () {
      expect(yield* refused({ content: "x", ...message })).toMatchObject({
        _tag: "WebhookValidationError",
        issues: [{ path, message: expect.stringContaining(says) }],
      })
    }),
  )
})
