import { type JsonObject, isJsonObject, jsonResponse, type SimulatedResponse } from "./exchange.js"

/** Discord's JSON error codes with their usual HTTP status. */
const errorCodes = {
  10003: [404, "Unknown Channel"],
  10008: [404, "Unknown Message"],
  10015: [404, "Unknown Webhook"],
  10087: [404, "Unknown Tag"],
  30015: [400, "Maximum number of attachments in a message reached (10)"],
  40005: [413, "Request entity too large"],
  40058: [400, "Cannot send a message in a forum channel"],
  40066: [400, "There are no tags available that can be set by non-moderators"],
  40067: [400, "A tag is required to create a forum post in this channel"],
  40333: [403, "internal network error"],
  50001: [403, "Missing Access"],
  50006: [400, "Cannot send an empty message"],
  50013: [403, "Missing Permissions"],
  50027: [401, "Invalid Webhook Token"],
  50041: [400, "Invalid API version provided"],
  50046: [400, "Invalid file uploaded"],
  50083: [400, "Thread is archived"],
  50109: [400, "The request body contains invalid JSON."],
  50110: [400, "The provided file is invalid."],
  50146: [400, "Uploaded file not found."],
  50159: [400, "Voice messages do not support additional content"],
  50160: [400, "Voice messages must have a single audio attachment"],
  50161: [400, "Voice messages must have supporting metadata"],
  50162: [400, "Voice messages cannot be edited"],
  160005: [400, "Thread is locked"],
  160006: [400, "Maximum number of active threads reached"],
  160007: [400, "Maximum number of active announcement threads reached"],
  200000: [400, "Message was blocked by automatic moderation"],
  200001: [400, "Title was blocked by automatic moderation"],
  220001: [400, "Webhooks posted to forum channels must have a thread_name or thread_id"],
  220002: [400, "Webhooks posted to forum channels cannot have both a thread_name and thread_id"],
  220003: [400, "Webhooks can only create threads in forum channels"],
  220004: [400, "Webhook services cannot be used in forum channels"],
  520003: [400, "Cannot edit a poll message"],
} as const satisfies Record<number, readonly [status: number, message: string]>

export type ApiErrorCode = keyof typeof errorCodes

/** The response for a JSON error code. */
export const apiError = (code: ApiErrorCode): SimulatedResponse => {
  const [status, message] = errorCodes[code]
  return jsonResponse(status, { message, code })
}

/** The generic response of a status: code 0 and a message with the status. */
export const statusError = (status: number, message: string): SimulatedResponse =>
  jsonResponse(status, { message: `${status}: ${message}`, code: 0 })

export type Path = ReadonlyArray<string | number>

/** A leaf of the `errors` tree of a 50035 response. */
export interface Issue {
  readonly path: Path
  readonly code: string
  readonly message: string
}

export function issue(path: Path, code: string, message: string): Issue {
  return { path, code, message }
}

/** The 50035 response. Issues become a tree of field names, with the leaves under `_errors`. */
export function invalidForm(issues: ReadonlyArray<Issue>): SimulatedResponse {
  const root = makeErrorNode()
  for (const { path, code, message } of issues) {
    let node = root
    for (const key of path) node = getOrAddChild(node, String(key))
    node.leaves.push({ code, message })
  }
  return jsonResponse(400, {
    message: "Invalid Form Body",
    code: 50035,
    errors: renderErrorTree(root),
  })
}

interface ErrorNode {
  readonly leaves: Array<{ readonly code: string; readonly message: string }>
  readonly children: Map<string, ErrorNode>
}

function makeErrorNode(): ErrorNode {
  return { leaves: [], children: new Map() }
}

function getOrAddChild(node: ErrorNode, key: string): ErrorNode {
  const known = node.children.get(key)
  if (known !== undefined) return known
  const made = makeErrorNode()
  node.children.set(key, made)
  return made
}

function renderErrorTree({ leaves, children }: ErrorNode): JsonObject {
  const fields = Array.from(children, ([key, node]): [string, unknown] => [
    key,
    renderErrorTree(node),
  ])
  return { ...Object.fromEntries(fields), ...(leaves.length > 0 ? { _errors: leaves } : {}) }
}

/**
 * The response in the format of v6 and v7: form errors without `code` and `message`, delays in
 * milliseconds. URLs without a version get this format.
 */
export const toLegacyResponse = (response: SimulatedResponse): SimulatedResponse => {
  const { body } = response
  if (body._tag !== "Json" || !isJsonObject(body.value)) return response
  const value = body.value
  if (response.status === 429 && typeof value["retry_after"] === "number") {
    const millis = Math.ceil(value["retry_after"] * 1000)
    return {
      ...response,
      headers: { ...response.headers, "retry-after": String(millis) },
      body: { _tag: "Json", value: { ...value, retry_after: millis } },
    }
  }
  if (!isJsonObject(value["errors"])) return response
  return { ...response, body: { _tag: "Json", value: toLegacyErrors(value["errors"]) } }
}

/**
 * Errors in the old format, such as `{"embeds": ["0"]}`: lists of messages; of a list only the
 * indices of invalid items.
 */
function toLegacyErrors(tree: JsonObject): unknown {
  const entries = Object.entries(tree).map(([key, node]): [string, unknown] => {
    if (key === "_errors") return ["_misc", getLeafMessages(node)]
    if (!isJsonObject(node)) return [key, node]
    if ("_errors" in node) return [key, getLeafMessages(node["_errors"])]
    const indices = Object.keys(node)
    return [key, indices.every((index) => /^\d+$/.test(index)) ? indices : toLegacyErrors(node)]
  })
  return Object.fromEntries(entries)
}

function getLeafMessages(leaves: unknown): ReadonlyArray<string> {
  return Array.isArray(leaves)
    ? leaves.filter(isJsonObject).map((leaf) => String(leaf["message"]))
    : []
}
