/**
 * The operation of a request: one of a webhook, or the download of an attachment.
 *
 * @since 0.1.0
 * @category models
 */
export type Operation = WebhookOperation | "downloadAttachment"

/**
 * An operation of a webhook. Each has its rate limit.
 *
 * @since 0.1.0
 * @category models
 */
export type WebhookOperation =
  | "execute"
  | "executeSlack"
  | "executeGitHub"
  | "getWebhook"
  | "modifyWebhook"
  | "deleteWebhook"
  | "getMessage"
  | "editMessage"
  | "deleteMessage"

/** A route of the API. */
export interface MatchedRoute {
  readonly _tag: "Matched"
  readonly operation: WebhookOperation
  /** The path with placeholders for ids and token. */
  readonly template: string
  readonly version: number
  readonly webhookId: string
  readonly token: string
  readonly messageId: string | undefined
}

/** The download of a file, from another host than the API's. */
export interface FileRoute {
  readonly _tag: "File"
  readonly operation: "downloadAttachment"
  readonly template: string
  readonly version: number
  readonly attachmentId: string
  readonly filename: string
}

export type Route = MatchedRoute | FileRoute | UnmatchedRoute

/**
 * A request without an operation: unknown path (404), unsupported method (405), or invalid version.
 */
export interface UnmatchedRoute {
  readonly _tag: "Unmatched"
  readonly reason: "notFound" | "methodNotAllowed" | "invalidVersion"
  readonly template: string
  readonly version: number
}

interface Endpoint {
  readonly template: string
  readonly pattern: RegExp
  readonly operations: Readonly<Record<string, WebhookOperation>>
}

/** A new endpoint is a row here, and one in the table of `handle.ts`. */
const endpoints: ReadonlyArray<Endpoint> = [
  {
    template: "/webhooks/:webhookId/:token",
    pattern: /^\/webhooks\/([^/]+)\/([^/]+)\/?$/,
    operations: {
      POST: "execute",
      GET: "getWebhook",
      PATCH: "modifyWebhook",
      DELETE: "deleteWebhook",
    },
  },
  {
    template: "/webhooks/:webhookId/:token/slack",
    pattern: /^\/webhooks\/([^/]+)\/([^/]+)\/slack\/?$/,
    operations: { POST: "executeSlack" },
  },
  {
    template: "/webhooks/:webhookId/:token/github",
    pattern: /^\/webhooks\/([^/]+)\/([^/]+)\/github\/?$/,
    operations: { POST: "executeGitHub" },
  },
  {
    template: "/webhooks/:webhookId/:token/messages/:messageId",
    pattern: /^\/webhooks\/([^/]+)\/([^/]+)\/messages\/([^/]+)\/?$/,
    operations: { GET: "getMessage", PATCH: "editMessage", DELETE: "deleteMessage" },
  },
]

/** The route of files. They have no version, which is recorded as 0. */
const fileRoute = {
  operation: "downloadAttachment",
  template: "/attachments/:channelId/:attachmentId/:filename",
  version: 0,
} as const

/** The version of a URL without one. */
const defaultVersion = 6
const minVersion = 6
const maxVersion = 10

const filePattern = /^\/attachments\/\d+\/(\d+)\/([^/]+)$/

const prefixPattern = /^\/api(?:\/v(\d+))?(?=\/)/

/** Matches a method and a path such as `/api/v10/webhooks/1/abc`. */
export const matchRoute = (method: string, path: string): Route => {
  const [, attachmentId, filename] = filePattern.exec(path) ?? []
  if (attachmentId !== undefined && filename !== undefined) {
    return method === "GET"
      ? { _tag: "File", ...fileRoute, attachmentId, filename }
      : makeUnmatched("methodNotAllowed", fileRoute.template, fileRoute.version)
  }
  const prefixMatch = prefixPattern.exec(path)
  const version = Number(prefixMatch?.[1] ?? defaultVersion)
  if (prefixMatch === null) return makeUnmatched("notFound", path, version)
  const rest = path.slice(prefixMatch[0].length)
  if (version < minVersion || version > maxVersion) {
    return makeUnmatched("invalidVersion", rest, version)
  }
  for (const { template, pattern, operations } of endpoints) {
    const [, webhookId, token, messageId] = pattern.exec(rest) ?? []
    if (webhookId === undefined || token === undefined) continue
    const operation = operations[method]
    if (operation === undefined) return makeUnmatched("methodNotAllowed", rest, version)
    return { _tag: "Matched", operation, template, version, webhookId, token, messageId }
  }
  return makeUnmatched("notFound", rest, version)
}

/** A route without operation. Its path is recorded, so the token is removed from it. */
function makeUnmatched(
  reason: UnmatchedRoute["reason"],
  path: string,
  version: number,
): UnmatchedRoute {
  const template = path.replace(/(\/webhooks)\/[^/]+(?:\/[^/]+)?/, "$1/:webhookId/:token")
  return { _tag: "Unmatched", reason, template, version }
}
