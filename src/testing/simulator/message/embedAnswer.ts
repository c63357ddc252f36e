import * as DateTime from "effect/DateTime"
import { isAbsent, isRecord } from "../form/check.js"
import { isoTimestamp } from "../snowflake.js"
import { type FileReferences, referencedName } from "./fileReferences.js"

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

/** Pictures are served through Discord's proxy as well. */
export const proxied = (url: string): string =>
  `https://images-ext-1.discordapp.net/external/${url.replace("://", "/")}`

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
