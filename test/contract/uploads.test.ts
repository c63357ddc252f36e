/** The `payload_json` of a request with files is what Discord's OpenAPI describes. */
import * as HttpClient from "@effect/platform/HttpClient"
import * as HttpClientResponse from "@effect/platform/HttpClientResponse"
import { it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Effect from "effect/Effect"
import * as FastCheck from "effect/FastCheck"
import * as Layer from "effect/Layer"
import {
  IncomingWebhookRequestPartialSchema,
  IncomingWebhookUpdateRequestPartialSchema,
} from "discord-api-spec/zod"
import { readFileSync } from "node:fs"
import { describe, expect } from "vitest"
import {
  FileUpload,
  MessageCreate,
  MessageEdit,
  Snowflake,
  Strategy,
  Webhook,
} from "../../src/index.js"
import { recordingLimiter, withHook } from "../rest/network.js"
import { readForm } from "../rest/upload/wire.js"
import { character } from "../support/character.js"
import { runs } from "../support/laws.js"

const text = FastCheck.string({ unit: character, maxLength: 40 })
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

const answer = readFileSync(new URL("../golden/responses/message.json", import.meta.url), "utf8")

/** The JSON that an operation sends, with or without a form around it. */
const payloadOf = (operation: (hook: Webhook.Webhook) => Webhook.Operation<unknown>) =>
  Effect.gen(function* () {
    let json: unknown
    const client = HttpClient.make((request) =>
      Effect.map(readForm(request.body), ({ fields }) => {
        json = JSON.parse(fields["payload_json"] ?? "")
        return HttpClientResponse.fromWeb(request, new Response(answer))
      }),
    )
    yield* withHook(operation).pipe(
      Effect.provide(
        Layer.mergeAll(
          Layer.succeed(HttpClient.HttpClient, client),
          recordingLimiter().layer,
          Strategy.layerReactive,
        ),
      ),
    )
    return json
  })

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
        const input = { ...without(message), files }
        const json = await Effect.runPromise(
          payloadOf((hook) => Webhook.send(hook, input, { threadId: null })),
        )
        expect(IncomingWebhookRequestPartialSchema.parse(json)).toStrictEqual(json)
        expect(json).toHaveProperty("attachments.length", files.length)
      }),
      { numRuns: runs(500) },
    )
  })

  it("every edit is one of Discord's OpenAPI", async () => {
    await FastCheck.assert(
      FastCheck.asyncProperty(edits, async ([edit, files]) => {
        const input = { ...without(edit), files }
        const json = await Effect.runPromise(
          payloadOf((hook) => Webhook.editMessage(hook, "7", input)),
        )
        expect(IncomingWebhookUpdateRequestPartialSchema.parse(json)).toStrictEqual(json)
        expect(json).toHaveProperty("attachments.length", files.length)
      }),
      { numRuns: runs(500) },
    )
  })
})
