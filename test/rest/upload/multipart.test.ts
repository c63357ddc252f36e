import { it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as FastCheck from "effect/FastCheck"
import * as Stream from "effect/Stream"
import { readFileSync } from "node:fs"
import { describe, expect } from "vitest"
import { FileUpload } from "../../../src/index.js"
import { character } from "../../support/character.js"
import { parsed, sameBoundary, wireOf } from "./wire.js"
import { runs } from "../../support/laws.js"

const golden = (name: string): string =>
  readFileSync(new URL(`../../golden/uploads/${name}.txt`, import.meta.url), "utf8")

/** The ways to give the same bytes. */
const ways: Readonly<
  Record<string, (name: string, bytes: Uint8Array<ArrayBuffer>) => FileUpload.FileUpload>
> = {
  bytes: (name, bytes) => FileUpload.fromBytes(name, bytes),
  blob: (name, bytes) => FileUpload.fromBlob(name, new Blob([bytes])),
  stream: (name, bytes) =>
    FileUpload.fromStream(name, { size: bytes.length, stream: Stream.make(bytes) }),
  "stream of single bytes": (name, bytes) =>
    FileUpload.fromStream(name, {
      size: bytes.length,
      stream: Stream.fromIterable(Array.from(bytes, (byte) => Uint8Array.of(byte))),
    }),
}

describe("the bytes of a form", () => {
  const files = [
    FileUpload.fromText("notes.txt", "one\r\ntwo"),
    FileUpload.fromBytes("größe 🎉.png", new TextEncoder().encode("not really")),
    FileUpload.fromBytes("empty", new Uint8Array()),
  ]

  it.effect("are exactly these", () =>
    Effect.gen(function* () {
      const wire = yield* sameBoundary(wireOf({ content: "größer" }, files))
      expect(Buffer.from(wire.bytes).toString()).toBe(golden("three-files"))
      expect(wire.contentType).toBe(
        "multipart/form-data; boundary=effect-discord-0000000000100000000002",
      )
    }),
  )

  for (const [way, make] of Object.entries(ways)) {
    it.effect(`are the same when a file is given as ${way}`, () =>
      Effect.gen(function* () {
        const bytes = new TextEncoder().encode("hello")
        const wire = yield* sameBoundary(wireOf({}, [make("a.bin", bytes)]))
        expect(Buffer.from(wire.bytes).toString()).toBe(golden("one-file"))
      }),
    )
  }

  it.effect("have another boundary for each request", () =>
    Effect.gen(function* () {
      const types = new Set<string>()
      for (let n = 0; n < 20; n++) types.add((yield* wireOf({}, files)).contentType)
      expect(types.size).toBe(20)
    }),
  )
})

describe("a parser of others", () => {
  const file = FastCheck.record({
    name: FastCheck.oneof(
      FastCheck.string({ unit: character, maxLength: 300 }),
      FastCheck.constantFrom('a"b.png', "a\r\nX-Evil: 1.txt", "ü 大.gif", "'%22;=\\", "📄.pdf"),
    ),
    bytes: FastCheck.oneof(
      FastCheck.uint8Array({ maxLength: 2000 }),
      FastCheck.constantFrom("\r\n", "\r\n--", "--effect-discord-\r\n\r\n").map((text) =>
        new TextEncoder().encode(text),
      ),
    ),
    way: FastCheck.constantFrom(...Object.values(ways)),
  })
  const files = FastCheck.uniqueArray(file, {
    maxLength: 10,
    selector: ({ name }) => FileUpload.fromText(name, "").name,
  })

  it.effect("finds the message, and every file as it was meant", () =>
    Effect.promise(() =>
      FastCheck.assert(
        FastCheck.asyncProperty(files, FastCheck.jsonValue(), async (given, json) => {
          const uploads = given.map(({ bytes, name, way }) => way(name, new Uint8Array(bytes)))
          const wire = await Effect.runPromise(wireOf(json, uploads))
          expect(wire.length).toBe(wire.bytes.length)
          const form = await Effect.runPromise(parsed(wire))
          expect(Object.keys(form.fields)).toEqual(["payload_json"])
          expect(JSON.parse(form.fields["payload_json"] ?? "")).toEqual(
            JSON.parse(JSON.stringify(json)),
          )
          expect(form.files).toEqual(
            uploads.map(({ contentType, name }, index) => ({
              field: `files[${index}]`,
              name,
              type: contentType,
              bytes: Buffer.from(given[index]?.bytes ?? []),
            })),
          )
        }),
        { numRuns: runs(300) },
      ),
    ),
  )
})

describe("a file that no constructor has checked", () => {
  const hostile = FastCheck.oneof(
    FastCheck.string({ unit: character, maxLength: 60 }),
    FastCheck.array(
      FastCheck.constantFrom(
        "a",
        '"',
        "\r",
        "\n",
        "\r\n",
        "\\",
        ";",
        "/",
        "image/png",
        "\0",
        "\u202e",
        "\u2028",
        'x"\r\nContent-Type: text/html\r\n\r\n',
        '"; name="payload_json',
        "\r\n--effect-discord-0000000000100000000002--\r\n",
      ),
      { maxLength: 6 },
    ).map((parts) => parts.join("")),
  )

  it.effect("cannot end its header, its part or the form, with any name and type", () =>
    Effect.promise(() =>
      FastCheck.assert(
        FastCheck.asyncProperty(hostile, hostile, (name, contentType) =>
          Effect.runPromise(
            Effect.gen(function* () {
              const file = { ...FileUpload.fromText("a.txt", "bytes"), name, contentType }
              const other = FileUpload.fromText("b.txt", "others")
              const wire = yield* sameBoundary(wireOf({ content: "x" }, [file, other]))
              const { fields, files } = yield* parsed(wire)
              expect(fields).toEqual({ payload_json: '{"content":"x"}' })
              expect(files.map(({ bytes, field }) => [field, bytes.toString()])).toEqual([
                ["files[0]", "bytes"],
                ["files[1]", "others"],
              ])
              expect(files[0]?.name).not.toMatch(/[\p{Cc}\p{Cf}"\\/]/u)
              const heads = Buffer.from(wire.bytes)
                .toString()
                .match(/^Content-[\w-]+: /gim)
              expect(heads).toHaveLength(6)
            }),
          ),
        ),
        { numRuns: runs(500) },
      ),
    ),
  )
})
