import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Schema from "effect/Schema"

import { Component, Issue, Message, MessageCreate, WebhookInfo } from "../../src/index.js"
import { faults } from "./faults.js"

const send = (message: unknown) =>
  faults(MessageCreate.encode(message as MessageCreate.MessageCreate))

describe("Issue", () => {
  it.effect("finds everything at once, in the words the user wrote", () =>
    Effect.gen(function* () {
      expect(
        yield* send({
          content: 5,
          embeds: [
            { fields: [{ name: "a", value: true }], footer: { text: "a", iconUrl: "nope" } },
          ],
          allowedMentions: { repliedUser: "yes" },
        }),
      ).toEqual([
        { path: "content", message: "expected a string, got 5" },
        {
          path: "embeds[0].footer.iconUrl",
          message: "must be an http, https or attachment:// URL",
        },
        { path: "embeds[0].fields[0].value", message: "expected a string, got true" },
        { path: "allowedMentions.repliedUser", message: `expected true or false, got "yes"` },
      ])
    }),
  )

  it.effect("finds typos, and suggests the field", () =>
    Effect.gen(function* () {
      expect(
        yield* send({ contnet: "a", avatar_url: "b", embeds: [{ titel: "c" }], nonce: 1 }),
      ).toEqual([
        { path: "contnet", message: "is not a known field: did you mean content?" },
        { path: "avatar_url", message: "is not a known field: did you mean avatarUrl?" },
        { path: "nonce", message: "is not a known field" },
        { path: "embeds[0].titel", message: "is not a known field: did you mean title?" },
      ])
    }),
  )

  it.effect("describes the expected type of the whole", () =>
    Effect.gen(function* () {
      expect(yield* send(null)).toEqual([{ path: "", message: "expected an object, got null" }])
      expect(yield* send("hello")).toEqual([
        { path: "", message: `expected an object, got "hello"` },
      ])
      expect(yield* send([])).toEqual([{ path: "", message: "expected an object, got an array" }])
      expect(yield* send({ embeds: { title: "a" } })).toEqual([
        { path: "embeds", message: "expected an array, got an object" },
      ])
      expect(yield* send({ content: () => "a", embeds: [null, undefined] })).toEqual([
        { path: "content", message: "expected a string, got a function" },
        { path: "embeds[0]", message: "expected an object, got null" },
        { path: "embeds[1]", message: "expected an object, got undefined" },
      ])
    }),
  )

  it.effect("speaks for the component that was meant, not for all that it is not", () =>
    Effect.gen(function* () {
      expect(yield* send({ components: [{ type: 10 }, { type: 99 }, {}, 7] })).toEqual([
        { path: "components[0].content", message: "is missing" },
        { path: "components[1].type", message: "expected 1, 9, 10, 12, 13, 14 or 17, got 99" },
        { path: "components[2].type", message: "is missing" },
        { path: "components[3]", message: "expected an object, got 7" },
      ])
      expect(
        yield* send({
          components: [
            {
              type: 1,
              components: [{ type: 2, style: 5 }, { type: 2 }, { type: 3, customId: "a" }],
            },
          ],
        }),
      ).toEqual([
        { path: "components[0].components[0].url", message: "is missing" },
        { path: "components[0].components[1].style", message: "is missing" },
        { path: "components[0].components[2].options", message: "is missing" },
      ])
      expect(
        yield* send({
          components: [Component.section([Component.text("a")], { type: 11, media: {} } as never)],
        }),
      ).toEqual([{ path: "components[0].accessory.media.url", message: "is missing" }])
    }),
  )

  it.effect("shows no long value: it may be a whole message, or a secret", () =>
    Effect.gen(function* () {
      const secret = "s".repeat(68)
      expect(yield* send({ tts: secret, embeds: secret })).toEqual([
        { path: "tts", message: "expected true or false, got a string of 68 characters" },
        { path: "embeds", message: "expected an array, got a string of 68 characters" },
      ])
      const webhook = yield* faults(
        WebhookInfo.decode({ id: "x", type: "1", token: [secret], url: 5 }),
      )
      expect(webhook.length).toBeGreaterThan(0)
      expect(JSON.stringify(webhook)).not.toContain("sss")
      expect(JSON.stringify(yield* faults(WebhookInfo.decode(`<html>${secret}`)))).not.toContain(
        "sss",
      )
    }),
  )

  it.effect("names the fields missing in a response", () =>
    Effect.gen(function* () {
      expect(
        yield* faults(Message.decode({ id: "1", channel_id: 2, author: { id: "3" } })),
      ).toEqual([{ path: "channel_id", message: "expected a string, got 2" }])
      expect((yield* faults(Message.decode({})))[0]).toEqual({ path: "id", message: "is missing" })
      expect(yield* faults(Message.decode("error code: 1015"))).toEqual([
        {
          path: "",
          message: `expected an object with id, channel_id, author and timestamp, got "error code: 1015"`,
        },
      ])
    }),
  )

  it("reads the errors of any Schema", () => {
    const schema = Schema.Struct({
      name: Schema.NonEmptyString,
      kind: Schema.Union(Schema.Literal("a"), Schema.Null),
      when: Schema.Date,
      list: Schema.optional(Schema.Array(Schema.BigInt)),
    })
    const issues = (value: unknown) =>
      Either.match(Schema.decodeUnknownEither(schema, { errors: "all" })(value), {
        onLeft: Issue.fromParseError,
        onRight: () => [],
      })
    expect(issues({ name: "a", kind: null, when: "2026-01-31" })).toEqual([])
    expect(
      issues({ name: "", kind: "b", when: 5, list: [Symbol.for("x")] }).map((issue) => issue.path),
    ).toEqual(["name", "kind", "when", "list[0]"])
  })

  it("writes a path as code does", () => {
    expect(Issue.formatPath([])).toBe("")
    expect(Issue.formatPath([0, "a", 1, 2, "b"])).toBe("[0].a[1][2].b")
  })
})
