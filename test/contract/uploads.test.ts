/** The `payload_json` of a request with files is what Discord's OpenAPI describes. */
import { it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Effect from "effect/Effect"
import * as FastCheck from "effect/FastCheck"
import * as Redacted from "effect/Redacted"
import {
  IncomingWebhookRequestPartialSchema,
  IncomingWebhookUpdateRequestPartialSchema,
} from "discord-api-spec/zod"
import { describe, expect } from "vitest"
import { FileUpload, MessageCreate, MessageEdit, Snowflake, Webhook } from "../../src/index.js"
import { character } from "../../src/model/limits.js"
import type { RestRequest } from "../../src/rest/request.js"
import * as requests from "../../src/webhook/requests.js"
import { bytesOf, parsed } from "../rest/upload/wire.js"
import { runs } from "../support/laws.js"

const text = FastCheck.string({ unit: character(FastCheck), maxLength: 40 })
const said = FastCheck.option(text, { nil: undefined })

const uploads = FastCheck.uniqueArray(
  FastCheck.record({
    name: text,
    description: said,
    title: said,
    isSpoiler: FastCheck.option(FastCheck.boolean(), { nil: undefined }),
  }).map(({ name, ...options }) => FileUpload.fromText(name, "x", options)),
  { minLength: 1, maxLength: 5, selector: ({ name }) => name },
)

const kept = FastCheck.array(
  FastCheck.record({ id: Arbitrary.make(Snowflake.Snowflake), description: said }),
  { maxLength: 5 },
)

const hook = Webhook.make({ id: "42", token: Redacted.make("token") })

/** The JSON of a request, with or without a form around it. */
const payloadOf = ({ body }: RestRequest<unknown>) =>
  body._tag === "Upload"
    ? body.withBody((one) =>
        Effect.gen(function* () {
          const bytes = yield* bytesOf(one)
          const { contentLength = -1, contentType = "" } = one
          const form = yield* parsed({ kind: one._tag, contentType, length: contentLength, bytes })
          return JSON.parse(form.fields["payload_json"] ?? "") as unknown
        }),
      )
    : Effect.sync(() => (body._tag === "Json" ? (JSON.parse(body.text) as unknown) : undefined))

/** Components and embeds may name other files; `requests.test.ts` has those. */
function without<M extends object>(message: M): Omit<M, "components" | "attachments" | "embeds"> {
  const {
    attachments: _,
    components: __,
    embeds: ___,
    ...rest
  } = message as M & {
    readonly attachments?: unknown
    readonly components?: unknown
    readonly embeds?: unknown
  }
  return rest
}

const messages = FastCheck.tuple(Arbitrary.make(MessageCreate.MessageCreate), uploads)
const edits = FastCheck.tuple(
  Arbitrary.make(MessageEdit.MessageEdit),
  FastCheck.tuple(uploads, kept).chain(([files, old]) =>
    FastCheck.shuffledSubarray([...files, ...old]),
  ),
)

describe("with files", () => {
  it("every message is one of Discord's OpenAPI", async () => {
    await FastCheck.assert(
      FastCheck.asyncProperty(messages, async ([message, files]) => {
        const sent = Effect.gen(function* () {
          const place = { threadId: null }
          const input = { ...without(message), files }
          const request = requests.executeWebhook(
            "Webhook.send",
            yield* hook,
            input,
            place,
            [],
            requests.messageBody,
          )
          return yield* payloadOf(yield* request)
        })
        const json = await Effect.runPromise(sent)
        expect(IncomingWebhookRequestPartialSchema.parse(json)).toStrictEqual(json)
        expect(json).toHaveProperty("attachments.length", files.length)
      }),
      { numRuns: runs(500) },
    )
  })

  it("every edit is one of Discord's OpenAPI", async () => {
    await FastCheck.assert(
      FastCheck.asyncProperty(edits, async ([edit, files]) => {
        const sent = Effect.gen(function* () {
          const input = { ...without(edit), files }
          return yield* payloadOf(
            yield* requests.editMessage("Webhook.editMessage", yield* hook, "7", input, {}),
          )
        })
        const json = await Effect.runPromise(sent)
        expect(IncomingWebhookUpdateRequestPartialSchema.parse(json)).toStrictEqual(json)
        expect(json).toHaveProperty("attachments.length", files.length)
      }),
      { numRuns: runs(500) },
    )
  })
})
