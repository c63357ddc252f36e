import type { SimulatedResponse } from "../http/exchange.js"
import { isComponentsV2 } from "../message/messageFlags.js"
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
  url,
} from "./check.js"
import { checkComponents, type Sender } from "./componentForm.js"
import { embeds } from "./embedForm.js"
import { invalidForm, type Issue, issue } from "./issue.js"
import { allowedMentions } from "./mentionsForm.js"
import { poll } from "./pollForm.js"

/** Names may not contain these, in any case. */
const forbiddenWords = ["clyde", "discord"]

/** No name may be one of these (MinnDevelopment/discord-webhooks#100). */
const forbiddenNames = new Set(["everyone", "here"])

/** The name of a webhook, and the name that one message shows instead. */
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

const attachment = object({
  id: required(snowflake),
  filename: text({ min: 1, max: 1024 }),
  title: text({ max: 1024 }),
  description: text({ max: 1024 }),
  is_spoiler: boolean,
  duration_secs: number({ min: 0, max: 2147483647 }),
  waveform: text({ max: 400 }),
})

const editable = {
  content: text({ max: 2000 }),
  embeds,
  allowed_mentions: allowedMentions,
  attachments: list(attachment, { max: 10 }),
  flags: integer({ min: 0, max: 2147483647 }),
  poll,
}

const executeFields = object({
  ...editable,
  username: webhookName,
  avatar_url: url(["http", "https"]),
  tts: boolean,
  thread_name: text({ min: 1, max: 100 }),
  applied_tags: list(snowflake, { max: 5 }),
})

const editFields = object(editable)

type Fields = Readonly<Record<string, unknown>>

/** The 50035 answer to an execute body, if Discord would refuse it. */
export const refuseExecute = (body: Fields, sender: Sender): SimulatedResponse | undefined =>
  refuse(executeFields, body, sender, isComponentsV2(body["flags"]) ? body : undefined)

/** The 50035 answer to an edit of `before`. To become V2, the message gives up the rest. */
export const refuseEdit = (
  body: Fields,
  sender: Sender,
  before: Fields,
): SimulatedResponse | undefined => {
  const isV2 = isComponentsV2(before["flags"]) || isComponentsV2(body["flags"])
  return refuse(editFields, body, sender, isV2 ? { ...before, ...body } : undefined)
}

function refuse(
  fields: Check,
  body: Fields,
  sender: Sender,
  v2: Fields | undefined,
): SimulatedResponse | undefined {
  const issues: Array<Issue> = []
  fields(body, [], issues)
  if (v2 !== undefined) refuseLegacyFields(v2, issues)
  const components = body["components"]
  if (components !== undefined && components !== null) {
    checkComponents(components, { ...sender, isV2: v2 !== undefined }, issues)
  }
  return issues.length > 0 ? invalidForm(issues) : undefined
}

/** A message of Components V2 has nothing else to say. */
function refuseLegacyFields(body: Fields, issues: Array<Issue>): void {
  for (const field of ["content", "embeds", "poll"]) {
    if (isAbsent(body[field])) continue
    const message = `The '${field}' field cannot be used when using MessageFlags.IS_COMPONENTS_V2`
    const code = "MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2"
    issues.push(issue([field], code, message))
  }
}
