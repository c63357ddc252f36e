import { checkComponents } from "./componentForm.js"
import {
  all,
  boolean,
  type Check,
  codePoints,
  dateTime,
  integer,
  invalidForm,
  isRecord,
  type Issue,
  issue,
  list,
  object,
  required,
  snowflake,
  text,
  url,
} from "./form.js"
import type { SimulatedResponse } from "./exchange.js"
import { isComponentsV2 } from "./messageFlags.js"

const web = ["http", "https"]
const media = ["http", "https", "attachment"]

/** An embed whose every part is empty is refused as one without description. */
const notBlank: Check = (value, path, issues) => {
  if (!isRecord(value)) return
  const isBlank = embedParts.every((part) => isAbsent(value[part]))
  if (isBlank) {
    issues.push(issue([...path, "description"], "BASE_TYPE_REQUIRED", "This field is required"))
  }
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
        name: required(text({ min: 1, max: 256 })),
        value: required(text({ min: 1, max: 1024 })),
        inline: boolean,
      }),
      { max: 25 },
    ),
  }),
  notBlank,
)

/** 6000 code points over all embeds of the message. */
const embedSizeTotal: Check = (value, path, issues) => {
  if (!Array.isArray(value)) return
  const total = value.reduce((sum: number, one: unknown) => sum + embedSize(one), 0)
  if (total > 6000) {
    const message = "Embed size exceeds maximum size of 6000"
    issues.push(issue(path, "MAX_EMBED_SIZE_EXCEEDED", message))
  }
}

const ids = list(snowflake, { max: 100 })

/** A kind of mention in `parse` excludes ids of that kind. */
const exclusiveMentions: Check = (value, path, issues) => {
  if (!isRecord(value) || !Array.isArray(value["parse"])) return
  for (const kind of ["users", "roles"]) {
    const listed = value[kind]
    if (value["parse"].includes(kind) && Array.isArray(listed) && listed.length > 0) {
      const message = `parse:["${kind}"] and ${kind}: [ids...] are mutually exclusive.`
      issues.push(issue(path, "MESSAGE_ALLOWED_MENTIONS_PARSE_EXCLUSIVE", message))
    }
  }
}

const mentionKind: Check = (value, path, issues) => {
  if (value !== "users" && value !== "roles" && value !== "everyone") {
    const message = "Value must be one of ('users', 'roles', 'everyone')."
    issues.push(issue(path, "BASE_TYPE_CHOICES", message))
  }
}

const allowedMentions = all(
  object({
    parse: list(mentionKind, { max: 3 }),
    users: ids,
    roles: ids,
    replied_user: boolean,
  }),
  exclusiveMentions,
)

const emoji = object({ id: snowflake, name: text({ max: 32 }) })

const poll = object({
  question: required(object({ text: required(text({ min: 1, max: 300 })) })),
  answers: required(
    list(
      object({
        poll_media: required(object({ text: required(text({ min: 1, max: 55 })), emoji })),
      }),
      { min: 1, max: 10 },
    ),
  ),
  duration: integer({ min: 1, max: 768 }),
  allow_multiselect: boolean,
  layout_type: integer({ min: 1, max: 1 }),
})

/** Names may not contain these, in any case. */
const forbiddenNames = ["clyde", "discord"]

/** The name of a webhook, and the name that one message shows instead. */
export const webhookName: Check = all(text({ min: 1, max: 80 }), (value, path, issues) => {
  if (typeof value !== "string") return
  for (const name of forbiddenNames) {
    if (value.toLowerCase().includes(name)) {
      const message = `Username cannot contain "${name}"`
      issues.push(issue(path, "USERNAME_INVALID_CONTAINS", message))
    }
  }
})

const attachment = object({
  id: required(snowflake),
  filename: text({ min: 1, max: 1024 }),
  title: text({ max: 1024 }),
  description: text({ max: 1024 }),
  is_spoiler: boolean,
})

const editable = {
  content: text({ max: 2000 }),
  embeds: all(list(embed, { max: 10 }), embedSizeTotal),
  allowed_mentions: allowedMentions,
  attachments: list(attachment, { max: 10 }),
  flags: integer({ min: 0, max: 2147483647 }),
  poll,
}

const executeFields = object({
  ...editable,
  username: webhookName,
  avatar_url: url(web),
  tts: boolean,
  thread_name: text({ min: 1, max: 100 }),
  applied_tags: list(snowflake, { max: 5 }),
})

const editFields = object(editable)

/** What the sender may do with components. */
export interface ComponentRights {
  /** Without it the components of the body are not looked at. */
  readonly honoured: boolean
  /** Buttons with `custom_id` and selects, which only a webhook of an application may send. */
  readonly interactive: boolean
}

/** The 50035 answer to an execute body, if Discord would refuse it. */
export const refuseExecute = (
  body: Readonly<Record<string, unknown>>,
  rights: ComponentRights,
): SimulatedResponse | undefined =>
  refuse(executeFields, body, rights, isComponentsV2(body["flags"]))

/** The 50035 answer to an edit; `wasV2` is whether the message has Components V2 already. */
export const refuseEdit = (
  body: Readonly<Record<string, unknown>>,
  rights: ComponentRights,
  wasV2: boolean,
): SimulatedResponse | undefined =>
  refuse(editFields, body, rights, wasV2 || isComponentsV2(body["flags"]))

function refuse(
  fields: Check,
  body: Readonly<Record<string, unknown>>,
  rights: ComponentRights,
  isV2: boolean,
): SimulatedResponse | undefined {
  const issues: Array<Issue> = []
  fields(body, [], issues)
  if (isV2) refuseLegacyFields(body, issues)
  const components = body["components"]
  if (rights.honoured && components !== undefined && components !== null) {
    checkComponents(components, { isV2, interactive: rights.interactive }, issues)
  }
  return issues.length > 0 ? invalidForm(issues) : undefined
}

/** A message of Components V2 has nothing else to say. */
function refuseLegacyFields(body: Readonly<Record<string, unknown>>, issues: Array<Issue>): void {
  for (const field of ["content", "embeds", "poll"]) {
    if (isAbsent(body[field])) continue
    const message = `The '${field}' field cannot be used when using MessageFlags.IS_COMPONENTS_V2`
    const code = "MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2"
    issues.push(issue([field], code, message))
  }
}

/** Empty text and empty lists count as not given. */
export function isAbsent(value: unknown): boolean {
  if (value === undefined || value === null) return true
  if (typeof value === "string") return value.trim() === ""
  return Array.isArray(value) && value.length === 0
}

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
