/**
 * Converts received values to values that can be sent, without the fields that only Discord sets. It
 * accepts any value, since untyped code may pass anything, and keeps unknown fields, so that the Schema
 * reports them.
 */
import * as Either from "effect/Either"
import * as Predicate from "effect/Predicate"
import { Kind } from "./component/kinds.js"
import { parseFileUrl } from "./fileReferences.js"
import { isBlank } from "./limits.js"

type Rule = (value: unknown) => unknown
type Rules = Readonly<Record<string, Rule>>

/** Fields that Discord adds to media that it has fetched. */
const mediaFields = [
  "proxyUrl",
  "width",
  "height",
  "contentType",
  "attachmentId",
  "placeholder",
  "placeholderVersion",
  "flags",
]

const icon = withoutFields(["proxyIconUrl"])
const media = withoutFields(mediaFields)
/** Removes an image without a URL. */
const picture: Rule = (value) =>
  Predicate.isReadonlyRecord(value) && value["url"] === "" ? undefined : media(value)

export const embed: Rule = withoutFields(["type", "provider", "video", "flags", "components"], {
  author: icon,
  footer: icon,
  image: picture,
  thumbnail: picture,
})

/** Discord sends both id and name of a custom emoji, and accepts one of them. */
const pollEmoji: Rule = (value) => {
  const isCustom = Predicate.isReadonlyRecord(value) && value["id"] !== undefined
  return withoutFields(isCustom ? ["animated", "name"] : ["animated"])(value)
}

export const poll: Rule = withoutFields(["expiry", "results"], {
  question: withoutFields(["emoji"]),
  answers: forEachItem(
    withoutFields(["answerId"], { pollMedia: withoutFields([], { emoji: pollEmoji }) }),
  ),
})

const item = withoutFields([], { media })
const plainComponent = withoutFields([], {
  media,
  items: forEachItem(item),
  components: forEachItem(component),
  accessory: component,
})
const fileComponent = withoutFields(["name", "size"], { file: media })

/** A hoisted function, because components nest. */
export function component(value: unknown): unknown {
  if (!Predicate.isReadonlyRecord(value)) return value
  const { file, name, type } = value
  if (type === "unknown") return value
  if (type !== Kind.File) return plainComponent(value)
  // Discord accepts nothing else here, and sends the URL of its CDN.
  const filename = typeof name === "string" ? name : fileNameIn(file)
  if (filename === undefined) return fileComponent(value)
  return fileComponent({ ...value, file: { url: `attachment://${filename}` } })
}

function fileNameIn(value: unknown): string | undefined {
  const url = Predicate.hasProperty(value, "url") ? value.url : undefined
  return typeof url === "string" ? parseFileUrl(url)?.filename : undefined
}

const attachment: Rule = withoutFields([
  "size",
  "url",
  "proxyUrl",
  "contentType",
  "width",
  "height",
  "ephemeral",
  "flags",
  "placeholder",
  "placeholderVersion",
  "clipParticipants",
  "clipCreatedAt",
])

/**
 * Whether a received embed is not sent again: Discord generated it from a link and does so for each
 * message, or it has no content, which Discord would reject.
 */
export function isOmittedEmbed(value: unknown): boolean {
  if (!Predicate.isReadonlyRecord(value) || !("type" in value)) return false
  return value["type"] !== "rich" || isEmptyEmbed(embed(value))
}

/** Whether an embed has no content. Blank text and empty lists do not count. */
export function isEmptyEmbed(value: unknown): boolean {
  if (!Predicate.isReadonlyRecord(value)) return false
  return Object.values(value).every((part) => {
    if (typeof part === "string") return isBlank(part)
    return Array.isArray(part) ? part.length === 0 : part === undefined
  })
}

const everyEmbed = forEachItem(embed)
const ownEmbeds: Rule = (value) =>
  everyEmbed(Array.isArray(value) ? value.filter((one) => !isOmittedEmbed(one)) : value)

const parts = { components: forEachItem(component), poll, attachments: forEachItem(attachment) }
const sendable = withoutFields([], { ...parts, embeds: ownEmbeds })
const sendableInPlace = withoutFields([], { ...parts, embeds: everyEmbed })

/** Encodes a message, and one whose parts were received; what can be sent as it is costs no more. */
export function acceptReceived<A, I, E>(
  encode: (value: A) => Either.Either<I, E>,
): (value: A) => Either.Either<I, E> {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the Schema looks at it
  const encodeAs = (value: A, rule: Rule) => encode(rule(value) as A)
  return (value) =>
    Either.orElse(encode(value), () =>
      Either.orElse(encodeAs(value, sendable), (error) =>
        // With omitted embeds in their places, so that the error has those of the caller's list.
        Either.flatMap(encodeAs(value, sendableInPlace), () => Either.left(error)),
      ),
    )
}

/** A copy of a record without some fields, and with its parts changed; nothing replaces a part. */
function withoutFields(dropped: ReadonlyArray<string>, rules: Rules = {}): Rule {
  return (value) => {
    if (!Predicate.isReadonlyRecord(value)) return value
    const kept = Object.entries(value).flatMap(([key, part]): ReadonlyArray<[string, unknown]> => {
      if (dropped.includes(key)) return []
      const rule = rules[key]
      if (rule === undefined || part === undefined) return [[key, part]]
      const changed = rule(part)
      return changed === undefined ? [] : [[key, changed]]
    })
    return Object.fromEntries(kept)
  }
}

function forEachItem(rule: Rule): Rule {
  return (value) => (Array.isArray(value) ? value.map((one) => rule(one)) : value)
}
