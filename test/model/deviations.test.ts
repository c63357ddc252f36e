import { describe, expect, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Either from "effect/Either"
import * as FastCheck from "effect/FastCheck"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { readFileSync, readdirSync } from "node:fs"
import { DiscordApiBody } from "../../src/index.js"
import { makeDecoder } from "../../src/model/codec.js"
import { Message } from "../../src/model/Message.js"
import { WebhookInfo } from "../../src/model/WebhookInfo.js"
import { inTurns } from "../support/laws.js"

/**
 * One value of a response differs from the documentation: absent, null, of another type, or an item
 * too many. Applied to every path of every recorded message, and to generated ones that have every
 * field.
 */
type Path = ReadonlyArray<string | number>

const absent = Symbol("absent")
const noText: unknown = JSON.parse(`{"toString": null}`)
const values: ReadonlyArray<unknown> = [
  absent,
  null,
  0,
  -1.5,
  "0",
  "",
  "odd",
  true,
  [],
  [null],
  ["odd"],
  {},
  { odd: 1 },
  noText,
]

function* paths(value: unknown, path: Path = []): Generator<Path> {
  if (path.length > 0) yield path
  if (Array.isArray(value)) {
    for (const [index, item] of value.entries()) yield* paths(item, [...path, index])
    yield [...path, value.length]
  } else if (typeof value === "object" && value !== null) {
    for (const [key, inner] of Object.entries(value)) yield* paths(inner, [...path, key])
  }
}

/** A copy of `json` with `value` at `path`; only what lies on the path is copied. */
function changed(json: unknown, path: Path, value: unknown): unknown {
  const [key, ...rest] = path
  if (key === undefined) return value
  const copy: unknown = Array.isArray(json)
    ? [...(json as ReadonlyArray<unknown>)]
    : { ...Object(json) }
  const inner = changed(Reflect.get(Object(json), key), rest, value)
  if (inner !== absent) Reflect.set(Object(copy), key, inner)
  else if (Array.isArray(copy)) copy.splice(Number(key), 1)
  else Reflect.deleteProperty(Object(copy), key)
  return copy
}

const directory = new URL("../golden/responses/", import.meta.url)
const recorded = (prefix: string): ReadonlyArray<unknown> =>
  readdirSync(directory)
    .filter((name) => name.startsWith(prefix))
    .map((name): unknown => JSON.parse(readFileSync(new URL(name, directory), "utf8")))

/** Generated values that together have every field of the Schema. */
const generated = <A, I>(schema: Schema.Schema<A, I>, count: number): ReadonlyArray<unknown> => {
  const encode = Schema.encodeSync(schema)
  return FastCheck.sample(Arbitrary.make(schema), { numRuns: count, seed: 10 }).map(
    (value): unknown => JSON.parse(JSON.stringify(encode(value))),
  )
}

interface Case<A, I> {
  readonly schema: Schema.Schema<A, I>
  readonly inputs: ReadonlyArray<unknown>
  readonly core: ReadonlyArray<string>
  readonly keeps: (value: A, input: unknown) => boolean
}

/** The Schema's own path takes 50 times as long, so it decodes a part of all, spread over it. */
const isCompared = (count: number): boolean => count % 23 === 0

const sameValue = (read: Either.Either<unknown, unknown>, value: unknown): boolean =>
  Either.isRight(read) && JSON.stringify(read.right) === JSON.stringify(value)

const idOf = (value: unknown): unknown => Reflect.get(Object(value), "id")

const law = <A, I>(name: string, { core, inputs, keeps, schema }: Case<A, I>) =>
  it(`${name}: one deviation outside ${core.join(", ")} loses nothing else, on both paths`, () => {
    const quick = makeDecoder(schema)
    const plain = Schema.decodeUnknownEither(schema)
    const failed = new Set<string>()
    const different = new Set<string>()
    let count = 0
    for (const input of inputs) {
      for (const [turn, path] of [...paths(input)].entries()) {
        if (core.includes(path.join("."))) continue
        // CI tries every value at every path.
        for (const value of inTurns(values, turn, 3)) {
          const json = changed(input, path, value)
          const read = quick(json)
          const label = `${path.join(".")} = ${value === noText ? "no text" : JSON.stringify(value)}`
          count++
          if (Either.isLeft(read) || !keeps(read.right, input)) failed.add(label)
          // Effect's Schema throws over an object that cannot become text.
          else if (isCompared(count) && value !== noText && !sameValue(plain(json), read.right))
            different.add(label)
        }
      }
    }
    expect(count).toBeGreaterThan(100)
    expect([...failed]).toEqual([])
    expect([...different]).toEqual([])
  })

describe("a response with one odd value", () => {
  law("a message", {
    schema: Message,
    inputs: [...recorded("message"), ...generated(Message, 2)],
    core: ["id", "channel_id", "timestamp", "author", "author.id"],
    keeps: (message, input) => message.id === idOf(input),
  })

  law("a webhook", {
    schema: WebhookInfo,
    inputs: [...recorded("webhook"), ...generated(WebhookInfo, 10)],
    core: ["id"],
    keeps: (webhook, input) => webhook.id === idOf(input),
  })

  it("keeps the delay of a 429", () => {
    const bodies = recorded("rate-limit").filter((body) => "retry_after" in Object(body))
    expect(bodies.length).toBeGreaterThan(0)
    for (const input of bodies) {
      for (const path of paths(input)) {
        if (path.join(".") === "retry_after") continue
        for (const value of values) {
          const read = DiscordApiBody.rateLimitFromUnknown(changed(input, path, value))
          expect(Option.map(read, ({ retryAfter }) => retryAfter)).toEqual(
            Option.some(Reflect.get(Object(input), "retry_after")),
          )
        }
      }
    }
  })

  it("keeps the sentence of an error", () => {
    for (const input of [...recorded("error-form"), ...recorded("error-unknown")]) {
      for (const path of paths(input)) {
        if (path.join(".") === "message") continue
        for (const value of values) {
          const read = DiscordApiBody.fromUnknown(changed(input, path, value))
          expect(Option.map(read, ({ message }) => message)).toEqual(
            Option.some(Reflect.get(Object(input), "message")),
          )
        }
      }
    }
  })
})

describe("what an odd value becomes", () => {
  const least = {
    id: "1",
    channel_id: "2",
    author: { id: "3" },
    timestamp: "2026-01-31T12:00:00.000Z",
  }
  const read = (more: object) => Either.getOrThrow(makeDecoder(Message)({ ...least, ...more }))

  it("an absent key, or the default of its field", () => {
    const message = read({
      author: { id: "3", username: 5, public_flags: "0" },
      edited_timestamp: "yesterday",
      flags: "4",
      interaction_metadata: { id: "9", user: {} },
    })
    expect(message.author).toEqual({ id: "3", username: "" })
    expect(message).not.toHaveProperty("editedTimestamp")
    expect(message.flags).toBe(0)
    expect(message.interactionMetadata).toEqual({ id: "9" })
  })

  it("keeps what is around it", () => {
    const message = read({
      attachments: [{ id: "7", filename: "a.txt", size: "12" }],
      embeds: [{ title: "a", fields: [{ name: "b" }, 5] }, "odd"],
      mentions: [{ username: "nobody" }, { id: "8", username: "Ada" }],
    })
    expect(message.attachments).toEqual([{ id: "7", filename: "a.txt", size: 0, url: "" }])
    expect(message.embeds).toEqual([
      { type: "rich", title: "a", fields: [{ name: "b", value: "", inline: false }] },
    ])
    expect(message.mentions).toEqual([{ id: "8", username: "Ada" }])
  })

  it("keeps a component as Discord sent it when a sender could have set the value", () => {
    const button = { type: 2, style: 5, url: "https://example.com", label: { text: "new" } }
    const gallery = {
      type: 12,
      items: [{ media: { url: "https://example.com/a.png", width: "9" } }],
    }
    const { components } = read({ components: [{ type: 1, components: [button] }, gallery] })
    expect(components).toEqual([
      { type: 1, components: [{ type: "unknown", raw: button }] },
      {
        type: 12,
        items: [{ media: { url: "https://example.com/a.png" }, spoiler: false }],
      },
    ])
  })
})
