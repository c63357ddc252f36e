import * as HttpClient from "@effect/platform/HttpClient"
import * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import { expect } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/TestClock"
import { Fault } from "../../src/testing/index.js"
import { decode, pixel, pngPixel, text } from "./files.js"
import {
  type TestResponse,
  deleteMessage,
  editMessage,
  form,
  getMessage,
  leaves,
  raw,
  send,
  withFiles,
} from "./request.js"
import { simulatorTest } from "./simulatorTest.js"

const withoutLimits = {
  limits: { execute: "none", getMessage: "none", getWebhook: "none" },
  globalLimit: "none",
} as const
const v2 = 1 << 15

interface Attachment extends Readonly<Record<string, unknown>> {
  readonly id: string
  readonly filename: string
  readonly url: string
}

const attachments = ({ body }: TestResponse) => body["attachments"] as ReadonlyArray<Attachment>
const names = (response: TestResponse) => attachments(response).map(({ filename }) => filename)
const errorOf = ({ status, body }: TestResponse) => [status, body.code]

const download = (url: unknown) =>
  Effect.gen(function* () {
    const response = yield* HttpClient.get(String(url))
    const content = new Uint8Array(yield* response.arrayBuffer)
    return { status: response.status, type: response.headers["content-type"], content }
  })

simulatorTest("files are stored, described and downloaded", withoutLimits, (simulator) =>
  Effect.gen(function* () {
    const hook = yield* simulator.createWebhook()
    const picture = new File([pngPixel], "chart.png", { type: "image/png" })
    const sent = yield* send(
      hook,
      withFiles(
        { content: "a", attachments: [{ id: 1, description: "alt", is_spoiler: true }] },
        text("ahoy \u2693", "note.txt"),
        picture,
      ),
    )
    expect(sent.body.content).toBe("a")
    const [note, chart] = attachments(sent)
    expect(note).toEqual({
      id: note?.id,
      filename: "note.txt",
      size: 8,
      content_type: "text/plain",
      url: expect.stringMatching(
        `^https://cdn.discordapp.com/attachments/${hook.channelId}/${note?.id}/note.txt\\?ex=`,
      ) as string,
      proxy_url: expect.stringMatching("^https://media.discordapp.net/attachments/") as string,
    })
    expect(chart).toMatchObject({ description: "alt", flags: 8, width: 1, height: 1 })
    const text1 = yield* download(note?.url)
    expect([text1.status, text1.type, decode(text1.content)]).toEqual([
      200,
      "text/plain",
      "ahoy \u2693",
    ])
    for (const url of [chart?.url, chart?.["proxy_url"]]) {
      expect((yield* download(url)).content).toEqual(pngPixel)
    }
    expect(yield* simulator.files(hook)).toMatchObject([
      { messageId: sent.body.id, filename: "note.txt", contentType: "text/plain" },
      { id: chart?.id, bytes: pngPixel },
    ])
  }),
)

simulatorTest("a request with files returns the message without wait", withoutLimits, (simulator) =>
  Effect.gen(function* () {
    const hook = yield* simulator.createWebhook()
    const sent = yield* send(hook, withFiles({}, text("a", "a.txt")), { wait: false })
    expect([sent.status, names(sent)]).toEqual([200, ["a.txt"]])
    const without = yield* send(hook, withFiles({ content: "a" }), { wait: false })
    expect(without.status).toBe(204)
  }),
)

simulatorTest(
  "file numbers may have gaps, and a form may have plain fields",
  withoutLimits,
  (simulator) =>
    Effect.gen(function* () {
      const hook = yield* simulator.createWebhook()
      const sent = yield* send(
        hook,
        form([
          ["files[42]", text("a", "a.txt")],
          ["files[7]", text("b", "b.txt")],
          ["content", "ahoy"],
          ["tts", "true"],
          ["flags", "4096"],
        ]),
      )
      expect(sent.body).toMatchObject({ content: "ahoy", tts: true, flags: 4096 })
      expect(names(sent)).toEqual(["a.txt", "b.txt"])
      const old = yield* send(hook, form([["file", text("a", "a.txt")]]))
      expect(names(old)).toEqual(["a.txt"])
    }),
)

simulatorTest(
  "file names are normalized, and the title keeps the original name",
  withoutLimits,
  (simulator) =>
    Effect.gen(function* () {
      const hook = yield* simulator.createWebhook()
      for (const [given, filename, title] of [
        ["report.pdf", "report.pdf", undefined],
        ["my  cool file.txt", "my_cool_file.txt", undefined],
        ["hello (world).png", "hello_world.png", undefined],
        ["__secret.txt", "secret.txt", undefined],
        [".env", "env", undefined],
        ['a"b\r\n.txt', "ab.txt", undefined],
        ["SPOILER_x.txt", "SPOILER_x.txt", undefined],
        ["a\u00e9\u6f22b.tar.gz", "a__b.tar.gz", "a\u00e9\u6f22b.tar"],
        ["\u65e5\u672c \u2693.txt", "unknown.txt", "\u65e5\u672c \u2693"],
      ] as const) {
        const sent = yield* send(hook, withFiles({}, text("a", given)))
        const [one] = attachments(sent)
        expect([given, one?.filename, one?.["title"]]).toEqual([given, filename, title])
        expect(one?.["flags"]).toBe(given.startsWith("SPOILER_") ? 8 : undefined)
      }
      const named = yield* send(
        hook,
        withFiles(
          { attachments: [{ id: "0", filename: "my own.txt", title: "My own" }] },
          text("a", "b.txt"),
        ),
      )
      expect(attachments(named)).toMatchObject([{ filename: "my_own.txt", title: "My own" }])
    }),
)

const multipart = (body: string) => ({
  body: body.replaceAll("\n", "\r\n"),
  headers: { "content-type": 'multipart/form-data; boundary="--x y"' },
})

simulatorTest("parses the file names of other encoders", withoutLimits, (simulator) =>
  Effect.gen(function* () {
    const hook = yield* simulator.createWebhook()
    const path = `/api/v10/webhooks/${hook.id}/${hook.token}`
    const sent = yield* raw(
      "POST",
      path,
      multipart(`a preamble
----x y
content-disposition: form-data; name="files[0]"; filename="a\\"b.txt"
Content-Type: text/plain; charset=utf-8

a
----x y
Content-Disposition: form-data; name="files[1]"; filename="_.txt"; filename*=UTF-8''n%C3%A4%20%E6%97%A5.txt

b
----x y
Content-Disposition: form-data; name="files[2]"; filename=plain.json
Content-Type: application/json

{}
----x y
Content-Disposition: form-data; name="content"

na\u00efve \u2693
----x y--
`),
    )
    expect(attachments(sent)).toMatchObject([
      { filename: "ab.txt", content_type: "text/plain" },
      { filename: "n___.txt", title: "n\u00e4 \u65e5", content_type: "application/octet-stream" },
      { filename: "plain.json", content_type: "application/json" },
    ])
    expect(sent.body.content).toBe("na\u00efve \u2693")
    const [, second] = yield* simulator.files(hook)
    expect(decode(second?.bytes ?? pixel)).toBe("b")
  }),
)

simulatorTest(
  "rejects a form that is truncated, has no boundary or an undecodable name",
  withoutLimits,
  (simulator) =>
    Effect.gen(function* () {
      const hook = yield* simulator.createWebhook()
      const path = `/api/v10/webhooks/${hook.id}/${hook.token}`
      const part = 'Content-Disposition: form-data; name="content"\n\nahoy\n'
      const whole = multipart(`----x y\n${part}----x y--\n`)
      expect((yield* raw("POST", path, whole)).status).toBe(204)
      const broken = multipart(
        `----x y\nContent-Disposition: form-data; name="files[0]"; filename*=UTF-8''%FF\n\na\n----x y--\n`,
      )
      const nameless = multipart(`----x y\n${part.replace('"content"', "files[0]")}----x y--\n`)
      for (const request of [
        nameless,
        multipart(`----x y\n${part}`),
        { ...whole, headers: { "content-type": "multipart/form-data" } },
        broken,
      ]) {
        expect((yield* raw("POST", path, request)).status).toBe(400)
      }
      expect(yield* simulator.messages(hook)).toHaveLength(1)
    }),
)

simulatorTest(
  "rejects invalid files with Discord's codes",
  { ...withoutLimits, maxFileBytes: 5 },
  (simulator) =>
    Effect.gen(function* () {
      const hook = yield* simulator.createWebhook()
      const small = text("12345", "a.txt")
      const many = (count: number) => Array.from({ length: count }, () => small)
      expect((yield* send(hook, withFiles({}, ...many(10)))).status).toBe(200)
      for (const [body, expected] of [
        [withFiles({}, ...many(11)), [400, 30015]],
        [withFiles({}, small, text("123456", "b.txt")), [413, 40005]],
        [withFiles({}, text("", "empty.txt")), [400, 50046]],
        [form([["files[0]", "no file name"]]), [400, 50110]],
        [
          form([
            ["files[0]", small],
            ["files[0]", small],
          ]),
          [400, 50110],
        ],
        [withFiles({ attachments: [{ id: "1" }] }, small), [400, 50146]],
        [withFiles({ attachments: [{ id: "7" }] }), [400, 50146]],
        [form([["payload_json", "{"]]), [400, 50109]],
        [withFiles({ content: "" }), [400, 50006]],
      ] as const) {
        expect(errorOf(yield* send(hook, body))).toEqual(expected)
      }
      expect(yield* simulator.messages(hook)).toHaveLength(1)
      expect(yield* simulator.files(hook)).toHaveLength(10)
    }),
)

simulatorTest(
  "rejects a request above maxRequestBytes",
  { ...withoutLimits, maxRequestBytes: 500 },
  (simulator) =>
    Effect.gen(function* () {
      const hook = yield* simulator.createWebhook()
      const of = (size: number) => withFiles({}, text("x".repeat(size), "a.txt"))
      expect((yield* send(hook, of(100))).status).toBe(200)
      expect(errorOf(yield* send(hook, of(500)))).toEqual([413, 40005])
      expect((yield* simulator.traffic).map(({ body, files }) => [body, files.length])).toEqual([
        [{}, 1],
        [undefined, 0],
      ])
    }),
)

simulatorTest("validates the metadata of attachments", withoutLimits, (simulator) =>
  Effect.gen(function* () {
    const hook = yield* simulator.createWebhook()
    const say = (fields: object) =>
      send(hook, withFiles({ attachments: [{ id: "0", ...fields }] }, text("a", "a.txt")))
    const x = (length: number) => "x".repeat(length)
    for (const [at, over, leaf] of [
      [{ description: x(1024) }, { description: x(1025) }, "description BASE_TYPE_MAX_LENGTH"],
      [{ title: x(1024) }, { title: x(1025) }, "title BASE_TYPE_MAX_LENGTH"],
      [{ filename: x(1024) }, { filename: x(1025) }, "filename BASE_TYPE_BAD_LENGTH"],
      [{ waveform: x(400) }, { waveform: x(401) }, "waveform BASE_TYPE_MAX_LENGTH"],
      [{ duration_secs: 1.5 }, { duration_secs: -1 }, "duration_secs NUMBER_TYPE_MIN"],
      [{ is_spoiler: false }, { is_spoiler: "no" }, "is_spoiler BOOLEAN_TYPE_CONVERT"],
    ] as const) {
      const passed = yield* say(at)
      expect([passed.status, leaves(passed)]).toEqual([200, []])
      expect(leaves(yield* say(over))).toEqual([`attachments.0.${leaf}`])
    }
  }),
)

simulatorTest(
  "an edit keeps, removes, reorders, describes and adds files",
  withoutLimits,
  (simulator) =>
    Effect.gen(function* () {
      const hook = yield* simulator.createWebhook()
      const files = ["a", "b", "c"].map((name) => text(name, `${name}.txt`))
      const described = { attachments: [{ id: "0", description: "old", is_spoiler: true }] }
      const sent = yield* send(hook, withFiles(described, ...files))
      const { id } = sent.body
      const [a, b, c] = attachments(sent)
      const edit = (body: unknown) => editMessage(hook, id, body)

      expect(attachments(yield* edit({ content: "x" }))).toEqual([a, b, c])
      const added = yield* edit(withFiles({}, text("d", "d.txt")))
      expect(names(added)).toEqual(["a.txt", "b.txt", "c.txt", "d.txt"])
      const changed = yield* edit(
        withFiles(
          { attachments: [{ id: c?.id, description: "new" }, { id: "0" }, { id: a?.id }] },
          text("e", "e.txt"),
        ),
      )
      expect(names(changed)).toEqual(["c.txt", "e.txt", "a.txt"])
      expect(attachments(changed)[0]).toEqual({ ...c, description: "new" })
      expect(attachments(changed)[2]).toEqual(a)
      expect((yield* download(b?.url)).status).toBe(404)
      expect((yield* download(a?.url)).status).toBe(200)
      const plain = yield* edit({
        attachments: [{ id: a?.id, description: null, is_spoiler: false }],
      })
      expect(Object.keys(attachments(plain)[0] ?? {})).not.toContain("description")
      expect(Object.keys(attachments(plain)[0] ?? {})).not.toContain("flags")
      expect(errorOf(yield* edit({ attachments: [{ id: b?.id }] }))).toEqual([400, 50146])
      expect(names(yield* edit({ attachments: [] }))).toEqual([])
      expect(yield* simulator.files(hook)).toEqual([])
      expect(errorOf(yield* edit({ content: null }))).toEqual([400, 50006])
    }),
)

simulatorTest("an edit may bring the total to ten files", withoutLimits, (simulator) =>
  Effect.gen(function* () {
    const hook = yield* simulator.createWebhook()
    const nine = Array.from({ length: 9 }, (_, index) => text("a", `${index}.txt`))
    const { id } = (yield* send(hook, withFiles({}, ...nine))).body
    const [one, two] = [text("b", "b.txt"), text("c", "c.txt")]
    expect(errorOf(yield* editMessage(hook, id, withFiles({}, one, two)))).toEqual([400, 30015])
    expect(names(yield* editMessage(hook, id, withFiles({}, one)))).toHaveLength(10)
    expect(yield* simulator.files(hook)).toHaveLength(10)
  }),
)

simulatorTest(
  "a file in an embed is not listed until the embed is removed",
  withoutLimits,
  (simulator) =>
    Effect.gen(function* () {
      const hook = yield* simulator.createWebhook()
      const picture = new File([pixel], "a b.gif", { type: "image/gif" })
      const sent = yield* send(
        hook,
        withFiles(
          {
            embeds: [
              {
                title: "t",
                image: { url: "attachment://a_b.gif" },
                thumbnail: { url: "attachment://missing.gif" },
                author: { name: "n", icon_url: "attachment://a_b.gif" },
                footer: { text: "f", icon_url: "attachment://missing.gif" },
              },
            ],
          },
          picture,
          text("a", "a.txt"),
        ),
      )
      expect(names(sent)).toEqual(["a.txt"])
      const [file] = yield* simulator.files(hook)
      const [embed] = sent.body["embeds"] as ReadonlyArray<Readonly<Record<string, unknown>>>
      const url = expect.stringContaining(`/${file?.id}/a_b.gif`) as string
      expect(embed).toMatchObject({
        image: { url, width: 1, height: 1 },
        author: { icon_url: url },
        footer: { text: "f" },
      })
      expect(embed).not.toHaveProperty("thumbnail")
      expect(embed).not.toHaveProperty("footer.icon_url")
      const said = yield* editMessage(hook, sent.body.id, { content: "c" })
      expect(names(said)).toEqual(["a.txt"])
      const bare = yield* editMessage(hook, sent.body.id, { embeds: [] })
      expect(names(bare)).toEqual(["a_b.gif", "a.txt"])
    }),
)

simulatorTest(
  "components refer to existing files by their normalized names",
  withoutLimits,
  (simulator) =>
    Effect.gen(function* () {
      const hook = yield* simulator.createWebhook()
      const layout = (name: string) => [
        { type: 13, file: { url: `attachment://${name}.txt` } },
        { type: 12, items: [{ media: { url: `attachment://${name}.gif` } }] },
        {
          type: 9,
          components: [{ type: 10, content: "t" }],
          accessory: { type: 11, media: { url: `attachment://${name}.gif` } },
        },
      ]
      const files = [text("ahoy", "a.txt"), new File([pixel], "a.gif", { type: "image/gif" })]
      const query = { with_components: true }
      const sent = yield* send(
        hook,
        withFiles({ flags: v2, components: layout("a") }, ...files),
        query,
      )
      const [note, picture] = yield* simulator.files(hook)
      expect(sent.body).toMatchObject({
        attachments: [],
        components: [
          { file: { attachment_id: note?.id }, name: "a.txt", size: 4 },
          {
            items: [{ media: { attachment_id: picture?.id, width: 1, content_type: "image/gif" } }],
          },
          { accessory: { media: { attachment_id: picture?.id } } },
        ],
      })
      const wrong = yield* send(
        hook,
        withFiles({ flags: v2, components: layout("b") }, ...files),
        query,
      )
      const code = "UNFURLED_MEDIA_ITEM_REFERENCED_ATTACHMENT_NOT_FOUND"
      expect(leaves(wrong)).toEqual([
        `components.0.file.url ${code}`,
        `components.1.items.0.media.url ${code}`,
        `components.2.accessory.media.url ${code}`,
      ])
      const again = yield* editMessage(hook, sent.body.id, { components: layout("a") }, query)
      expect(again.status).toBe(200)
      expect(errorOf(yield* getMessage(hook, sent.body.id))).toEqual([200, undefined])
    }),
)

simulatorTest("deleting a message removes its files", withoutLimits, (simulator) =>
  Effect.gen(function* () {
    const hook = yield* simulator.createWebhook()
    const sent = yield* send(hook, withFiles({}, text("a", "a.txt")))
    const url = attachments(sent)[0]?.url ?? ""
    expect((yield* download(url)).status).toBe(200)
    expect((yield* download(url.replace("a.txt", "b.txt"))).status).toBe(404)
    yield* deleteMessage(hook, sent.body.id)
    const gone = yield* download(url)
    expect([gone.status, decode(gone.content)]).toEqual([
      404,
      "This content is no longer available.",
    ])
  }),
)

simulatorTest(
  "keeps the newest files up to maxStoredFileBytes",
  { ...withoutLimits, maxStoredFileBytes: 10 },
  (simulator) =>
    Effect.gen(function* () {
      const hook = yield* simulator.createWebhook()
      for (const name of ["a", "b", "c"]) {
        yield* send(hook, withFiles({}, text("1234", `${name}.txt`)))
      }
      const kept = yield* simulator.files(hook)
      expect(kept.map(({ filename }) => filename)).toEqual(["b.txt", "c.txt"])
      yield* send(hook, withFiles({}, text("12345678901", "large.txt")))
      expect(yield* simulator.files(hook)).toEqual([])
      expect(yield* simulator.messages(hook)).toHaveLength(4)
    }),
)

simulatorTest(
  "removing old messages removes their files",
  { ...withoutLimits, maxStoredMessages: 1 },
  (simulator) =>
    Effect.gen(function* () {
      const hook = yield* simulator.createWebhook()
      const first = yield* send(hook, withFiles({}, text("a", "a.txt")))
      yield* send(hook, withFiles({}, text("b", "b.txt")))
      expect((yield* download(attachments(first)[0]?.url)).status).toBe(404)
    }),
)

simulatorTest("records files and payload without the bytes", withoutLimits, (simulator) =>
  Effect.gen(function* () {
    const hook = yield* simulator.createWebhook()
    yield* send(hook, withFiles({ content: "a" }, text("ahoy", "\u2693.txt")))
    yield* send(hook, form([["content", "b"]]))
    yield* download(
      (yield* simulator.files(hook)).map(
        ({ id }) => `https://cdn.discordapp.com/attachments/1/${id}/unknown.txt`,
      )[0],
    )
    expect(yield* simulator.traffic).toMatchObject([
      {
        operation: "execute",
        body: { content: "a" },
        files: [{ part: "files[0]", filename: "\u2693.txt", contentType: "text/plain", size: 4 }],
      },
      { operation: "execute", body: { content: "b" }, files: [] },
      { operation: "downloadAttachment", status: 200, version: 0, files: [] },
    ])
  }),
)

simulatorTest("downloads take no slot, and faults apply to them", withoutLimits, (simulator) =>
  Effect.gen(function* () {
    const hook = yield* simulator.createWebhook()
    const sent = yield* send(hook, withFiles({}, new File([pixel], "a.gif")))
    const url = attachments(sent)[0]?.url
    yield* simulator.inject(Fault.html(502), { match: "downloadAttachment" })
    expect((yield* download(url)).status).toBe(502)
    yield* simulator.inject(Fault.alter((response) => ({ ...response, status: 206 })))
    const altered = yield* download(url)
    expect([altered.status, altered.content]).toEqual([206, pixel])
    yield* simulator.inject(Fault.truncateBody)
    expect((yield* Effect.flip(download(url)))._tag).toBe("ResponseError")
    const posted = yield* HttpClient.execute(HttpClientRequest.post(String(url)))
    expect(posted.status).toBe(405)
    yield* simulator.configure({ globalLimit: 1 })
    for (let i = 0; i < 5; i++) expect((yield* download(url)).status).toBe(200)
  }),
)

simulatorTest(
  "latency applies to uploads and downloads",
  { ...withoutLimits, latency: "2 seconds" },
  (simulator) =>
    Effect.gen(function* () {
      const hook = yield* simulator.createWebhook()
      const sending = yield* Effect.fork(
        Effect.forEach(["a", "b", "c"], (name) =>
          send(hook, withFiles({}, text(name, `${name}.txt`))),
        ),
      )
      yield* TestClock.adjust("1 minute")
      const sent = yield* Fiber.join(sending)
      expect(sent.flatMap(names)).toEqual(["a.txt", "b.txt", "c.txt"])
      const times = (yield* simulator.traffic).map(({ arrivedAt, respondedAt }) => [
        arrivedAt,
        respondedAt,
      ])
      expect(times).toEqual([
        [1000, 2000],
        [3000, 4000],
        [5000, 6000],
      ])
    }),
)

simulatorTest("downloads return every byte value unchanged", withoutLimits, (simulator) =>
  Effect.gen(function* () {
    const hook = yield* simulator.createWebhook()
    const all = Uint8Array.from({ length: 70_000 }, (_, index) => (index * 7 + (index >> 8)) % 256)
    const sent = yield* send(hook, withFiles({}, new File([all], "all.bin")))
    expect((yield* download(attachments(sent)[0]?.url)).content).toEqual(all)
  }),
)
