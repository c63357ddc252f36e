import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as FastCheck from "effect/FastCheck"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as spec from "discord-api-spec/zod"

import { DiscordApiBody, Message, WebhookInfo } from "../../src/index.js"
import { fromZod } from "./fromZod.js"
import { runs } from "../support/laws.js"

/**
 * What we drop on purpose of what the spec describes: too rare on a webhook's messages to carry,
 * or (the `id` of media) unknown to the documentation. Anything else that is lost fails the test.
 */
const dropped = [
  /^(referenced_message\.)?lobby_member$/,
  /(^|\.)(user|author|target_user|mentions\[\]|clip_participants\[\])\.collectibles$/,
  /(^|\.)attachments\[\]\.application$/,
  /(^|\.)(media|file)\.id$/,
  // Fields of another style of button, which the spec allows on each.
  /(^|\.)(components\[\]|accessory)\.(custom_id|url|sku_id|label|emoji)$/,
  /(^|\.)thread\.(bitrate|user_limit|rtc_region|video_quality_mode|permissions|member|last_pin_timestamp)$/,
  /(^|\.)thread\.thread_metadata\.invitable$/,
  /(^|\.)interaction_metadata\.(authorizing_integration_owners|triggering_interaction_metadata)$/,
]

/** Paths of `before` that `after` lacks; null counts as absent. */
function lost(before: unknown, after: unknown, path = ""): ReadonlyArray<string> {
  if (before === null || before === undefined) return []
  if (Array.isArray(before)) {
    const rest: ReadonlyArray<unknown> = Array.isArray(after) ? after : []
    return before.flatMap((item, index) => lost(item, rest[index], `${path}[]`))
  }
  if (typeof before !== "object") return after === undefined ? [path] : []
  if (typeof after !== "object" || after === null) return [path]
  return Object.entries(before).flatMap(([key, inner]) =>
    lost(inner, Reflect.get(after, key), path === "" ? key : `${path}.${key}`),
  )
}

/** The errors in a tree, however deep. */
function leaves(tree: unknown): number {
  if (typeof tree !== "object" || tree === null) return 0
  return Object.entries(tree).reduce(
    (sum, [key, branch]) =>
      sum + (key === "_errors" && Array.isArray(branch) ? branch.length : leaves(branch)),
    0,
  )
}

/** The `type` of each component that we keep as it came. */
function unknown(tree: unknown): ReadonlyArray<unknown> {
  if (typeof tree !== "object" || tree === null) return []
  if ("raw" in tree) return [Reflect.get(Object(tree.raw), "type")]
  return Object.values(tree).flatMap(unknown)
}

describe("every response that Discord's OpenAPI describes is decoded", () => {
  it("MessageResponse, and nothing of them is lost", () => {
    const decode = Schema.decodeUnknownSync(Message.Message)
    const encode = Schema.encodeSync(Message.Message)
    const missing = new Set<string>()
    const strangers = new Set<unknown>()
    FastCheck.assert(
      FastCheck.property(fromZod(spec.MessageResponseSchema), (body) => {
        expect(spec.MessageResponseSchema.safeParse(body).success).toBe(true)
        const message = decode(body)
        for (const component of unknown(message.components)) strangers.add(component)
        for (const path of lost(body, encode(message))) {
          if (!dropped.some((known) => known.test(path))) missing.add(path)
        }
      }),
      { numRuns: runs(1000) },
    )
    expect([...missing]).toEqual([])
    // Every kind of component has a shape of ours; Text Input (4) is for modals, whatever the spec
    // says, and a button (2) may lack what its style requires.
    expect([2, 4]).toEqual(expect.arrayContaining([...strangers]))
  })

  const webhooks = {
    GuildIncomingWebhookResponse: spec.GuildIncomingWebhookResponseSchema,
    ChannelFollowerWebhookResponse: spec.ChannelFollowerWebhookResponseSchema,
    ApplicationIncomingWebhookResponse: spec.ApplicationIncomingWebhookResponseSchema,
  }
  for (const [name, schema] of Object.entries(webhooks)) {
    it(`${name}, 500 webhooks, and nothing of them is lost`, () => {
      const encode = Schema.encodeSync(WebhookInfo.WebhookInfo)
      const missing = new Set<string>()
      FastCheck.assert(
        FastCheck.property(fromZod(schema), (body) => {
          expect(schema.safeParse(body).success).toBe(true)
          const webhook = Effect.runSync(WebhookInfo.decode(body))
          for (const path of lost(body, encode(webhook))) {
            if (!dropped.some((known) => known.test(path))) missing.add(path)
          }
        }),
        { numRuns: runs(500) },
      )
      expect([...missing]).toEqual([])
    })
  }

  it("ErrorResponse", () => {
    FastCheck.assert(
      FastCheck.property(fromZod(spec.ErrorResponseSchema), (body) => {
        expect(spec.ErrorResponseSchema.safeParse(body).success).toBe(true)
        const { code, fields, message } = Option.getOrThrow(DiscordApiBody.fromUnknown(body))
        expect({ code, message }).toEqual({
          code: Reflect.get(Object(body), "code"),
          message: Reflect.get(Object(body), "message"),
        })
        expect(fields).toHaveLength(leaves(body))
      }),
      { numRuns: runs(1000) },
    )
  })

  it("RatelimitedResponse", () => {
    FastCheck.assert(
      FastCheck.property(fromZod(spec.RatelimitedResponseSchema), (body) => {
        expect(spec.RatelimitedResponseSchema.safeParse(body).success).toBe(true)
        const { retryAfter, ...rest } = Option.getOrThrow(DiscordApiBody.rateLimitFromUnknown(body))
        // The spec allows a negative time; we read it as none.
        const seconds = Number(Reflect.get(Object(body), "retry_after"))
        expect({ ...rest, retry_after: retryAfter }).toEqual({
          ...Object(body),
          retry_after: Math.max(0, seconds),
        })
      }),
      { numRuns: runs(1000) },
    )
  })
})

/**
 * Where we accept more than the spec, because the documentation or real traffic does. The spec's
 * refusal is asserted too: when it learns better, the exception can go.
 */
describe("responses that the spec rejects and we decode", () => {
  const plain = {
    type: 0,
    content: "hello",
    mentions: [],
    mention_roles: [],
    attachments: [],
    embeds: [],
    timestamp: "2026-01-31T17:27:07.299000Z",
    edited_timestamp: null,
    flags: 0,
    components: [],
    id: "1",
    channel_id: "2",
    author: {
      id: "3",
      username: "Builds",
      avatar: null,
      discriminator: "0000",
      public_flags: 0,
      flags: 0,
      global_name: null,
      primary_guild: null,
    },
    pinned: false,
    mention_everyone: false,
    tts: false,
  }
  const { components: _, flags: __, ...withoutComponents } = plain
  const file = {
    id: "4",
    filename: "a",
    size: 1,
    url: "https://a.example",
    proxy_url: "https://a.example",
  }

  const messages: Record<string, unknown> = {
    "the offset that every real timestamp has (the package's Zod wants Z)": {
      ...plain,
      timestamp: "2026-01-31T17:27:07.299000+00:00",
    },
    "an author with four keys (docs' examples)": {
      ...plain,
      author: { id: "3", username: "Builds", avatar: null, discriminator: "0000" },
    },
    "neither components nor flags (docs: optional)": withoutComponents,
    "a type newer than the spec": { ...plain, type: 44 },
    "an attachment without a size in pixels (docs: null)": {
      ...plain,
      attachments: [{ ...file, width: null, height: null }],
    },
    "a reference without type (seen on real messages)": {
      ...plain,
      message_reference: { message_id: "5" },
    },
    "a component newer than the spec": { ...plain, components: [{ type: 99, id: 1 }] },
    "a poll without results (docs: unknown)": {
      ...plain,
      poll: {
        question: { text: "?" },
        answers: [],
        expiry: null,
        allow_multiselect: false,
        layout_type: 1,
      },
    },
    "a snapshot with next to nothing (seen on real messages)": {
      ...plain,
      message_snapshots: [{ message: {} }],
    },
  }
  for (const [name, body] of Object.entries(messages)) {
    it.effect(`a message with ${name}`, () =>
      Effect.map(Message.decode(body), (message) => {
        expect(spec.MessageResponseSchema.safeParse(body).success).toBe(false)
        expect(message.id).toBe("1")
      }),
    )
  }

  it.effect("a webhook without a name (docs: null)", () =>
    Effect.map(
      WebhookInfo.decode({
        id: "1",
        type: 1,
        name: null,
        avatar: null,
        channel_id: null,
        application_id: null,
      }),
      (webhook) => {
        expect(
          spec.GuildIncomingWebhookResponseSchema.safeParse({ ...webhook, name: null }).success,
        ).toBe(false)
        expect(webhook).toEqual({ id: "1", type: 1 })
      },
    ),
  )

  it("a 429 without code (docs: optional), and a tree with codes of letters (every real 50035)", () => {
    const limited = { message: "slow down", retry_after: 0.5, global: false }
    expect(spec.RatelimitedResponseSchema.safeParse(limited).success).toBe(false)
    expect(Option.isSome(DiscordApiBody.rateLimitFromUnknown(limited))).toBe(true)
    const refused = {
      code: 50035,
      message: "no",
      errors: { content: { _errors: [{ code: "BASE_TYPE_REQUIRED", message: "needed" }] } },
    }
    expect(spec.ErrorResponseSchema.safeParse(refused).success).toBe(false)
    expect(Option.getOrThrow(DiscordApiBody.fromUnknown(refused)).fields).toEqual([
      { path: "content", code: "BASE_TYPE_REQUIRED", message: "needed" },
    ])
  })
})
