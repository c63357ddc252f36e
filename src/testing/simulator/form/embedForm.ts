import {
  all,
  boolean,
  type Check,
  codePoints,
  dateTime,
  integer,
  isAbsent,
  isRecord,
  list,
  object,
  required,
  text,
  url as anyUrl,
} from "./check.js"
import { type Issue, issue, type Path } from "./issue.js"

const web = ["http", "https"]
const media = ["http", "https", "attachment"]

/** In embeds a host without a dot, such as `localhost`, is no host (bugsink/bugsink#280). */
const url = (schemes: ReadonlyArray<string>): Check => all(anyUrl(schemes), dottedHost)

function dottedHost(value: unknown, path: Path, issues: Array<Issue>): void {
  const host = /^https?:\/\/(?:[^/?#@]*@)?(\[[^\]]*\]|[^/?#:]*)/i.exec(String(value).trim())?.[1]
  if (host === undefined || host.includes(".") || host.startsWith("[")) return
  issues.push(issue(path, "URL_TYPE_INVALID_URL", "Not a well formed URL."))
}

const embedParts = [
  "title",
  "description",
  "url",
  "timestamp",
  "color",
  "footer",
  "image",
  "thumbnail",
  "author",
  "fields",
]

/** An embed whose every part is empty is refused as one without description. */
const notBlank: Check = (value, path, issues) => {
  if (!isRecord(value)) return
  const isBlank = embedParts.every((name) => isAbsent(value[name]))
  if (isBlank) {
    issues.push(issue([...path, "description"], "BASE_TYPE_REQUIRED", "This field is required"))
  }
}

const picture = object({ url: required(url(media)), description: text({ max: 4096 }) })

const embed = all(
  object({
    title: text({ max: 256 }),
    description: text({ max: 4096 }),
    url: url(web),
    timestamp: dateTime,
    color: integer({ min: 0, max: 16777215 }),
    footer: object({ text: required(text({ max: 2048 })), icon_url: url(media) }),
    image: picture,
    thumbnail: picture,
    author: object({
      name: required(text({ max: 256 })),
      url: url(web),
      icon_url: url(media),
    }),
    fields: list(
      object({
        name: required(text({ max: 256 })),
        value: required(text({ max: 1024 })),
        inline: boolean,
      }),
      { max: 25 },
    ),
  }),
  notBlank,
)

/** 6000 code points over all embeds of the message. */
const totalSize: Check = (value, path, issues) => {
  if (!Array.isArray(value)) return
  const total = value.reduce((sum: number, one: unknown) => sum + embedSize(one), 0)
  if (total > 6000) {
    const message = "Embed size exceeds maximum size of 6000"
    issues.push(issue(path, "MAX_EMBED_SIZE_EXCEEDED", message))
  }
}

/** The embeds of a message. */
export const embeds: Check = all(list(embed, { max: 10 }), totalSize)

function embedSize(value: unknown): number {
  if (!isRecord(value)) return 0
  const fields: ReadonlyArray<unknown> = Array.isArray(value["fields"]) ? value["fields"] : []
  const own = size(value["title"]) + size(value["description"])
  const named = size(part(value["footer"], "text")) + size(part(value["author"], "name"))
  return fields.reduce<number>(
    (sum, field) => sum + size(part(field, "name")) + size(part(field, "value")),
    own + named,
  )
}

function part(value: unknown, name: string): unknown {
  return isRecord(value) ? value[name] : undefined
}

function size(value: unknown): number {
  return typeof value === "string" ? codePoints(value.trim()) : 0
}
