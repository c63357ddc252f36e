import { isRecord } from "../http/exchange.js"
import { type Check, integer, object, required, text, url } from "../forms/check.js"
import type { Issue } from "../http/errors.js"

type Fields = Readonly<Record<string, unknown>>

const web = url(["http", "https"])
const anyText = text({ max: Infinity })

const user = object({
  id: required(integer({ min: 0, max: Number.MAX_SAFE_INTEGER })),
  login: required(anyText),
  html_url: required(web),
  avatar_url: required(web),
})

/** Of all that GitHub sends, only the sender is always there. */
const githubFields: Check = object({ sender: required(user), action: anyText, ref: anyText })

/** Reports what is no event of GitHub. */
export const checkGitHub = (body: Fields, issues: Array<Issue>): void =>
  githubFields(body, [], issues)

/** What the embed of an event says, next to who did it. */
interface Report {
  readonly title: string
  readonly url?: string | undefined
  readonly description?: string | undefined
}

/** The events that Discord shows. All others it takes and forgets. */
const reports: Readonly<Record<string, (body: Fields) => Report | undefined>> = {
  push: (body) => {
    const commits = list(body, "commits")
    const branch = says(body, "ref")?.replace(/^refs\/(?:heads|tags)\//, "")
    const noun = commits.length === 1 ? "commit" : "commits"
    return {
      title: `[${says(body, "repository", "name")}:${branch}] ${commits.length} new ${noun}`,
      url: says(body, "compare"),
      description: commits.map(commitLine).join("\n"),
    }
  },
  issues: (body) => about(body, "issue", `Issue ${says(body, "action")}: `),
  issue_comment: (body) => {
    const noun = isRecord(part(body, "issue", "pull_request")) ? "pull request" : "issue"
    return remark(body, "issue", `New comment on ${noun} `)
  },
  pull_request: (body) => about(body, "pull_request", `Pull request ${says(body, "action")}: `),
  pull_request_review: (body) => ({
    ...about(body, "pull_request", `Pull request review ${says(body, "action")}: `),
    url: says(body, "review", "html_url"),
    description: says(body, "review", "body"),
  }),
  pull_request_review_comment: (body) =>
    remark(body, "pull_request", "New review comment on pull request "),
  commit_comment: (body) => {
    const commit = says(body, "comment", "commit_id")?.slice(0, 7)
    return {
      title: inRepository(body, `New comment on commit \`${commit}\``),
      url: says(body, "comment", "html_url"),
      description: says(body, "comment", "body"),
    }
  },
  create: (body) => ({
    title: inRepository(body, `New ${says(body, "ref_type")} created: ${says(body, "ref")}`),
  }),
  delete: (body) => ({
    title: inRepository(body, `${says(body, "ref_type")} deleted: ${says(body, "ref")}`),
  }),
  fork: (body) => ({
    title: inRepository(body, `Fork created: ${says(body, "forkee", "full_name")}`),
    url: says(body, "forkee", "html_url"),
  }),
  member: (body) => ({
    title: inRepository(body, `New collaborator added: ${says(body, "member", "login")}`),
    url: says(body, "member", "html_url"),
  }),
  public: (body) => ({
    title: inRepository(body, "Now open sourced!"),
    url: says(body, "repository", "html_url"),
  }),
  release: (body) => ({
    title: inRepository(body, `New release published: ${says(body, "release", "tag_name")}`),
    url: says(body, "release", "html_url"),
  }),
  watch: (body) => ({
    title: inRepository(body, "New star added"),
    url: says(body, "repository", "html_url"),
  }),
  check_run: (body) => check(body, "check_run", says(body, "check_run", "name")),
  check_suite: (body) => check(body, "check_suite", says(body, "check_suite", "app", "name")),
  discussion: (body) => about(body, "discussion", `Discussion ${says(body, "action")}: `),
  discussion_comment: (body) => remark(body, "discussion", "New comment on discussion "),
}

/** The message that Discord makes of an event, if it shows such events at all. */
export const githubMessage = (event: string, body: Fields): Fields | undefined => {
  const report = Object.hasOwn(reports, event) ? reports[event]?.(body) : undefined
  if (report === undefined) return undefined
  return {
    username: "GitHub",
    embeds: [
      {
        title: shortened(report.title, 256),
        url: report.url,
        description: shortened(report.description ?? "", 4096),
        author: {
          name: says(body, "sender", "login"),
          url: says(body, "sender", "html_url"),
          icon_url: says(body, "sender", "avatar_url"),
        },
      },
    ],
  }
}

/** An issue, pull request or discussion; its text only when it is new. */
function about(body: Fields, subject: string, prefix: string): Report {
  const isNew = body["action"] === "opened" || body["action"] === "created"
  return {
    title: inRepository(body, prefix + numbered(body, subject)),
    url: says(body, subject, "html_url"),
    description: isNew ? says(body, subject, "body") : undefined,
  }
}

function remark(body: Fields, subject: string, prefix: string): Report {
  return {
    title: inRepository(body, prefix + numbered(body, subject)),
    url: says(body, "comment", "html_url"),
    description: says(body, "comment", "body"),
  }
}

/** A check says nothing before it has a conclusion. */
function check(body: Fields, subject: string, name: string | undefined): Report | undefined {
  const conclusion = says(body, subject, "conclusion")
  if (conclusion === undefined) return undefined
  const suite = subject === "check_run" ? ["check_run", "check_suite"] : ["check_suite"]
  const branch = says(body, ...suite, "head_branch")
  return {
    title: inRepository(body, `${name} ${conclusion} on ${branch}`),
    url: says(body, subject, "html_url"),
  }
}

function commitLine(commit: Fields): string {
  const id = says(commit, "id")?.slice(0, 7)
  const [message = ""] = says(commit, "message")?.split("\n") ?? []
  return `[\`${id}\`](${says(commit, "url")}) ${message} - ${says(commit, "author", "name")}`
}

function inRepository(body: Fields, title: string): string {
  return `[${says(body, "repository", "full_name")}] ${title}`
}

function numbered(body: Fields, subject: string): string {
  return `#${says(body, subject, "number")} ${says(body, subject, "title")}`
}

function part(value: unknown, ...path: ReadonlyArray<string>): unknown {
  return path.reduce<unknown>((inner, key) => (isRecord(inner) ? inner[key] : undefined), value)
}

/** The text or number at a path. */
function says(value: unknown, ...path: ReadonlyArray<string>): string | undefined {
  const found = part(value, ...path)
  if (typeof found === "number") return String(found)
  return typeof found === "string" ? found : undefined
}

function list(body: Fields, name: string): ReadonlyArray<Fields> {
  const found = body[name]
  return Array.isArray(found) ? found.filter(isRecord) : []
}

function shortened(value: string, max: number): string {
  const points = Array.from(value)
  return points.length <= max ? value : `${points.slice(0, max - 3).join("")}...`
}
