import * as Schema from "effect/Schema"
import * as ParseResult from "effect/ParseResult"

/** Discord's numbers for components (Discord: Component Types), as literal types. */
export const Kind = {
  ActionRow: 1,
  Button: 2,
  StringSelect: 3,
  UserSelect: 5,
  RoleSelect: 6,
  MentionableSelect: 7,
  ChannelSelect: 8,
  Section: 9,
  TextDisplay: 10,
  Thumbnail: 11,
  MediaGallery: 12,
  File: 13,
  Separator: 14,
  Container: 17,
} as const

/** Discord's numbers for types of channels (Discord: Channel Types), as literal types. */
export const ChannelKind = {
  Text: 0,
  DM: 1,
  Voice: 2,
  GroupDM: 3,
  Category: 4,
  Announcement: 5,
  AnnouncementThread: 10,
  PublicThread: 11,
  PrivateThread: 12,
  Stage: 13,
  Directory: 14,
  Forum: 15,
} as const

export const ChannelType = Schema.Literal(0, 1, 2, 3, 4, 5, 10, 11, 12, 13, 14, 15)

const json = Schema.Record({ key: Schema.String, value: Schema.Unknown })

/** A component of an unknown type or shape. */
const RawComponent = Schema.Struct({
  // `Issue.ts` leaves out `nothing` when it lists the expected types.
  type: Schema.Literal("unknown").annotations({ description: "nothing" }),
  raw: json.annotations({
    arbitrary: () => (fc) =>
      fc.record({ type: fc.integer({ min: 100, max: 200 }), novelty: fc.string() }),
  }),
})

type Json = typeof json.Type

const toRaw = (raw: Json) => ParseResult.succeed({ type: "unknown" as const, raw })

/** Accepts any received component. */
export const Raw = Schema.transformOrFail(json, RawComponent, {
  strict: true,
  decode: toRaw,
  encode: ({ raw }) => ParseResult.succeed(raw),
})

const kinds: ReadonlyArray<unknown> = Object.values(Kind)

/** For a union of which no raw component is generated: fast-check skips members of weight 0. */
const ungenerated = RawComponent.annotations({
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- `oneof` takes a weight, too
  arbitrary: () => (fc) => ({ weight: 0, arbitrary: fc.constant(undefined) }) as never,
})

/** Decodes JSON of unknown types only; a known type is checked by its own Schema. */
const RawCreate = Schema.transformOrFail(json, ungenerated, {
  strict: true,
  decode: (raw, _, ast) =>
    kinds.includes(raw["type"]) ? ParseResult.fail(new ParseResult.Type(ast, raw)) : toRaw(raw),
  encode: ({ raw }) => ParseResult.succeed(raw),
})

/**
 * Accepts the given kinds, and any other component as raw JSON. Only the given kinds are generated, and
 * only their JSON is in the type.
 */
export function orRaw<const Members extends ReadonlyArray<Schema.Schema.All>>(...members: Members) {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  const raw = RawCreate as unknown as Schema.Schema<typeof RawComponent.Type, never>
  return Schema.Union(...members, raw)
}
