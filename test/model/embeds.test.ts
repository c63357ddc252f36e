import { describe, expect, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Arr from "effect/Array"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as FastCheck from "effect/FastCheck"
import { pipe } from "effect/Function"
import { readFileSync } from "node:fs"

import { Embed, MessageCreate } from "../../src/index.js"
import { faults } from "./faults.js"
import { runs } from "../support/laws.js"

const noon = DateTime.unsafeMake("2026-01-31T12:00:00Z")
const x = (n: number) => "x".repeat(n)

it.effect.each([
  ["a DateTime", DateTime.unsafeMakeZoned(noon, { timeZone: "Asia/Tokyo" })],
  ["a Date", DateTime.toDate(noon)],
  ["ISO 8601 text in UTC", "2026-01-31T12:00:00Z"],
  ["ISO 8601 text with an offset", "2026-01-31T13:00:00.000000+01:00"],
] as const)("a timestamp may be given as %s", ([, timestamp]) =>
  Effect.gen(function* () {
    const wire = yield* MessageCreate.encode({ embeds: [{ timestamp }] })
    expect(wire.embeds).toEqual([{ timestamp: "2026-01-31T12:00:00.000Z" }])
    expect(yield* MessageCreate.encode({ embeds: [Embed.timestamp({}, timestamp)] })).toEqual(wire)
  }),
)

describe("an embed in a pipe", () => {
  const piped = pipe(
    Embed.empty,
    Embed.title("Deployed"),
    Embed.description("All is **well**"),
    Embed.url("https://example.com/deploys/7"),
    Embed.color("#57f287"),
    Embed.timestamp(DateTime.unsafeMakeZoned(noon, { timeZone: "Asia/Tokyo" })),
    Embed.author("Ada", { url: "https://example.com/ada", iconUrl: "attachment://ada.png" }),
    Embed.footer("by effect-discord", { iconUrl: "https://example.com/logo.png" }),
    Embed.image("attachment://chart.png", { description: "Requests, rising" }),
    Embed.thumbnail("https://example.com/thumb.png"),
    Embed.field("version", "1.4.0", { inline: true }),
    Embed.field("region", "eu"),
  )

  it.effect("is the plain value that Discord wants", () =>
    Effect.map(MessageCreate.encode({ embeds: [piped] }), (wire) => {
      expect(wire).toStrictEqual(
        JSON.parse(
          readFileSync(
            new URL("../golden/requests/message-pipedEmbed.json", import.meta.url),
            "utf8",
          ),
        ),
      )
    }),
  )

  it("is the same with the embed first", () => {
    const steps = [
      Embed.title(Embed.empty, "a"),
      Embed.description(Embed.empty, "a"),
      Embed.url(Embed.empty, "a"),
      Embed.color(Embed.empty, 1),
      Embed.timestamp(Embed.empty, noon),
      Embed.author(Embed.empty, "a"),
      Embed.author(Embed.empty, "a", { url: "b" }),
      Embed.footer(Embed.empty, "a", { iconUrl: "b" }),
      Embed.image(Embed.empty, "a", { description: "b" }),
      Embed.thumbnail(Embed.empty, "a"),
      Embed.field(Embed.empty, "a", "b"),
      Embed.field(Embed.empty, "a", "b", { inline: true }),
    ]
    expect(steps).toStrictEqual(
      [
        Embed.title("a"),
        Embed.description("a"),
        Embed.url("a"),
        Embed.color(1),
        Embed.timestamp(noon),
        Embed.author("a"),
        Embed.author("a", { url: "b" }),
        Embed.footer("a", { iconUrl: "b" }),
        Embed.image("a", { description: "b" }),
        Embed.thumbnail("a"),
        Embed.field("a", "b"),
        Embed.field("a", "b", { inline: true }),
      ].map((step) => step(Embed.empty)),
    )
  })

  it("leaves the embed that it began with as it was", () => {
    const start = Embed.field(Embed.empty, "a", "b")
    const one = Embed.field(start, "c", "d")
    const other = Embed.title(start, "e")
    expect(Embed.empty).toStrictEqual({})
    expect(start).toStrictEqual({ fields: [{ name: "a", value: "b" }] })
    expect(one.fields).toHaveLength(2)
    expect(other).toStrictEqual({ ...start, title: "e" })
  })

  it("takes what is set last, and every field", () => {
    const fields = Arr.makeBy(25, (index) => Embed.field(`${index}`, "a"))
    const embed = fields.reduce((soFar, add) => add(soFar), Embed.title({ title: "a" }, "b"))
    expect(embed.title).toBe("b")
    expect(embed.fields?.map(({ name }) => name)).toEqual(Arr.makeBy(25, String))
  })
})

describe("the room in the embeds of a message", () => {
  it("is what the 6000 leave, by every text that counts", () => {
    const all: Embed.EmbedCreate = {
      title: x(1),
      description: x(20),
      url: "https://example.com/not/counted",
      author: { name: x(300), url: "https://example.com" },
      footer: { text: x(1000) },
      image: { url: "https://example.com/a.png", description: "not counted" },
      fields: [
        { name: x(2), value: x(40) },
        { name: x(3), value: x(50) },
      ],
    }
    expect(Embed.total([all])).toBe(1416)
    expect(Embed.total([all, all])).toBe(2832)
    expect(Embed.room([all])).toBe(4584)
    expect(Embed.total([])).toBe(0)
    expect(Embed.total([{ title: " 😀 \n" }])).toBe(1)
  })

  it.effect("matches Discord's limit: accepted at 0, rejected below", () =>
    Effect.gen(function* () {
      const embeds = (n: number) => [{ description: x(4000) }, { description: x(n) }]
      expect(Embed.room(embeds(2000))).toBe(0)
      expect(yield* faults(MessageCreate.encode({ embeds: embeds(2000) }))).toEqual([])
      expect(Embed.room(embeds(2001))).toBe(-1)
      expect(yield* faults(MessageCreate.encode({ embeds: embeds(2001) }))).toEqual([
        { path: "embeds", message: "at most 6000 code points, got 6001 over all embeds" },
      ])
    }),
  )

  it("shrinks by as much as an embed has", () => {
    FastCheck.assert(
      FastCheck.property(Arbitrary.make(Embed.EmbedsCreate), (embeds) => {
        expect(Embed.room(embeds)).toBeGreaterThanOrEqual(0)
        const single = embeds.map((embed) => Embed.total([embed]))
        expect(Embed.total(embeds)).toBe(single.reduce((sum, one) => sum + one, 0))
      }),
      { numRuns: runs(200) },
    )
  })
})
