import { describe, expectTypeOf, it } from "@effect/vitest"
import type {
  APIMessage,
  APIPartialEmoji,
  APIWebhook,
  RESTPatchAPIWebhookWithTokenJSONBody,
  RESTPatchAPIWebhookWithTokenMessageJSONBody,
  RESTPostAPIInteractionFollowupJSONBody,
  RESTPostAPIWebhookWithTokenJSONBody,
} from "discord-api-types/v10"
import type {
  FollowUpCreate,
  Message,
  MessageCreate,
  MessageEdit,
  WebhookInfo,
  WebhookModify,
} from "../../src/index.js"

/** Our arrays are readonly, theirs are not. */
type Mutable<A> =
  A extends ReadonlyArray<infer B>
    ? Array<Mutable<B>>
    : A extends object
      ? { -readonly [K in keyof A]: Mutable<A[K]> }
      : A

/**
 * Where their types are stricter than the documentation:
 *
 * - A string enum takes no string, not even the right one: `"users"` for `AllowedMentionsTypes`.
 * - The emoji of a poll answer is typed as a received one, with `id` and `name` both there; the
 *   documentation of Poll Media asks for one of them.
 */
type Documented<A> = A extends string
  ? `${A}`
  : A extends APIPartialEmoji
    ? Partial<A>
    : A extends Array<infer B>
      ? Array<Documented<B>>
      : A extends object
        ? { [K in keyof A]: Documented<A[K]> }
        : A

/** Their types exclude null for `attachments` and `poll` in an edit (the OpenAPI allows it). */
type Theirs = RESTPatchAPIWebhookWithTokenMessageJSONBody
type Edit = Omit<Theirs, "attachments" | "poll"> & {
  attachments?: Theirs["attachments"] | null
  poll?: Theirs["poll"] | null
}

describe("our wire types and those of discord-api-types (checked by tsc)", () => {
  it("outgoing types are assignable to theirs", () => {
    expectTypeOf<Mutable<MessageCreate.Encoded>>().toExtend<
      Documented<RESTPostAPIWebhookWithTokenJSONBody>
    >()
    expectTypeOf<Mutable<FollowUpCreate.Encoded>>().toExtend<
      Documented<RESTPostAPIInteractionFollowupJSONBody>
    >()
    expectTypeOf<Mutable<MessageEdit.Encoded>>().toExtend<Documented<Edit>>()
    expectTypeOf<Mutable<WebhookModify.Encoded>>().toExtend<RESTPatchAPIWebhookWithTokenJSONBody>()
  })

  it("every request field of theirs is one of ours", () => {
    expectTypeOf<keyof RESTPostAPIWebhookWithTokenJSONBody>().toExtend<
      keyof MessageCreate.Encoded
    >()
    expectTypeOf<keyof RESTPatchAPIWebhookWithTokenMessageJSONBody>().toExtend<
      keyof MessageEdit.Encoded
    >()
  })

  it("their response types are assignable to what we decode", () => {
    expectTypeOf<APIMessage>().toExtend<typeof Message.Message.Encoded>()
    expectTypeOf<APIWebhook>().toExtend<typeof WebhookInfo.WebhookInfo.Encoded>()
  })
})
