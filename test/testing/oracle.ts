/** A schema of `discord-api-spec/zod`, generated from Discord's OpenAPI document. */
interface OracleSchema {
  readonly safeParse: (value: unknown) => {
    readonly success: boolean
    readonly error?: { readonly issues: ReadonlyArray<unknown> }
  }
}

interface Oracle {
  readonly MessageResponseSchema: OracleSchema
  readonly GuildIncomingWebhookResponseSchema: OracleSchema
  readonly ApplicationIncomingWebhookResponseSchema: OracleSchema
  readonly RatelimitedResponseSchema: OracleSchema
  readonly ErrorResponseSchema: OracleSchema
}

// The package's types refer to a .js file, so the compiler must not resolve the specifier.
const specifier: string = "discord-api-spec/zod"

export const oracle = (await import(specifier)) as Oracle

/** The issues of a body; empty if it is valid. */
export const findIssues = (schema: OracleSchema, body: unknown): ReadonlyArray<unknown> =>
  schema.safeParse(body).error?.issues ?? []

/**
 * Adapts a body where the schemas are stricter than Discord:
 * - their date-times have no offset, Discord's always do;
 * - their error codes are numbers in the tree as well, Discord's are strings;
 * - their 429 always has a `code`, Discord's only sometimes.
 */
export const adaptToOracle = (body: unknown): unknown => {
  if (typeof body === "string") return body.replace(/^(\d{4}-\S+)\+00:00$/, "$1Z")
  if (Array.isArray(body)) return body.map(adaptToOracle)
  if (typeof body !== "object" || body === null) return body
  const fields = Object.entries(body).map(([key, value]): [string, unknown] => [
    key,
    key === "code" && typeof value === "string" ? 0 : adaptToOracle(value),
  ])
  return { ...("retry_after" in body ? { code: 0 } : {}), ...Object.fromEntries(fields) }
}
