import { isRecord } from "../form/check.js"
import type { SimulatedResponse } from "./exchange.js"

/**
 * The answer as v6 and v7 give it: form errors without `code` and `message`, and waits in
 * milliseconds. A URL without a version gets this.
 */
export const legacyResponse = (response: SimulatedResponse): SimulatedResponse => {
  const { body } = response
  if (body._tag !== "Json" || !isRecord(body.value)) return response
  const value = body.value
  if (response.status === 429 && typeof value["retry_after"] === "number") {
    const millis = Math.ceil(value["retry_after"] * 1000)
    return {
      ...response,
      headers: { ...response.headers, "retry-after": String(millis) },
      body: { _tag: "Json", value: { ...value, retry_after: millis } },
    }
  }
  if (!isRecord(value["errors"])) return response
  return { ...response, body: { _tag: "Json", value: legacyErrors(value["errors"]) } }
}

/** `{"embeds": ["0"]}`: lists of texts, and of a list's bad items only the index. */
function legacyErrors(tree: Readonly<Record<string, unknown>>): unknown {
  const entries = Object.entries(tree).map(([key, node]): [string, unknown] => {
    if (key === "_errors") return ["_misc", messages(node)]
    if (!isRecord(node)) return [key, node]
    if ("_errors" in node) return [key, messages(node["_errors"])]
    const indices = Object.keys(node)
    return [key, indices.every((index) => /^\d+$/.test(index)) ? indices : legacyErrors(node)]
  })
  return Object.fromEntries(entries)
}

function messages(leaves: unknown): ReadonlyArray<string> {
  return Array.isArray(leaves) ? leaves.filter(isRecord).map((leaf) => String(leaf["message"])) : []
}
