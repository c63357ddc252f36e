import { isRecord } from "../http/exchange.js"
import * as DateTime from "effect/DateTime"
import {
  all,
  boolean,
  type Check,
  integer,
  list,
  object,
  pattern,
  text,
  url,
} from "../forms/check.js"
import type { Issue } from "../http/errors.js"
import { webhookName } from "../forms/message.js"
import { isoTimestamp } from "../snowflake.js"

type Fields = Readonly<Record<string, unknown>>

const web = url(["http", "https"])
const anyText = text({ max: Infinity })

/** Discord's fields may not be empty. */
const blank = "\u200b"

/** `#rgb` or `#rrggbb`. */
const color: Check = all(anyText, pattern(/^#(?:[0-9a-f]{3}){1,2}$/i))

/** Discord documents `name`, `value` and `inline`; Slack says `title`, `value` and `short`. */
const field = object({
  name: anyText,
  title: anyText,
  value: anyText,
  inline: boolean,
  short: boolean,
})

const attachment = object({
  title: anyText,
  title_link: web,
  text: anyText,
  pretext: anyText,
  color,
  ts: integer({ min: 0, max: 253_402_300_799 }),
  footer: anyText,
  footer_icon: web,
  author_name: anyText,
  author_link: web,
  author_icon: web,
  image_url: web,
  thumb_url: web,
  fields: list(field, { max: Infinity }),
})

const slackFields = object({
  text: text({ max: 2000 }),
  username: webhookName,
  icon_url: web,
  attachments: list(attachment, { max: Infinity }),
})

/** Reports what is no message of Slack. */
export const checkSlack = (body: Fields, issues: Array<Issue>): void =>
  slackFields(body, [], issues)

/** The message that Discord makes of one of Slack: an embed for each attachment. */
export const slackMessage = (body: Fields): Fields => ({
  content: body["text"],
  username: body["username"],
  avatar_url: body["icon_url"],
  embeds: records(body["attachments"]).map(slackEmbed),
})

function slackEmbed(given: Fields): Fields {
  const description = [given["pretext"], given["text"]].filter(isText).join("\n")
  const name = given["author_name"]
  const footer = given["footer"]
  return {
    title: given["title"],
    url: given["title_link"],
    description: description === "" ? undefined : description,
    color: isText(given["color"]) ? colorNumber(given["color"]) : undefined,
    timestamp: typeof given["ts"] === "number" ? timestampOf(given["ts"]) : undefined,
    footer: isText(footer) ? { text: footer, icon_url: given["footer_icon"] } : undefined,
    author: isText(name)
      ? { name, url: given["author_link"], icon_url: given["author_icon"] }
      : undefined,
    image: picture(given["image_url"]),
    thumbnail: picture(given["thumb_url"]),
    fields: records(given["fields"]).map(slackField),
  }
}

/** A field of Slack may be empty; one of Discord may not. */
function slackField(given: Fields): Fields {
  const name = given["name"] ?? given["title"]
  return {
    name: isText(name) ? name : blank,
    value: isText(given["value"]) ? given["value"] : blank,
    inline: given["inline"] ?? given["short"] ?? false,
  }
}

function picture(address: unknown): Fields | undefined {
  return isText(address) ? { url: address } : undefined
}

function colorNumber(hex: string): number {
  const digits = hex.slice(1)
  return Number.parseInt(digits.length === 3 ? digits.replace(/./g, "$&$&") : digits, 16)
}

function timestampOf(seconds: number): string {
  return isoTimestamp(DateTime.unsafeMake(seconds * 1000))
}

function records(value: unknown): ReadonlyArray<Fields> {
  return Array.isArray(value) ? value.filter(isRecord) : []
}

function isText(value: unknown): value is string {
  return typeof value === "string" && value.trim() !== ""
}
