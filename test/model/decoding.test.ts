import { describe, expect, it } from "@effect/vitest"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as SchemaAST from "effect/SchemaAST"
import { Message, MessageCreate } from "../../src/index.js"

const least = {
  id: "1",
  channel_id: "2",
  author: { id: "3", username: "Builds" },
  timestamp: "2026-01-31T12:00:00.123456+02:00",
}

describe("an incoming message", () => {
  it.effect("needs four fields", () =>
    Effect.gen(function* () {
      const message = yield* Message.decode(least)
      expect(message).toEqual({
        ...message,
        type: 0,
        content: "",
        mentions: [],
        mentionRoles: [],
        attachments: [],
        embeds: [],
        components: [],
        flags: 0,
        tts: false,
        pinned: false,
        mentionEveryone: false,
      })
      expect(DateTime.formatIso(message.timestamp)).toBe("2026-01-31T10:00:00.123Z")
      for (const field of Object.keys(least)) {
        const { [field as "id"]: _, ...rest } = least
        expect((yield* Effect.exit(Message.decode(rest)))._tag).toBe("Failure")
        expect((yield* Effect.exit(Message.decode({ ...least, [field]: null })))._tag).toBe(
          "Failure",
        )
      }
    }),
  )

  it.effect("reads null as absent, everywhere else", () =>
    Effect.gen(function* () {
      const plain = yield* Message.decode(least)
      const fields = SchemaAST.getPropertySignatures(Schema.encodedSchema(Message.Message).ast)
      const nulls = Object.fromEntries(fields.map((field) => [field.name, null]))
      expect(fields.length).toBeGreaterThan(30)
      expect(yield* Message.decode({ ...nulls, ...least })).toEqual(plain)
    }),
  )

  it.effect("drops unknown fields at every level", () =>
    Effect.map(
      Message.decode({
        ...least,
        novelty: 1,
        author: { ...least.author, novelty: 1 },
        embeds: [{ novelty: 1 }],
      }),
      (message) => expect(JSON.stringify(message)).not.toContain("novelty"),
    ),
  )

  it.effect("keeps a component whose shape is not the documented one", () =>
    Effect.map(
      Message.decode({
        ...least,
        components: [
          { type: 10 },
          { type: 9, components: [{ type: 1000 }], accessory: 0 },
          { type: "x" },
        ],
      }),
      ({ components }) =>
        expect(components).toEqual([
          { type: "unknown", raw: { type: 10 } },
          { type: "unknown", raw: { type: 9, components: [{ type: 1000 }], accessory: 0 } },
          { type: "unknown", raw: { type: "x" } },
        ]),
    ),
  )

  it.effect("fills in what a component leaves out, as Discord documents it", () =>
    Effect.map(
      Message.decode({
        ...least,
        components: [{ type: 14 }, { type: 17, components: [{ type: 12, items: [] }] }],
      }),
      ({ components }) =>
        expect(components).toEqual([
          { type: 14, divider: true, spacing: 1 },
          { type: 17, spoiler: false, components: [{ type: 12, items: [] }] },
        ]),
    ),
  )

  it.effect("is rejected when one of the four is of another type", () =>
    Effect.gen(function* () {
      for (const wrong of [
        { id: 1 },
        { channel_id: "general" },
        { timestamp: "yesterday" },
        { author: [] },
        { author: { id: 3, username: "Builds" } },
      ]) {
        expect((yield* Effect.exit(Message.decode({ ...least, ...wrong })))._tag).toBe("Failure")
      }
    }),
  )
})

describe("what embed editors export", () => {
  it.effect("loads, nulls and foreign keys included", () =>
    Effect.map(
      Schema.decodeUnknown(MessageCreate.MessageCreate)({
        content: null,
        embeds: [
          {
            title: "Hello",
            color: 5814783,
            fields: [],
            author: null,
            timestamp: "2026-01-31T12:00:00.000Z",
            editor_id: 7,
          },
        ],
        attachments: [],
        username: null,
        backup: true,
      }),
      (message) =>
        expect(message).toEqual({
          embeds: [
            {
              title: "Hello",
              color: 5814783,
              fields: [],
              timestamp: DateTime.unsafeMake("2026-01-31T12:00:00Z"),
            },
          ],
          attachments: [],
        }),
    ),
  )
})
