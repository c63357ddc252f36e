import { DateTime } from "effect"
import { isRecord } from "../form/check.js"
import { isoTimestamp } from "../snowflake.js"

/** An embed as Discord answers it: trimmed, of type `rich`, pictures with their proxied URL. */
export const embedAnswer = (embed: unknown): unknown => {
  if (!isRecord(embed)) return embed
  return withoutNothing({
    type: "rich",
    title: trimmed(embed["title"]),
    description: trimmed(embed["description"]),
    url: embed["url"],
    timestamp: timestampAnswer(embed["timestamp"]),
    color: embed["color"],
    footer: footerAnswer(embed["footer"]),
    image: pictureAnswer(embed["image"]),
    thumbnail: pictureAnswer(embed["thumbnail"]),
    author: authorAnswer(embed["author"]),
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

function footerAnswer(footer: unknown): unknown {
  if (!isRecord(footer)) return undefined
  return withoutNothing({ text: trimmed(footer["text"]), ...iconAnswer(footer["icon_url"]) })
}

function authorAnswer(author: unknown): unknown {
  if (!isRecord(author)) return undefined
  return withoutNothing({
    name: trimmed(author["name"]),
    url: author["url"],
    ...iconAnswer(author["icon_url"]),
  })
}

function iconAnswer(url: unknown): object {
  return typeof url === "string" ? { icon_url: url, proxy_icon_url: proxied(url) } : {}
}

function pictureAnswer(picture: unknown): unknown {
  if (!isRecord(picture) || typeof picture["url"] !== "string") return undefined
  const { url, description } = picture
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
