/**
 * The files of a message in its pictures. Discord sends them as addresses of its CDN; sent back like
 * that, the file shows a second time beside the embed (discord-api-docs#5675), where
 * `attachment://name` shows it once.
 */
import * as DateTime from "effect/DateTime"
import * as Predicate from "effect/Predicate"
import { fileOfChannel } from "./shownFiles.js"
import { isSnowflake, timestamp } from "./Snowflake.js"

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
const NEAR = 60_000

/** A copy of embeds or components whose pictures name the message's own files. */
export function withOwnFiles<A>(value: A, origin: Origin): A {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- texts stay texts
  return renamed(value, "", origin) as A
}

const pictures: ReadonlySet<string> = new Set(["image", "thumbnail", "media"])

function renamed(value: unknown, parent: string, origin: Origin): unknown {
  if (Array.isArray(value)) return value.map((one) => renamed(one, parent, origin))
  if (!Predicate.isReadonlyRecord(value) || DateTime.isDateTime(value)) return value
  const entries = Object.entries(value).map(([key, part]): [string, unknown] => {
    const isAddress = key === "iconUrl" || (key === "url" && pictures.has(parent))
    if (isAddress && typeof part === "string") return [key, nameOf(part, origin)]
    return [key, key === "raw" ? part : renamed(part, key, origin)]
  })
  return Object.fromEntries(entries)
}

function nameOf(url: string, origin: Origin): string {
  const file = fileOfChannel(url, origin.channelId)
  const isOwn = file !== undefined && isSnowflake(file.id) && isNear(file.id, origin)
  return isOwn ? `attachment://${file.filename}` : url
}

function isNear(id: string, origin: Origin): boolean {
  const made = DateTime.toEpochMillis(timestamp(id))
  return [origin.timestamp, origin.editedTimestamp].some(
    (moment) => moment !== undefined && Math.abs(made - DateTime.toEpochMillis(moment)) <= NEAR,
  )
}
