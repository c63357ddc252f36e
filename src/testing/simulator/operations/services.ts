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
  required,
  text,
} from "../forms/check.js"
import type { Check } from "../forms/check.js"
import { validateExecute, webhookName } from "../forms/message.js"
import { formatTimestamp } from "../generate.js"
import { apiError, invalidForm, issue } from "../http/errors.js"
import type { Issue } from "../http/errors.js"
import { filterJsonObjects, isJsonObject, noContent } from "../http/exchange.js"
import type { JsonObject, SimulatedResponse } from "../http/exchange.js"
import { isForum } from "../state.js"
import { parseQuery, checkAccess } from "./call.js"
import type { Call } from "./call.js"
import { postMessage } from "./messages.js"

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

const githubUser = object({
  id: required(integer({ min: 0, max: Number.MAX_SAFE_INTEGER })),
  login: required(anyText),
  html_url: required(httpUrl),
  avatar_url: required(httpUrl),
})

/** The fields of an event. Only the sender is always present. */
const githubFields: Check = object({ sender: required(githubUser), action: anyText, ref: anyText })

/** Validates the body of a GitHub event. */
const checkGitHub = (body: JsonObject, issues: Array<Issue>): void => githubFields(body, [], issues)

/** The text of an event's embed, without its author. */
interface EventSummary {
  readonly title: string
  readonly url?: string | undefined
  readonly description?: string | undefined
}

/** The events that Discord shows; others are accepted without a message. */
const summaries: Readonly<Record<string, (body: JsonObject) => EventSummary | undefined>> = {
  push: (body) => {
    const commits = getObjects(body, "commits")
    const branch = getText(body, "ref")?.replace(/^refs\/(?:heads|tags)\//, "")
    const noun = commits.length === 1 ? "commit" : "commits"
    return {
      title: `[${getText(body, "repository", "name")}:${branch}] ${commits.length} new ${noun}`,
      url: getText(body, "compare"),
      description: commits.map(formatCommit).join("\n"),
    }
  },
  issues: (body) => summarizeSubject(body, "issue", `Issue ${getText(body, "action")}: `),
  issue_comment: (body) => {
    const noun = isJsonObject(getPath(body, "issue", "pull_request")) ? "pull request" : "issue"
    return summarizeComment(body, "issue", `New comment on ${noun} `)
  },
  pull_request: (body) =>
    summarizeSubject(body, "pull_request", `Pull request ${getText(body, "action")}: `),
  pull_request_review: (body) => ({
    ...summarizeSubject(body, "pull_request", `Pull request review ${getText(body, "action")}: `),
    url: getText(body, "review", "html_url"),
    description: getText(body, "review", "body"),
  }),
  pull_request_review_comment: (body) =>
    summarizeComment(body, "pull_request", "New review comment on pull request "),
  commit_comment: (body) => {
    const commit = getText(body, "comment", "commit_id")?.slice(0, 7)
    return {
      title: prefixRepository(body, `New comment on commit \`${commit}\``),
      url: getText(body, "comment", "html_url"),
      description: getText(body, "comment", "body"),
    }
  },
  create: (body) => ({
    title: prefixRepository(
      body,
      `New ${getText(body, "ref_type")} created: ${getText(body, "ref")}`,
    ),
  }),
  delete: (body) => ({
    title: prefixRepository(body, `${getText(body, "ref_type")} deleted: ${getText(body, "ref")}`),
  }),
  fork: (body) => ({
    title: prefixRepository(body, `Fork created: ${getText(body, "forkee", "full_name")}`),
    url: getText(body, "forkee", "html_url"),
  }),
  member: (body) => ({
    title: prefixRepository(body, `New collaborator added: ${getText(body, "member", "login")}`),
    url: getText(body, "member", "html_url"),
  }),
  public: (body) => ({
    title: prefixRepository(body, "Now open sourced!"),
    url: getText(body, "repository", "html_url"),
  }),
  release: (body) => ({
    title: prefixRepository(body, `New release published: ${getText(body, "release", "tag_name")}`),
    url: getText(body, "release", "html_url"),
  }),
  watch: (body) => ({
    title: prefixRepository(body, "New star added"),
    url: getText(body, "repository", "html_url"),
  }),
  check_run: (body) => summarizeCheck(body, "check_run", getText(body, "check_run", "name")),
  check_suite: (body) =>
    summarizeCheck(body, "check_suite", getText(body, "check_suite", "app", "name")),
  discussion: (body) =>
    summarizeSubject(body, "discussion", `Discussion ${getText(body, "action")}: `),
  discussion_comment: (body) => summarizeComment(body, "discussion", "New comment on discussion "),
}

/** Converts an event to a message, or to `undefined` if Discord does not show it. */
const convertGitHubEvent = (event: string, body: JsonObject): JsonObject | undefined => {
  const report = Object.hasOwn(summaries, event) ? summaries[event]?.(body) : undefined
  if (report === undefined) return undefined
  return {
    username: "GitHub",
    embeds: [
      {
        title: truncate(report.title, 256),
        url: report.url,
        description: truncate(report.description ?? "", 4096),
        author: {
          name: getText(body, "sender", "login"),
          url: getText(body, "sender", "html_url"),
          icon_url: getText(body, "sender", "avatar_url"),
        },
      },
    ],
  }
}

/** An event of an issue, pull request or discussion. The body is included only if it is new. */
function summarizeSubject(body: JsonObject, subject: string, prefix: string): EventSummary {
  const isNew = body["action"] === "opened" || body["action"] === "created"
  return {
    title: prefixRepository(body, prefix + formatNumber(body, subject)),
    url: getText(body, subject, "html_url"),
    description: isNew ? getText(body, subject, "body") : undefined,
  }
}

function summarizeComment(body: JsonObject, subject: string, prefix: string): EventSummary {
  return {
    title: prefixRepository(body, prefix + formatNumber(body, subject)),
    url: getText(body, "comment", "html_url"),
    description: getText(body, "comment", "body"),
  }
}

/** A check run or suite, which Discord shows once it has a conclusion. */
function summarizeCheck(
  body: JsonObject,
  subject: string,
  name: string | undefined,
): EventSummary | undefined {
  const conclusion = getText(body, subject, "conclusion")
  if (conclusion === undefined) return undefined
  const suite = subject === "check_run" ? ["check_run", "check_suite"] : ["check_suite"]
  const branch = getText(body, ...suite, "head_branch")
  return {
    title: prefixRepository(body, `${name} ${conclusion} on ${branch}`),
    url: getText(body, subject, "html_url"),
  }
}

function formatCommit(commit: JsonObject): string {
  const id = getText(commit, "id")?.slice(0, 7)
  const [message = ""] = getText(commit, "message")?.split("\n") ?? []
  return `[\`${id}\`](${getText(commit, "url")}) ${message} - ${getText(commit, "author", "name")}`
}

function prefixRepository(body: JsonObject, title: string): string {
  return `[${getText(body, "repository", "full_name")}] ${title}`
}

function formatNumber(body: JsonObject, subject: string): string {
  return `#${getText(body, subject, "number")} ${getText(body, subject, "title")}`
}

function getPath(value: unknown, ...path: ReadonlyArray<string>): unknown {
  return path.reduce<unknown>((inner, key) => (isJsonObject(inner) ? inner[key] : undefined), value)
}

/** The text or number at a path. */
function getText(value: unknown, ...path: ReadonlyArray<string>): string | undefined {
  const found = getPath(value, ...path)
  if (typeof found === "number") return String(found)
  return typeof found === "string" ? found : undefined
}

function getObjects(body: JsonObject, name: string): ReadonlyArray<JsonObject> {
  return filterJsonObjects(body[name])
}

function truncate(value: string, max: number): string {
  const points = Array.from(value)
  return points.length <= max ? value : `${points.slice(0, max - 3).join("")}...`
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
