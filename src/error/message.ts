/** What several errors share: fields, and parts of their messages. */

/** What every error of a request starts with. */
export interface ErrorFields {
  readonly operation: string
  readonly webhookId: string
  /** Method and path template. */
  readonly route: string
}

/** The fields of a request on a route. */
export const errorFields = (route: {
  readonly name: string
  readonly operation: string
  readonly webhookId: string
}): ErrorFields => ({
  operation: route.operation,
  webhookId: route.webhookId,
  route: route.name,
})

interface IssueLine {
  readonly path: string
  readonly message: string
}

/** Maximum number of issues in one message. */
const maxListed = 5

/** The operation and the webhook. Webhook ids are not secret. */
export function formatPlace(error: {
  readonly operation: string
  readonly webhookId?: string | undefined
}): string {
  const { operation, webhookId } = error
  return webhookId === undefined ? operation : `${operation} (webhook ${webhookId})`
}

export function formatResponse(error: {
  readonly operation: string
  readonly webhookId: string
  readonly status: number
  readonly code: number
}): string {
  const code = error.code === 0 ? "" : ` (code ${error.code})`
  return `${formatPlace(error)}: response ${error.status}${code}`
}

export function formatRemembered(error: { readonly remembered: boolean }): string {
  return error.remembered ? " (remembered; nothing was sent)" : ""
}

export function formatIssues(issues: ReadonlyArray<IssueLine>, omitted = 0): string {
  const shown = issues
    .slice(0, maxListed)
    .map((issue) => (issue.path === "" ? issue.message : `${issue.path}: ${issue.message}`))
  const more = issues.length - shown.length + omitted
  return shown.join("; ") + (more > 0 ? `; and ${more} more` : "")
}

/** Keeps an error small: thousands of invalid keys would amount to megabytes. */
const maxIssues = 100

/** Returns the first 100 entries, and the number of the others if there are any. */
export function truncateIssues<A>(all: ReadonlyArray<A>): {
  readonly kept: ReadonlyArray<A>
  readonly rest: { readonly omitted?: number }
} {
  const omitted = all.length - maxIssues
  return omitted > 0
    ? { kept: all.slice(0, maxIssues), rest: { omitted } }
    : { kept: all, rest: {} }
}

/** Where to find the URL of a webhook, for errors about a missing or invalid URL. */
const copyWebhookUrl = "in Discord: Edit Channel, Integrations, Webhooks, Copy Webhook URL"

export const webhookUrlNotSet = `it is not set. Set it to the URL of a webhook; to copy one, ${copyWebhookUrl}. A .env file takes effect only when it is loaded, such as by node --env-file=.env`

export const urlReasons = {
  missing: "there is no text",
  notAUrl: "it is not a valid URL, which begins with https://",
  scheme: "the scheme is not https or http",
  host: "the host is not Discord's",
  path: "the path is not /api/webhooks/{id}/{token}",
  parts: "Webhook.make takes { id, token }; Webhook.fromUrl takes the whole URL",
  id: "the id is not a snowflake, a string of digits",
  token: "the token is missing or contains invalid characters",
  threadId: "thread_id is not a snowflake, a string of digits",
}

/** The same for the credentials of an interaction. */
const credentialReasons = {
  ...urlReasons,
  parts: "InteractionWebhook.make takes { applicationId, token }",
  id: "applicationId is not a snowflake, a string of digits",
  threadId: "threadId: no thread can be chosen, messages go where the command was used",
}

const expectedInteraction =
  "Expected the application_id and the token of the interaction that Discord sent."

const expectedUrl = `Expected https://discord.com/api/webhooks/{id}/{token}; to copy it, ${copyWebhookUrl}.`
const expectedHost =
  "Keep Discord's own URL here. To send through a proxy or to a test server, set RestConfig.baseUrl (with layerEnv: DISCORD_CLIENT_BASE_URL)."

/** The message of `WebhookInvalidUrl`. */
export function formatInvalidCredentials(
  reason: keyof typeof urlReasons,
  kind?: "interaction",
): string {
  if (kind === "interaction") {
    return `Not the credentials of an interaction (${credentialReasons[reason]}). ${expectedInteraction}`
  }
  const advice = reason === "host" ? expectedHost : expectedUrl
  return `Not a Discord webhook URL (${urlReasons[reason]}). ${advice}`
}

/** The sizes in the message of an error about a file. */
export function fileFigures({
  limit,
  preset,
  reason,
  size,
}: {
  readonly limit?: number | undefined
  readonly preset?: string | undefined
  readonly reason: string
  readonly size?: number | undefined
}): string {
  if (size === undefined) return ""
  if (reason === "changed") return `: ${bytes(size)} instead of ${bytes(limit ?? 0)}`
  if (limit === undefined) return `, not ${size}`
  const actual = reason === "tooMany" ? `${size} files, and` : `${bytes(size)}, and`
  const allowed = reason === "tooMany" ? `${limit} are allowed` : `${bytes(limit)} are allowed`
  const advice =
    preset === undefined
      ? "no preset allows it"
      : `the preset "${preset}" allows it (RestConfig.uploads)`
  return `: ${actual} ${allowed}; ${advice}`
}

const bytesInMebibyte = 1024 * 1024

/** Not rounded, since one byte decides. */
function bytes(count: number): string {
  const mebibytes = Math.round((10 * count) / bytesInMebibyte) / 10
  return mebibytes < 1 ? `${count} bytes` : `${count} bytes (${mebibytes} MiB)`
}
