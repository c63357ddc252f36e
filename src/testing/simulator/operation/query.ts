import { boolean, snowflake } from "../form/check.js"
import { invalidForm, type Issue } from "../form/issue.js"
import type { SimulatedResponse } from "../http/exchange.js"

/** The query of a webhook operation, or the answer that refuses it. */
export type Query =
  | {
      readonly _tag: "Query"
      readonly wait: boolean
      readonly withComponents: boolean
      readonly threadId: string | undefined
    }
  | { readonly _tag: "Refused"; readonly response: SimulatedResponse }

/** Booleans are `True|true|1` and `False|false|0`. */
export const readQuery = (query: Readonly<Record<string, string>>): Query => {
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
  if (issues.length > 0) return { _tag: "Refused", response: invalidForm(issues) }
  return {
    _tag: "Query",
    wait,
    withComponents,
    threadId,
  }
}
