/** Files that embeds and components of a message show; Discord does not list them as attachments. */
import * as Predicate from "effect/Predicate"
import * as DateTime from "effect/DateTime"
import { isSnowflake, timestamp } from "./Snowflake.js"

/** A file of a message, in the form in which an edit lists the files to keep. */
export interface FileReference {
  readonly id: string
  readonly filename: string
}

/** The parts of a message that show files, and its channel. */
interface MessageParts {
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

/** The files of the message that its embeds and components show, in order, each once. */
export function findShownFiles({
  channelId,
  ...shown
}: MessageParts): ReadonlyArray<FileReference> {
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

/** Every `url` and `iconUrl` in a value without cycles, in order. */
export function findUrls(
  value: unknown,
  path: ReadonlyArray<PropertyKey> = [],
): ReadonlyArray<PlacedUrl> {
  const found: Array<PlacedUrl> = []
  addUrls(found, value, [...path])
  return found
}

/** Called for every message with embeds, so the path is copied only when a URL is found. */
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

/** The channel and times of a message. */
export interface UploadContext {
  readonly channelId: string
  readonly timestamp: DateTime.Utc
  readonly editedTimestamp?: DateTime.Utc
}

/**
 * Maximum milliseconds between the time in a file's id and that of the message or its edit. A file of an
 * earlier message in the channel has a URL of the same form, but `attachment://` would not find it.
 */
const maxUploadGap = 60_000

/**
 * A copy of embeds or components whose images refer to the message's own files by `attachment://name`.
 * Discord sends them as URLs of its CDN; sent back like that, the file shows a second time beside the
 * embed (discord-api-docs#5675).
 */
export function withAttachmentUrls<A>(value: A, message: UploadContext): A {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- only strings are replaced, by strings
  return rewriteUrls(value, "", message) as A
}

const imageFields: ReadonlySet<string> = new Set(["image", "thumbnail", "media"])

function rewriteUrls(value: unknown, parent: string, message: UploadContext): unknown {
  if (Array.isArray(value)) return value.map((one) => rewriteUrls(one, parent, message))
  if (!Predicate.isReadonlyRecord(value) || DateTime.isDateTime(value)) return value
  const entries = Object.entries(value).map(([key, part]): [string, unknown] => {
    const isAddress = key === "iconUrl" || (key === "url" && imageFields.has(parent))
    if (isAddress && typeof part === "string") return [key, attachmentUrlOf(part, message)]
    return [key, key === "raw" ? part : rewriteUrls(part, key, message)]
  })
  return Object.fromEntries(entries)
}

function attachmentUrlOf(url: string, message: UploadContext): string {
  const file = parseFileUrl(url)
  const isOwn =
    file?.channelId === message.channelId &&
    isSnowflake(file.id) &&
    isUploadedWith(file.id, message)
  return isOwn ? `attachment://${file.filename}` : url
}

function isUploadedWith(id: string, message: UploadContext): boolean {
  const uploadedAt = DateTime.toEpochMillis(timestamp(id))
  return [message.timestamp, message.editedTimestamp].some(
    (moment) =>
      moment !== undefined && Math.abs(uploadedAt - DateTime.toEpochMillis(moment)) <= maxUploadGap,
  )
}
