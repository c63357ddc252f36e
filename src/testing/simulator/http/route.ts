/**
 * What a request asks for: something of a webhook, or the file of an attachment.
 *
 * @since 0.1.0
 * @category models
 */
export type Operation = WebhookOperation | "downloadAttachment"

/**
 * What a request asks of a webhook. Each has its rate limit.
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

/** A request that found its operation. */
export interface MatchedRoute {
  readonly _tag: "Matched"
  readonly operation: WebhookOperation
  /** The path with placeholders: neither id nor token. */
  readonly template: string
  readonly version: number
  readonly webhookId: string
  readonly token: string
  readonly messageId: string | undefined
}

/** A request for a file, which is the business of another host than the API's. */
export interface FileRoute {
  readonly _tag: "File"
  readonly operation: "downloadAttachment"
  readonly template: string
  readonly version: number
  readonly attachmentId: string
  readonly filename: string
}

export type Route = MatchedRoute | FileRoute | UnmatchedRoute

/** A request that found none: no such path (404), a method it has not (405), or a dead version. */
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

/** A new endpoint is one more row here and one more in the table of `handle.ts`. */
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

/** Files have no version; 0 stands for that. */
const fileRoute = {
  operation: "downloadAttachment",
  template: "/attachments/:channelId/:attachmentId/:filename",
  version: 0,
} as const

/** A URL without a version goes to v6. */
const defaultVersion = 6
const minVersion = 6
const maxVersion = 10

const filePattern = /^\/attachments\/\d+\/(\d+)\/([^/]+)$/

const prefixPattern = /^\/api(?:\/v(\d+))?(?=\/)/

/** Finds the operation of a method and a path such as `/api/v10/webhooks/1/abc`. */
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

/** The path of a request without route is recorded too, and may hold a token all the same. */
function makeUnmatched(
  reason: UnmatchedRoute["reason"],
  path: string,
  version: number,
): UnmatchedRoute {
  const template = path.replace(/(\/webhooks)\/[^/]+(?:\/[^/]+)?/, "$1/:webhookId/:token")
  return { _tag: "Unmatched", reason, template, version }
}
