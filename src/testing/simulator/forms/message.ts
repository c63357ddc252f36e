import {
  type JsonObject,
  isJsonObject,
  scalarText,
  type SimulatedResponse,
} from "../http/exchange.js"
import { isComponentsV2 } from "../messages/message.js"
import {
  all,
  boolean,
  type Check,
  integer,
  isAbsent,
  list,
  number,
  object,
  required,
  snowflake,
  text,
  httpUrl,
  url,
  countCodePoints,
  dateTime,
} from "./check.js"
import { checkComponents, type Sender } from "./components.js"
import { invalidForm, type Issue, issue, type Path } from "../http/errors.js"
const webSchemes = ["http", "https"]
const mediaSchemes = ["http", "https", "attachment"]

/**
 * A URL in an embed, whose host must contain a dot: `localhost` is rejected (bugsink/bugsink#280).
 */
const embedUrl = (schemes: ReadonlyArray<string>): Check => all(url(schemes), checkHost)

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

/** Discord rejects an empty embed with an error about its description. */
const checkNotBlank: Check = (value, path, issues) => {
  if (!isJsonObject(value)) return
  const isBlank = embedParts.every((name) => isAbsent(value[name]))
  if (isBlank) {
    issues.push(issue([...path, "description"], "BASE_TYPE_REQUIRED", "This field is required"))
  }
}

const picture = object({ url: required(embedUrl(mediaSchemes)), description: text({ max: 4096 }) })

const embed = all(
  object({
    title: text({ max: 256 }),
    description: text({ max: 4096 }),
    url: embedUrl(webSchemes),
    timestamp: dateTime,
    color: integer({ min: 0, max: 16777215 }),
    footer: object({ text: required(text({ max: 2048 })), icon_url: embedUrl(mediaSchemes) }),
    image: picture,
    thumbnail: picture,
    author: object({
      name: required(text({ max: 256 })),
      url: embedUrl(webSchemes),
      icon_url: embedUrl(mediaSchemes),
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
  checkNotBlank,
)

/** Checks the maximum of 6000 code points over all embeds of a message. */
const checkTotalSize: Check = (value, path, issues) => {
  if (!Array.isArray(value)) return
  const total = value.reduce((sum: number, one: unknown) => sum + embedSize(one), 0)
  if (total > 6000) {
    const message = "Embed size exceeds maximum size of 6000"
    issues.push(issue(path, "MAX_EMBED_SIZE_EXCEEDED", message))
  }
}

/** The embeds of a message. */
const embeds: Check = all(list(embed, { max: 10 }), checkTotalSize)

/** An emoji of a poll: a custom one has an id, others a name. */
const pollEmoji = all(object({ id: snowflake, name: text({ max: 32 }) }), (value, path, issues) => {
  if (!isJsonObject(value) || !isAbsent(value["id"]) || !isAbsent(value["name"])) return
  issues.push(issue([...path, "name"], "BASE_TYPE_REQUIRED", "This field is required"))
})

/** A poll. Its answers have a lower maximum length than its question. */
const poll: Check = object({
  question: required(object({ text: required(text({ min: 1, max: 300 })) })),
  answers: required(
    list(
      object({
        poll_media: required(
          object({ text: required(text({ min: 1, max: 55 })), emoji: pollEmoji }),
        ),
      }),
      { min: 1, max: 10 },
    ),
  ),
  // Hours: up to 32 days.
  duration: integer({ min: 1, max: 768 }),
  allow_multiselect: boolean,
  layout_type: integer({ min: 1, max: 1 }),
})

const mentionIds = list(snowflake, { max: 100 })

/** Checks that `parse` and the list of ids do not name the same kind of mention. */
const checkExclusiveMentions: Check = (value, path, issues) => {
  if (!isJsonObject(value) || !Array.isArray(value["parse"])) return
  for (const kind of ["users", "roles"]) {
    const listed = value[kind]
    if (value["parse"].includes(kind) && Array.isArray(listed) && listed.length > 0) {
      const message = `parse:["${kind}"] and ${kind}: [ids...] are mutually exclusive.`
      issues.push(issue(path, "MESSAGE_ALLOWED_MENTIONS_PARSE_EXCLUSIVE", message))
    }
  }
}

const checkMentionKind: Check = (value, path, issues) => {
  if (value !== "users" && value !== "roles" && value !== "everyone") {
    const message = "Value must be one of ('users', 'roles', 'everyone')."
    issues.push(issue(path, "BASE_TYPE_CHOICES", message))
  }
}

/** `allowed_mentions`. */
const allowedMentions: Check = all(
  object({
    parse: list(checkMentionKind, { max: 3 }),
    users: mentionIds,
    roles: mentionIds,
    replied_user: boolean,
  }),
  checkExclusiveMentions,
)

/** Words that a name must not contain, case-insensitive. */
const forbiddenWords = ["clyde", "discord"]

/** Names that are rejected (MinnDevelopment/discord-webhooks#100). */
const forbiddenNames = new Set(["everyone", "here"])

/** The name of a webhook, or the `username` of a message. */
export const webhookName: Check = all(text({ min: 1, max: 80 }), (value, path, issues) => {
  if (typeof value !== "string") return
  for (const word of forbiddenWords) {
    if (value.toLowerCase().includes(word)) {
      const message = `Username cannot contain "${word}"`
      issues.push(issue(path, "USERNAME_INVALID_CONTAINS", message))
    }
  }
  if (forbiddenNames.has(value.trim())) {
    issues.push(issue(path, "USERNAME_INVALID", `Username cannot be "${value.trim()}"`))
  }
})

const attachmentItem = object({
  id: required(snowflake),
  filename: text({ min: 1, max: 1024 }),
  title: text({ max: 1024 }),
  description: text({ max: 1024 }),
  is_spoiler: boolean,
  duration_secs: number({ min: 0, max: 2147483647 }),
  waveform: text({ max: 400 }),
})

const editableFields = {
  content: text({ max: 2000 }),
  embeds,
  allowed_mentions: allowedMentions,
  attachments: list(attachmentItem, { max: 10 }),
  flags: integer({ min: 0, max: 2147483647 }),
  poll,
}

const executeFields = object({
  ...editableFields,
  username: webhookName,
  avatar_url: httpUrl,
  tts: boolean,
  thread_name: text({ min: 1, max: 100 }),
  applied_tags: list(snowflake, { max: 5 }),
})

const editFields = object(editableFields)

/** Validates the body of Execute Webhook. Returns the 50035 response if it has errors. */
export const validateExecute = (body: JsonObject, sender: Sender): SimulatedResponse | undefined =>
  validateFields(executeFields, body, sender, isComponentsV2(body["flags"]) ? body : undefined)

/**
 * Validates an edit of `before`. A message that becomes V2 must clear its content, embeds and poll.
 */
export const validateEdit = (
  body: JsonObject,
  sender: Sender,
  before: JsonObject,
): SimulatedResponse | undefined => {
  const isV2 = isComponentsV2(before["flags"]) || isComponentsV2(body["flags"])
  return validateFields(editFields, body, sender, isV2 ? { ...before, ...body } : undefined)
}

function validateFields(
  fields: Check,
  body: JsonObject,
  sender: Sender,
  /** The whole message, if it uses Components V2. */
  v2Message: JsonObject | undefined,
): SimulatedResponse | undefined {
  const issues: Array<Issue> = []
  fields(body, [], issues)
  if (v2Message !== undefined) checkLegacyFields(v2Message, issues)
  const components = body["components"]
  if (components !== undefined && components !== null) {
    checkComponents(components, { ...sender, isV2: v2Message !== undefined }, issues)
  }
  return issues.length > 0 ? invalidForm(issues) : undefined
}

/** Checks that a message of Components V2 has no content, embeds or poll. */
function checkLegacyFields(body: JsonObject, issues: Array<Issue>): void {
  for (const field of ["content", "embeds", "poll"]) {
    if (isAbsent(body[field])) continue
    const message = `The '${field}' field cannot be used when using MessageFlags.IS_COMPONENTS_V2`
    const code = "MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2"
    issues.push(issue([field], code, message))
  }
}

function checkHost(value: unknown, path: Path, issues: Array<Issue>): void {
  const host = /^https?:\/\/(?:[^/?#@]*@)?(\[[^\]]*\]|[^/?#:]*)/i.exec(
    scalarText(value).trim(),
  )?.[1]
  if (host === undefined || host.includes(".") || host.startsWith("[")) return
  issues.push(issue(path, "URL_TYPE_INVALID_URL", "Not a well formed URL."))
}

function embedSize(value: unknown): number {
  if (!isJsonObject(value)) return 0
  const fields: ReadonlyArray<unknown> = Array.isArray(value["fields"]) ? value["fields"] : []
  const own = countTrimmed(value["title"]) + countTrimmed(value["description"])
  const named =
    countTrimmed(getField(value["footer"], "text")) +
    countTrimmed(getField(value["author"], "name"))
  return fields.reduce<number>(
    (sum, field) =>
      sum + countTrimmed(getField(field, "name")) + countTrimmed(getField(field, "value")),
    own + named,
  )
}

function getField(value: unknown, name: string): unknown {
  return isJsonObject(value) ? value[name] : undefined
}

function countTrimmed(value: unknown): number {
  return typeof value === "string" ? countCodePoints(value.trim()) : 0
}
