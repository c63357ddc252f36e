import { type JsonObject, filterJsonObjects, isJsonObject } from "../http/exchange.js"
import * as DateTime from "effect/DateTime"
import { isAbsent } from "../forms/check.js"
import { formatTimestamp } from "../generate.js"
import type { Attachment } from "../state.js"

/** The ids and files for rendering media. */
export interface MediaSource {
  readonly nextId: () => string
  readonly files: FileReferences
}

const attachmentScheme = "attachment://"

/**
 * The file name in a URL such as `attachment://chart.png`. Discord normalizes the names of files
 * but not those in URLs, so a space or different case does not match (discord-api-docs#2102).
 */
export const getReferencedName = (url: unknown): string | undefined =>
  typeof url === "string" && url.toLowerCase().startsWith(attachmentScheme)
    ? url.slice(attachmentScheme.length)
    : undefined

/** Finds the files that embeds or components show, and collects their ids in `used`. */
export interface FileReferences {
  readonly find: (url: unknown) => Attachment | undefined
  readonly used: ReadonlySet<string>
}

export function makeFileReferences(attachments: ReadonlyArray<Attachment>): FileReferences {
  const used = new Set<string>()
  const find = (url: unknown) => {
    const name = getReferencedName(url)
    const found = attachments.find(({ filename }) => filename === name)
    if (found !== undefined) used.add(found.id)
    return found
  }
  return { find, used }
}

/**
 * An embed as Discord returns it: trimmed, of type `rich`, with proxy URLs. A picture whose file is
 * missing is left out without an error.
 */
export const renderEmbed = (embed: unknown, files: FileReferences): unknown => {
  if (!isJsonObject(embed)) return embed
  return omitEmpty({
    type: "rich",
    title: trimText(embed["title"]),
    description: trimText(embed["description"]),
    url: embed["url"],
    timestamp: renderTimestamp(embed["timestamp"]),
    color: embed["color"],
    footer: renderFooter(embed["footer"], files),
    image: renderPicture(embed["image"], files),
    thumbnail: renderPicture(embed["thumbnail"], files),
    author: renderEmbedAuthor(embed["author"], files),
    fields: Array.isArray(embed["fields"]) ? embed["fields"].map(renderField) : undefined,
  })
}

/** The URL of a picture behind Discord's proxy. */
function makeProxyUrl(url: string): string {
  return `https://images-ext-1.discordapp.net/external/${url.replace("://", "/")}`
}

function renderField(field: unknown): unknown {
  if (!isJsonObject(field)) return field
  return {
    name: trimText(field["name"]),
    value: trimText(field["value"]),
    inline: field["inline"] ?? false,
  }
}

function renderFooter(footer: unknown, files: FileReferences): unknown {
  if (!isJsonObject(footer) || isAbsent(footer["text"])) return undefined
  return omitEmpty({ text: trimText(footer["text"]), ...renderIcon(footer["icon_url"], files) })
}

function renderEmbedAuthor(author: unknown, files: FileReferences): unknown {
  if (!isJsonObject(author) || isAbsent(author["name"])) return undefined
  return omitEmpty({
    name: trimText(author["name"]),
    url: author["url"],
    ...renderIcon(author["icon_url"], files),
  })
}

function renderIcon(url: unknown, files: FileReferences): object {
  const file = files.find(url)
  if (file !== undefined) return { icon_url: file.url, proxy_icon_url: file.proxy_url }
  if (typeof url !== "string" || getReferencedName(url) !== undefined) return {}
  return { icon_url: url, proxy_icon_url: makeProxyUrl(url) }
}

function renderPicture(picture: unknown, files: FileReferences): unknown {
  if (!isJsonObject(picture) || typeof picture["url"] !== "string") return undefined
  const { url, description } = picture
  const file = files.find(url)
  if (file !== undefined) {
    const { width = 0, height = 0, content_type } = file
    const { url: fileUrl, proxy_url } = file
    return omitEmpty({ url: fileUrl, proxy_url, width, height, content_type, description })
  }
  if (getReferencedName(url) !== undefined) return undefined
  return omitEmpty({ url, proxy_url: makeProxyUrl(url), width: 0, height: 0, description })
}

function renderTimestamp(value: unknown): unknown {
  return typeof value === "string" ? formatTimestamp(DateTime.unsafeMake(value)) : undefined
}

function trimText(value: unknown): unknown {
  return typeof value === "string" ? value.trim() : value
}

/** Removes absent, null and empty fields. */
function omitEmpty(value: JsonObject): unknown {
  return Object.fromEntries(
    Object.entries(value).filter(([, part]) => part !== undefined && part !== null && part !== ""),
  )
}

/** An emoji as Discord returns it. The simulator has no custom ones: each is named after its id. */
export function renderEmoji(emoji: unknown): object {
  if (!isJsonObject(emoji)) return {}
  const { id, name, animated } = emoji
  if (isAbsent(id)) return { name }
  const custom = { id: String(id), name: isAbsent(name) ? `emoji_${String(id)}` : name }
  return typeof animated === "boolean" ? { ...custom, animated } : custom
}

/** Components as Discord returns them: each has an `id`, and defaults are filled in. */
export const renderComponents = (
  components: unknown,
  media: MediaSource,
): ReadonlyArray<unknown> => {
  if (!Array.isArray(components)) return []
  const taken = new Set<number>()
  collectIds(components, taken)
  let last = 0
  const ownId = (component: JsonObject): number => {
    if (typeof component["id"] === "number" && component["id"] !== 0) return component["id"]
    do last++
    while (taken.has(last))
    return last
  }
  const render = (component: unknown): unknown => {
    if (!isJsonObject(component)) return component
    const children = component["components"]
    const accessory = component["accessory"]
    return {
      ...normalizeComponent(component),
      ...getDefaults(component, media),
      id: ownId(component),
      ...(Array.isArray(children) ? { components: children.map(render) } : {}),
      ...(accessory === undefined ? {} : { accessory: render(accessory) }),
    }
  }
  return components.map(render)
}

function collectIds(value: unknown, taken: Set<number>): void {
  if (Array.isArray(value)) for (const item of value) collectIds(item, taken)
  if (!isJsonObject(value)) return
  if (typeof value["id"] === "number" && value["id"] !== 0) taken.add(value["id"])
  collectIds(value["components"], taken)
  collectIds(value["accessory"], taken)
}

/** The defaults of each component type. */
function getDefaults(component: JsonObject, media: MediaSource): object {
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
        ...renderDescription(component),
        spoiler,
        media: renderMedia(component["media"], media),
      }
    case 12:
      return { items: renderGallery(component["items"], media) }
    case 13:
      return { spoiler, ...renderFile(component["file"], media) }
    case 14:
      return { divider: component["divider"] ?? true, spacing: component["spacing"] ?? 1 }
    case 17:
      return { spoiler, accent_color: component["accent_color"] ?? null }
    default:
      return {}
  }
}

function renderGallery(items: unknown, media: MediaSource): ReadonlyArray<unknown> {
  return filterJsonObjects(items).map((item) => ({
    ...renderDescription(item),
    spoiler: item["spoiler"] ?? false,
    media: renderMedia(item["media"], media),
  }))
}

function renderFile(value: unknown, media: MediaSource): object {
  const file = media.files.find(getMediaUrl(value))
  return {
    file: renderMedia(value, media),
    name: file?.filename ?? null,
    size: file?.["size"] ?? null,
  }
}

function getMediaUrl(media: unknown): string {
  return isJsonObject(media) && typeof media["url"] === "string" ? media["url"] : ""
}

/** A media item. Only files of the message have a size and content type. */
function renderMedia(value: unknown, { files, nextId }: MediaSource): unknown {
  const address = getMediaUrl(value)
  const file = files.find(address)
  if (file !== undefined) {
    const { id, url, proxy_url, width = null, height = null, content_type = null } = file
    return { id: nextId(), attachment_id: id, url, proxy_url, width, height, content_type }
  }
  return {
    id: nextId(),
    url: address,
    proxy_url: makeProxyUrl(address),
    width: null,
    height: null,
    content_type: null,
  }
}

function renderDescription(component: JsonObject): object {
  return { description: component["description"] ?? null }
}

/** A component without null fields and with ids as text. */
function normalizeComponent(component: JsonObject): object {
  const given = Object.entries(component).filter(([, value]) => value !== null)
  return Object.fromEntries(
    given.map(([name, value]): [string, unknown] => {
      if (name === "emoji") return [name, renderEmoji(value)]
      if (name === "sku_id") return [name, String(value)]
      if (name === "options") return [name, filterJsonObjects(value).map(normalizeComponent)]
      if (name !== "default_values") return [name, value]
      return [name, filterJsonObjects(value).map((one) => ({ ...one, id: String(one["id"]) }))]
    }),
  )
}
