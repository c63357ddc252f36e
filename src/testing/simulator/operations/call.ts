import type { JsonObject, FilePart, SimulatedRequest, SimulatedResponse } from "../http/exchange.js"
import type { Webhook, State } from "../state.js"
import { boolean, snowflake } from "../forms/check.js"
import { invalidForm, type Issue } from "../http/errors.js"

/** An accepted request: the webhook exists, the token is valid, the body is parsed. */
export interface Call {
  readonly state: State
  readonly now: number
  readonly webhook: Webhook
  readonly messageId: string
  readonly query: Readonly<Record<string, string>>
  readonly body: JsonObject
  readonly headers: SimulatedRequest["headers"]
  /** The files of a multipart body. */
  readonly files: ReadonlyArray<FilePart>
}

/** Removes the components of a webhook without application, unless `with_components` is set. */
export const removeIgnoredComponents = (call: Call, withComponents: boolean): Call["body"] => {
  const isHonoured = withComponents || call.webhook.applicationId !== null
  if (isHonoured || !("components" in call.body)) return call.body
  const { components: _, ...rest } = call.body
  return rest
}

/** The parsed query of an operation, or the response that rejects it. */
export type QueryResult =
  | {
      readonly _tag: "Query"
      readonly wait: boolean
      readonly withComponents: boolean
      readonly threadId: string | undefined
    }
  | { readonly _tag: "Rejected"; readonly response: SimulatedResponse }

/** Parses a query. Booleans are `True|true|1` and `False|false|0`. */
export const parseQuery = (query: Readonly<Record<string, string>>): QueryResult => {
  const issues: Array<Issue> = []
  const flag = (name: string): boolean => {
    const value = query[name]
    if (value === "true" || value === "True" || value === "1") return true
    if (value !== undefined && value !== "false" && value !== "False" && value !== "0") {
      boolean(value, [name], issues)
    }
    return false
  }
  const wait = flag("wait")
  const withComponents = flag("with_components")
  const threadId = query["thread_id"]
  if (threadId !== undefined) snowflake(threadId, ["thread_id"], issues)
  if (issues.length > 0) return { _tag: "Rejected", response: invalidForm(issues) }
  return {
    _tag: "Query",
    wait,
    withComponents,
    threadId,
  }
}
