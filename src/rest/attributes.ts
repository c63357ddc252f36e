/**
 * The names under which spans and logs speak of a request: OpenTelemetry's for HTTP, with the route
 * template in place of the URL, and Discord's own. docs/guides/observability.md lists them.
 *
 * @see https://opentelemetry.io/docs/specs/semconv/http/http-spans
 */

export const names = {
  method: "http.request.method",
  template: "url.template",
  address: "server.address",
  port: "server.port",
  status: "http.response.status_code",
  /** The ordinal number of a repetition; not given for the first attempt. */
  resend: "http.request.resend_count",
  /** A status from 400 on, why the connection failed, or the tag of an operation's error. */
  error: "error.type",
  /** Method and template, in logs. */
  route: "discord.route",
  webhookId: "discord.webhook.id",
  code: "discord.error.code",
  bucket: "discord.rate_limit.bucket",
  remaining: "discord.rate_limit.remaining",
  scope: "discord.rate_limit.scope",
  /** Milliseconds waited for permits until now. */
  waited: "discord.rate_limit.waited_ms",
  /** Milliseconds that Discord asked for. */
  retryAfter: "discord.rate_limit.retry_after_ms",
  /** 1 for the first. */
  attempt: "discord.attempt",
  /** How many there were. */
  attempts: "discord.attempts",
} as const
