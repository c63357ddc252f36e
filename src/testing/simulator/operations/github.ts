import { type JsonObject, filterJsonObjects, isJsonObject } from "../http/exchange.js"
import { type Check, integer, object, required, anyText, httpUrl } from "../forms/check.js"
import type { Issue } from "../http/errors.js"

const githubUser = object({
  id: required(integer({ min: 0, max: Number.MAX_SAFE_INTEGER })),
  login: required(anyText),
  html_url: required(httpUrl),
  avatar_url: required(httpUrl),
})

/** The fields of an event. Only the sender is always present. */
const githubFields: Check = object({ sender: required(githubUser), action: anyText, ref: anyText })

/** Validates the body of a GitHub event. */
export const checkGitHub = (body: JsonObject, issues: Array<Issue>): void =>
  githubFields(body, [], issues)

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
export const convertGitHubEvent = (event: string, body: JsonObject): JsonObject | undefined => {
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
