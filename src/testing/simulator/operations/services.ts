/** The endpoints that accept the bodies of Slack and GitHub. */
import * as DateTime from "effect/DateTime"
import {
  all,
  anyText,
  boolean,
  httpUrl,
  integer,
  list,
  object,
  pattern,
  text,
} from "../forms/check.js"
import type { Check } from "../forms/check.js"
import { validateExecute, webhookName } from "../forms/message.js"
import { formatTimestamp } from "../generate.js"
import { apiError, invalidForm, issue } from "../http/errors.js"
import type { Issue } from "../http/errors.js"
import { filterJsonObjects, noContent } from "../http/exchange.js"
import type { JsonObject, SimulatedResponse } from "../http/exchange.js"
import { isForum } from "../state.js"
import { parseQuery, checkAccess } from "./call.js"
import type { Call } from "./call.js"
import { postMessage } from "./execute.js"
import { checkGitHub, convertGitHubEvent } from "./github.js"

/** Stands for an empty field, which Discord does not allow. */
const zeroWidthSpace = "\u200b"

/** `#rgb` or `#rrggbb`. */
const slackColor: Check = all(anyText, pattern(/^#(?:[0-9a-f]{3}){1,2}$/i))

/** A field. Discord documents `name`, `value` and `inline`, Slack `title`, `value` and `short`. */
const slackField = object({
  name: anyText,
  title: anyText,
  value: anyText,
  inline: boolean,
  short: boolean,
})

const slackAttachment = object({
  title: anyText,
  title_link: httpUrl,
  text: anyText,
  pretext: anyText,
  color: slackColor,
  ts: integer({ min: 0, max: 253_402_300_799 }),
  footer: anyText,
  footer_icon: httpUrl,
  author_name: anyText,
  author_link: httpUrl,
  author_icon: httpUrl,
  image_url: httpUrl,
  thumb_url: httpUrl,
  fields: list(slackField, { max: Infinity }),
})

const slackFields = object({
  text: text({ max: 2000 }),
  username: webhookName,
  icon_url: httpUrl,
  attachments: list(slackAttachment, { max: Infinity }),
})

/** Validates the body of a Slack message. */
const checkSlack = (body: JsonObject, issues: Array<Issue>): void => slackFields(body, [], issues)

/** Converts a Slack message: an embed for each attachment. */
const convertSlackMessage = (body: JsonObject): JsonObject => ({
  content: body["text"],
  username: body["username"],
  avatar_url: body["icon_url"],
  embeds: filterJsonObjects(body["attachments"]).map(convertSlackAttachment),
})

function convertSlackAttachment(given: JsonObject): JsonObject {
  const description = [given["pretext"], given["text"]].filter(isNonBlankText).join("\n")
  const name = given["author_name"]
  const footer = given["footer"]
  return {
    title: given["title"],
    url: given["title_link"],
    description: description === "" ? undefined : description,
    color: isNonBlankText(given["color"]) ? parseColor(given["color"]) : undefined,
    timestamp: typeof given["ts"] === "number" ? convertTimestamp(given["ts"]) : undefined,
    footer: isNonBlankText(footer) ? { text: footer, icon_url: given["footer_icon"] } : undefined,
    author: isNonBlankText(name)
      ? { name, url: given["author_link"], icon_url: given["author_icon"] }
      : undefined,
    image: convertPicture(given["image_url"]),
    thumbnail: convertPicture(given["thumb_url"]),
    fields: filterJsonObjects(given["fields"]).map(convertSlackField),
  }
}

/** Converts a field; empty text becomes a zero-width space. */
function convertSlackField(given: JsonObject): JsonObject {
  const name = given["name"] ?? given["title"]
  return {
    name: isNonBlankText(name) ? name : zeroWidthSpace,
    value: isNonBlankText(given["value"]) ? given["value"] : zeroWidthSpace,
    inline: given["inline"] ?? given["short"] ?? false,
  }
}

function convertPicture(address: unknown): JsonObject | undefined {
  return isNonBlankText(address) ? { url: address } : undefined
}

function parseColor(hex: string): number {
  const digits = hex.slice(1)
  return Number.parseInt(digits.length === 3 ? digits.replace(/./g, "$&$&") : digits, 16)
}

function convertTimestamp(seconds: number): string {
  return formatTimestamp(DateTime.unsafeMake(seconds * 1000))
}

function isNonBlankText(value: unknown): value is string {
  return typeof value === "string" && value.trim() !== ""
}

/** An endpoint that accepts the body of another service. */
interface CompatibleService {
  readonly check: (call: Call, issues: Array<Issue>) => void
  /** The message, or `undefined` for events that Discord ignores. */
  readonly render: (call: Call) => JsonObject | undefined
  readonly success: SimulatedResponse
}

/** The response is never a message, even with `wait`. */
const slackService: CompatibleService = {
  check: ({ body }, issues) => checkSlack(body, issues),
  render: ({ body }) => convertSlackMessage(body),
  success: {
    status: 200,
    headers: {},
    body: { _tag: "Text", text: "ok", contentType: "text/html; charset=utf-8" },
  },
}

const eventHeader = "x-github-event"

const githubService: CompatibleService = {
  check: ({ body, headers }, issues) => {
    if (headers[eventHeader] === undefined) {
      issues.push(issue([eventHeader], "BASE_TYPE_REQUIRED", "This field is required"))
    }
    checkGitHub(body, issues)
  },
  render: ({ body, headers }) => convertGitHubEvent(headers[eventHeader] ?? "", body),
  success: noContent,
}

/** Execute Slack-Compatible Webhook. */
export const executeSlack = (call: Call): SimulatedResponse => executeService(call, slackService)

/** Execute GitHub-Compatible Webhook. */
export const executeGitHub = (call: Call): SimulatedResponse => executeService(call, githubService)

/** Executes a webhook with the body of a service. In a forum it requires a `thread_id`. */
function executeService(
  call: Call,
  { check, render, success }: CompatibleService,
): SimulatedResponse {
  const { channel } = call.webhook
  const query = parseQuery(call.query)
  if (query._tag === "Rejected") return query.response
  const accessError = checkAccess(channel, true)
  if (accessError !== undefined) return accessError
  const issues: Array<Issue> = []
  check(call, issues)
  if (issues.length > 0) return invalidForm(issues)
  if (isForum(channel) && query.threadId === undefined) return apiError(220004)
  const message = render(call)
  if (message === undefined) return success
  const rejection = validateExecute(message, { isInteractive: false, files: new Set() })
  if (rejection !== undefined) return rejection
  const posted = postMessage(call, message, query.threadId, [])
  return posted._tag === "Rejected" ? posted.response : success
}
