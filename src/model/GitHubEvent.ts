/**
 * What GitHub sends to webhooks, which Discord takes and turns into messages.
 *
 * The fields keep GitHub's names: this is GitHub's JSON, which a program receives and forwards.
 * Typed are those that Discord looks at; all others go with them unchanged.
 *
 * @see https://discord.com/developers/docs/resources/webhook#execute-githubcompatible-webhook
 * @since 0.1.0
 * @module
 */
import * as Either from "effect/Either"
import * as Schema from "effect/Schema"
import type * as Effect from "effect/Effect"
import type * as ParseResult from "effect/ParseResult"
import { lazy } from "./lazy.js"
import { base36 } from "./limits.js"

const namePattern = /^[\w.-]{1,100}$/

/**
 * The events that Discord shows. It takes others as well, and shows nothing.
 *
 * @example
 * ```ts
 * import { GitHubEvent } from "effect-discord"
 *
 * const isShown = (name: string) => GitHubEvent.shown.some((event) => event === name)
 * ```
 *
 * @see Discord: Execute GitHub-Compatible Webhook
 * @since 0.1.0
 * @category models
 */
export const shown = [
  "check_run",
  "check_suite",
  "commit_comment",
  "create",
  "delete",
  "discussion",
  "discussion_comment",
  "fork",
  "issue_comment",
  "issues",
  "member",
  "public",
  "pull_request",
  "pull_request_review",
  "pull_request_review_comment",
  "push",
  "release",
  "watch",
] as const

/**
 * The name of an event, as GitHub sends it in the header `X-GitHub-Event`. Those that Discord shows
 * are suggested; any other is fine, since GitHub and Discord learn new ones.
 *
 * @example
 * ```ts
 * import type { GitHubEvent } from "effect-discord"
 *
 * const names: ReadonlyArray<GitHubEvent.EventName> = ["push", "star"]
 * ```
 *
 * @since 0.1.0
 * @category models
 */
export type EventName = (typeof shown)[number] | (string & Record<never, never>)
/**
 * @example
 * ```ts
 * import { GitHubEvent } from "effect-discord"
 * import { Schema } from "effect"
 *
 * Schema.is(GitHubEvent.EventName)("pull_request") // true
 * ```
 *
 * @since 0.1.0
 * @category models
 */
export const EventName: Schema.Schema<EventName, string> = Schema.String.pipe(
  Schema.filter(
    (name) => namePattern.test(name) || "must be the name of a GitHub event, such as pull_request",
    {
      arbitrary: () => (fc) => fc.oneof(fc.constantFrom(...shown), base36(fc)),
    },
  ),
)

/** Discord's OpenAPI: every field but `sender` may be absent or null. */
const maybe = <A, I>(schema: Schema.Schema<A, I>) => Schema.optional(Schema.NullOr(schema))

const url = Schema.String.annotations({
  arbitrary: () => (fc) => base36(fc).map((path) => `https://github.com/${path}`),
})

const User = Schema.Struct({
  id: Schema.Int,
  login: Schema.String,
  html_url: url,
  avatar_url: url,
})

const Repository = Schema.Struct({
  id: Schema.Int,
  html_url: url,
  name: Schema.String,
  full_name: Schema.String,
})

const Comment = Schema.Struct({
  id: Schema.Int,
  html_url: url,
  user: User,
  commit_id: maybe(Schema.String),
  body: Schema.String,
})

const Issue = Schema.Struct({
  id: Schema.Int,
  number: Schema.Int,
  html_url: url,
  user: User,
  title: Schema.String,
  body: maybe(Schema.String),
})

const Release = Schema.Struct({
  id: Schema.Int,
  tag_name: Schema.String,
  html_url: url,
  author: User,
})

const Commit = Schema.Struct({
  id: Schema.String,
  url,
  message: Schema.String,
  author: Schema.Struct({ name: Schema.String, username: maybe(Schema.String) }),
})

const Review = Schema.Struct({
  user: User,
  body: maybe(Schema.String),
  html_url: url,
  /** Such as `approved`. */
  state: Schema.String,
})

const PullRequests = maybe(Schema.Array(Schema.Struct({ number: Schema.Int })))

const CheckSuite = Schema.Struct({
  /** Such as `success`; null while it runs. */
  conclusion: maybe(Schema.String),
  head_branch: maybe(Schema.String),
  head_sha: Schema.String,
  pull_requests: PullRequests,
  app: Schema.Struct({ name: Schema.String }),
})

const CheckRun = Schema.Struct({
  /** Such as `success`; null while it runs. */
  conclusion: maybe(Schema.String),
  name: Schema.String,
  html_url: url,
  check_suite: CheckSuite,
  details_url: maybe(url),
  output: maybe(Schema.Struct({ title: maybe(Schema.String), summary: maybe(Schema.String) })),
  pull_requests: PullRequests,
})

const Discussion = Schema.Struct({
  title: Schema.String,
  number: Schema.Int,
  html_url: url,
  answer_html_url: maybe(url),
  body: maybe(Schema.String),
  user: User,
})

/**
 * The JSON of an event. Discord requires only `sender`; the other fields depend on the
 * event.
 *
 * @example
 * ```ts
 * import type { GitHubEvent } from "effect-discord"
 *
 * const sender = {
 *   id: 583231,
 *   login: "octocat",
 *   html_url: "https://github.com/octocat",
 *   avatar_url: "https://github.com/octocat.png",
 * }
 * const release: GitHubEvent.GitHubEvent = {
 *   sender,
 *   action: "published",
 *   release: { id: 1, tag_name: "v1.4.0", html_url: "https://github.com/a/b/releases/1", author: sender },
 * }
 * ```
 *
 * @see https://docs.github.com/en/webhooks/webhook-events-and-payloads
 * @since 0.1.0
 * @category models
 */
export const GitHubEvent = Schema.Struct({
  /** Who did it. */
  sender: User,
  /** What happened, such as `opened`. */
  action: maybe(Schema.String),
  repository: maybe(Repository),
  /** `push`, `create`, `delete`: the branch or tag. */
  ref: maybe(Schema.String),
  /** `create`, `delete`: `branch` or `tag`. */
  ref_type: maybe(Schema.String),
  /** `push`. */
  commits: maybe(Schema.Array(Commit)),
  /** `push`. */
  head_commit: maybe(Commit),
  /** `push`: where the changes can be seen. */
  compare: maybe(url),
  /** `push`. */
  forced: maybe(Schema.Boolean),
  /** `commit_comment`, `issue_comment`, `pull_request_review_comment`, `discussion_comment`. */
  comment: maybe(Comment),
  /** `issues`, `issue_comment`. */
  issue: maybe(Issue),
  /** `pull_request`, `pull_request_review`, `pull_request_review_comment`. */
  pull_request: maybe(Issue),
  /** `pull_request_review`. */
  review: maybe(Review),
  /** `fork`: the new repository. */
  forkee: maybe(Repository),
  /** `member`: who was added. */
  member: maybe(User),
  /** `release`. */
  release: maybe(Release),
  /** `check_run`. */
  check_run: maybe(CheckRun),
  /** `check_suite`. */
  check_suite: maybe(CheckSuite),
  /** `discussion`, `discussion_comment`. */
  discussion: maybe(Discussion),
  /** `discussion`: the comment that was marked as its answer. */
  answer: maybe(Comment),
})
/**
 * @since 0.1.0
 * @category models
 */
export interface GitHubEvent extends Schema.Schema.Type<typeof GitHubEvent> {}

const validate = lazy(() => Schema.validateEither(GitHubEvent, { errors: "all" }))

/**
 * The JSON that Discord receives: the event itself, with all its fields, or everything in it that
 * Discord would reject.
 *
 * @example
 * ```ts
 * import { GitHubEvent } from "effect-discord"
 *
 * const json = (event: GitHubEvent.GitHubEvent) => GitHubEvent.encode(event)
 * ```
 *
 * @since 0.1.0
 * @category encoding
 */
export const encode = (event: GitHubEvent): Effect.Effect<GitHubEvent, ParseResult.ParseError> =>
  Either.map(validate()(event), () => event)

/**
 * Reads what GitHub sent, to forward it. The fields that Discord does not look at stay.
 *
 * @example
 * ```ts
 * import { GitHubEvent, Webhook } from "effect-discord"
 * import { Effect } from "effect"
 *
 * const forward = (hook: Webhook.Webhook, name: string, body: unknown) =>
 *   Effect.flatMap(GitHubEvent.decode(body), (event) => Webhook.sendGitHub(hook, name, event))
 * ```
 *
 * @since 0.1.0
 * @category decoding
 */
export const decode = (json: unknown): Effect.Effect<GitHubEvent, ParseResult.ParseError> =>
  Schema.decodeUnknown(GitHubEvent, { errors: "all", onExcessProperty: "preserve" })(json)
