/** Files that embeds and components of a message show; Discord does not list them as attachments. */
import * as Predicate from "effect/Predicate"
import * as DateTime from "effect/DateTime"
import { isSnowflake, timestamp } from "./Snowflake.js"

/** A file of a message, as an edit names one that stays. */
export interface FileReference {
  readonly id: string
  readonly filename: string
}

interface Showing {
  readonly channelId: string
  readonly embeds: unknown
  readonly components: unknown
}

const attachmentPath = /\/attachments\/(\d+)\/(\d+)\/([^/?#]+)/

/** The file behind a URL such as `https://cdn.discordapp.com/attachments/1/2/a.png`. */
export function parseFileUrl(
  url: string,
): (FileReference & { readonly channelId: string }) | undefined {
  const [, channelId, id, filename] = attachmentPath.exec(url) ?? []
  if (channelId === undefined || id === undefined || filename === undefined) return undefined
  return { channelId, id, filename }
}

/** In the order in which they are shown, each once. */
export function findShownFiles({ channelId, ...shown }: Showing): ReadonlyArray<FileReference> {
  const found = new Map<string, FileReference>()
  for (const { url } of findUrls([shown.embeds, shown.components])) {
    const file = parseFileUrl(url)
    // A URL of another channel is a link and not a file of this message.
    if (file?.channelId === channelId) found.set(file.id, { id: file.id, filename: file.filename })
  }
  return [...found.values()]
}

/** A URL, and where it is. */
export interface PlacedUrl {
  readonly path: ReadonlyArray<PropertyKey>
  readonly url: string
}

/** Every `url` and `iconUrl` in a value, which must be a tree, in its order. */
export function findUrls(
  value: unknown,
  path: ReadonlyArray<PropertyKey> = [],
): ReadonlyArray<PlacedUrl> {
  const found: Array<PlacedUrl> = []
  addUrls(found, value, [...path])
  return found
}

/** Every message with embeds passes here, so that the path is copied for a URL only. */
function addUrls(found: Array<PlacedUrl>, value: unknown, path: Array<PropertyKey>): void {
  if (typeof value !== "object" || value === null) return
  for (const key of Object.keys(value)) {
    const part: unknown = Reflect.get(value, key)
    path.push(Array.isArray(value) ? Number(key) : key)
    if (typeof part === "string" && (key === "url" || key === "iconUrl")) {
      found.push({ path: path.slice(), url: part })
    }
    addUrls(found, part, path)
    path.pop()
  }
}

/** When and where files became a part of the message. */
export interface Origin {
  readonly channelId: string
  readonly timestamp: DateTime.Utc
  readonly editedTimestamp?: DateTime.Utc
}

/**
 * Milliseconds between the making of a file's id and of its message. Files of other messages of the
 * channel have the same form of address, and `attachment://` would lose such a picture.
 */
const maxOriginGap = 60_000

/**
 * A copy of embeds or components whose images refer to the message's own files by `attachment://name`.
 * Discord sends them as URLs of its CDN; sent back like that, the file shows a second time beside the
 * embed (discord-api-docs#5675).
 */
export function withAttachmentUrls<A>(value: A, origin: Origin): A {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- texts stay texts
  return rewriteUrls(value, "", origin) as A
}

const imageFields: ReadonlySet<string> = new Set(["image", "thumbnail", "media"])

function rewriteUrls(value: unknown, parent: string, origin: Origin): unknown {
  if (Array.isArray(value)) return value.map((one) => rewriteUrls(one, parent, origin))
  if (!Predicate.isReadonlyRecord(value) || DateTime.isDateTime(value)) return value
  const entries = Object.entries(value).map(([key, part]): [string, unknown] => {
    const isAddress = key === "iconUrl" || (key === "url" && imageFields.has(parent))
    if (isAddress && typeof part === "string") return [key, attachmentUrlOf(part, origin)]
    return [key, key === "raw" ? part : rewriteUrls(part, key, origin)]
  })
  return Object.fromEntries(entries)
}

function attachmentUrlOf(url: string, origin: Origin): string {
  const file = parseFileUrl(url)
  const isOwn =
    file?.channelId === origin.channelId && isSnowflake(file.id) && isSameOrigin(file.id, origin)
  return isOwn ? `attachment://${file.filename}` : url
}

function isSameOrigin(id: string, origin: Origin): boolean {
  const made = DateTime.toEpochMillis(timestamp(id))
  return [origin.timestamp, origin.editedTimestamp].some(
    (moment) =>
      moment !== undefined && Math.abs(made - DateTime.toEpochMillis(moment)) <= maxOriginGap,
  )
}
