import { isRecord } from "../http/exchange.js"
import * as DateTime from "effect/DateTime"
import { isAbsent } from "../forms/check.js"
import { isoTimestamp } from "../snowflake.js"
import type { Attachment } from "../state.js"

type Fields = Readonly<Record<string, unknown>>

/** Whence media get their ids and files. */
export interface MediaSource {
  readonly nextId: () => string
  readonly files: FileReferences
}

const scheme = "attachment://"

/**
 * The file a URL such as `attachment://chart.png` names. Discord cleans the names of files and not
 * those in URLs, so a blank or another case finds nothing (discord-api-docs#2102).
 */
export const referencedName = (url: unknown): string | undefined =>
  typeof url === "string" && url.toLowerCase().startsWith(scheme)
    ? url.slice(scheme.length)
    : undefined

/** Finds the files that embeds or components show, and remembers which those were. */
export interface FileReferences {
  readonly find: (url: unknown) => Attachment | undefined
  readonly used: ReadonlySet<string>
}

export function fileReferences(attachments: ReadonlyArray<Attachment>): FileReferences {
  const used = new Set<string>()
  const find = (url: unknown) => {
    const name = referencedName(url)
    const found = attachments.find(({ filename }) => filename === name)
    if (found !== undefined) used.add(found.id)
    return found
  }
  return { find, used }
}

/**
 * An embed as Discord answers it: trimmed, of type `rich`, pictures with their proxied URL. A
 * picture whose file was not sent is left out, and nothing is said about it.
 */
export const embedAnswer = (embed: unknown, files: FileReferences): unknown => {
  if (!isRecord(embed)) return embed
  return withoutNothing({
    type: "rich",
    title: trimmed(embed["title"]),
    description: trimmed(embed["description"]),
    url: embed["url"],
    timestamp: timestampAnswer(embed["timestamp"]),
    color: embed["color"],
    footer: footerAnswer(embed["footer"], files),
    image: pictureAnswer(embed["image"], files),
    thumbnail: pictureAnswer(embed["thumbnail"], files),
    author: authorAnswer(embed["author"], files),
    fields: Array.isArray(embed["fields"]) ? embed["fields"].map(fieldAnswer) : undefined,
  })
}

/** The URL of a picture behind Discord's proxy. */
function proxied(url: string): string {
  return `https://images-ext-1.discordapp.net/external/${url.replace("://", "/")}`
}

function fieldAnswer(field: unknown): unknown {
  if (!isRecord(field)) return field
  return {
    name: trimmed(field["name"]),
    value: trimmed(field["value"]),
    inline: field["inline"] ?? false,
  }
}

function footerAnswer(footer: unknown, files: FileReferences): unknown {
  if (!isRecord(footer) || isAbsent(footer["text"])) return undefined
  return withoutNothing({ text: trimmed(footer["text"]), ...iconAnswer(footer["icon_url"], files) })
}

function authorAnswer(author: unknown, files: FileReferences): unknown {
  if (!isRecord(author) || isAbsent(author["name"])) return undefined
  return withoutNothing({
    name: trimmed(author["name"]),
    url: author["url"],
    ...iconAnswer(author["icon_url"], files),
  })
}

function iconAnswer(url: unknown, files: FileReferences): object {
  const file = files.find(url)
  if (file !== undefined) return { icon_url: file.url, proxy_icon_url: file.proxy_url }
  if (typeof url !== "string" || referencedName(url) !== undefined) return {}
  return { icon_url: url, proxy_icon_url: proxied(url) }
}

function pictureAnswer(picture: unknown, files: FileReferences): unknown {
  if (!isRecord(picture) || typeof picture["url"] !== "string") return undefined
  const { url, description } = picture
  const file = files.find(url)
  if (file !== undefined) {
    const { width = 0, height = 0, content_type } = file
    const { url: fileUrl, proxy_url } = file
    return withoutNothing({ url: fileUrl, proxy_url, width, height, content_type, description })
  }
  if (referencedName(url) !== undefined) return undefined
  return withoutNothing({ url, proxy_url: proxied(url), width: 0, height: 0, description })
}

function timestampAnswer(value: unknown): unknown {
  return typeof value === "string" ? isoTimestamp(DateTime.unsafeMake(value)) : undefined
}

function trimmed(value: unknown): unknown {
  return typeof value === "string" ? value.trim() : value
}

/** Absent, null and empty parts are left out of the answer. */
function withoutNothing(value: Readonly<Record<string, unknown>>): unknown {
  return Object.fromEntries(
    Object.entries(value).filter(([, part]) => part !== undefined && part !== null && part !== ""),
  )
}

/** An emoji as Discord returns it. The simulator has no custom ones: each is named after its id. */
export function emojiAnswer(emoji: unknown): object {
  if (!isRecord(emoji)) return {}
  const { id, name, animated } = emoji
  if (isAbsent(id)) return { name }
  const custom = { id: String(id), name: isAbsent(name) ? `emoji_${String(id)}` : name }
  return typeof animated === "boolean" ? { ...custom, animated } : custom
}

/**
 * Components as Discord answers them: each has an `id`, and what may be left out is filled in.
 */
export const componentAnswers = (
  components: unknown,
  media: MediaSource,
): ReadonlyArray<unknown> => {
  if (!Array.isArray(components)) return []
  const taken = new Set<number>()
  collectIds(components, taken)
  let last = 0
  const ownId = (component: Fields): number => {
    if (typeof component["id"] === "number" && component["id"] !== 0) return component["id"]
    do last++
    while (taken.has(last))
    return last
  }
  const answer = (component: unknown): unknown => {
    if (!isRecord(component)) return component
    const children = component["components"]
    const accessory = component["accessory"]
    return {
      ...asSent(component),
      ...filledIn(component, media),
      id: ownId(component),
      ...(Array.isArray(children) ? { components: children.map(answer) } : {}),
      ...(accessory === undefined ? {} : { accessory: answer(accessory) }),
    }
  }
  return components.map(answer)
}

function collectIds(value: unknown, taken: Set<number>): void {
  if (Array.isArray(value)) for (const item of value) collectIds(item, taken)
  if (!isRecord(value)) return
  if (typeof value["id"] === "number" && value["id"] !== 0) taken.add(value["id"])
  collectIds(value["components"], taken)
  collectIds(value["accessory"], taken)
}

/** What each kind gets that the sender may leave out. */
function filledIn(component: Fields, media: MediaSource): object {
  const spoiler = component["spoiler"] ?? false
  switch (component["type"]) {
    case 3:
    case 5:
    case 6:
    case 7:
    case 8:
      return { min_values: component["min_values"] ?? 1, max_values: component["max_values"] ?? 1 }
    case 11:
      return {
        ...descriptionOrNull(component),
        spoiler,
        media: mediaAnswer(component["media"], media),
      }
    case 12:
      return { items: galleryAnswer(component["items"], media) }
    case 13:
      return { spoiler, ...fileAnswer(component["file"], media) }
    case 14:
      return { divider: component["divider"] ?? true, spacing: component["spacing"] ?? 1 }
    case 17:
      return { spoiler, accent_color: component["accent_color"] ?? null }
    default:
      return {}
  }
}

function galleryAnswer(items: unknown, media: MediaSource): ReadonlyArray<unknown> {
  return records(items).map((item) => ({
    ...descriptionOrNull(item),
    spoiler: item["spoiler"] ?? false,
    media: mediaAnswer(item["media"], media),
  }))
}

function fileAnswer(value: unknown, media: MediaSource): object {
  const file = media.files.find(urlOf(value))
  return {
    file: mediaAnswer(value, media),
    name: file?.filename ?? null,
    size: file?.["size"] ?? null,
  }
}

function urlOf(media: unknown): string {
  return isRecord(media) && typeof media["url"] === "string" ? media["url"] : ""
}

/** A file of the message is known well, a URL not at all. */
function mediaAnswer(value: unknown, { files, nextId }: MediaSource): unknown {
  const address = urlOf(value)
  const file = files.find(address)
  if (file !== undefined) {
    const { id, url, proxy_url, width = null, height = null, content_type = null } = file
    return { id: nextId(), attachment_id: id, url, proxy_url, width, height, content_type }
  }
  return {
    id: nextId(),
    url: address,
    proxy_url: proxied(address),
    width: null,
    height: null,
    content_type: null,
  }
}

function descriptionOrNull(component: Fields): object {
  return { description: component["description"] ?? null }
}

/** What was sent, without what is null, and with ids as text. */
function asSent(component: Fields): object {
  const given = Object.entries(component).filter(([, value]) => value !== null)
  return Object.fromEntries(
    given.map(([name, value]): [string, unknown] => {
      if (name === "emoji") return [name, emojiAnswer(value)]
      if (name === "sku_id") return [name, String(value)]
      if (name === "options") return [name, records(value).map(asSent)]
      if (name !== "default_values") return [name, value]
      return [name, records(value).map((one) => ({ ...one, id: String(one["id"]) }))]
    }),
  )
}

function records(value: unknown): ReadonlyArray<Fields> {
  return Array.isArray(value) ? value.filter(isRecord) : []
}
