/**
 * A request on arrival. Header names are lower case; `body` is the raw bytes, `form` the parsed
 * `multipart/form-data`.
 */
export interface SimulatedRequest {
  readonly method: string
  readonly path: string
  readonly query: Readonly<Record<string, string>>
  readonly headers: Readonly<Record<string, string | undefined>>
  readonly body: Uint8Array | string | undefined
  readonly form?: ParsedForm | undefined
}

/** A file of a form, with the name in the request. */
export interface FilePart {
  readonly part: string
  readonly filename: string
  readonly contentType: string
  readonly bytes: Uint8Array
}

/** A parsed `multipart/form-data` body. Of two fields of one name the last is kept. */
interface Form {
  readonly fields: Readonly<Record<string, string>>
  readonly files: ReadonlyArray<FilePart>
}

/** A parsed form; "malformed" if it is incomplete or has no boundary. */
export type ParsedForm = Form | "malformed"

/** A body before serialization. JSON stays a value, so that unread bodies cost nothing. */
export type ResponseBody =
  | { readonly _tag: "Empty" }
  | { readonly _tag: "Bytes"; readonly bytes: Uint8Array; readonly contentType: string }
  | { readonly _tag: "Json"; readonly value: unknown }
  | { readonly _tag: "Text"; readonly text: string; readonly contentType: string }

export interface SimulatedResponse {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: ResponseBody
  /** The scope of a 429, with or without the header. */
  readonly scope?: RateLimitScope
}

/**
 * The scope of a 429: this client's bucket, all clients of the resource, or all requests of the IP
 * address.
 *
 * @since 0.1.0
 * @category models
 */
export type RateLimitScope = "user" | "shared" | "global"

/**
 * The outcome of an exchange.
 * - `completed`: the whole response was sent.
 * - `refused`: the connection was refused; the server did not receive the request.
 * - `reset`: the connection was reset before the server processed the request.
 * - `dropped`: the server processed the request, and the connection was reset before the response.
 * - `truncated`: the connection was closed in the middle of the response's body.
 * - `noResponse`: the server never responds.
 *
 * @since 0.1.0
 * @category models
 */
export type Outcome = "completed" | "refused" | "reset" | "dropped" | "truncated" | "noResponse"

export const jsonResponse = (status: number, value: unknown): SimulatedResponse => ({
  status,
  headers: {},
  body: { _tag: "Json", value },
})

export const noContent: SimulatedResponse = { status: 204, headers: {}, body: { _tag: "Empty" } }

/** Whether Discord counts the request as invalid: 401, 403, and 429 except `shared`. */
export const isInvalidRequest = ({ status, scope }: SimulatedResponse): boolean =>
  status === 401 || status === 403 || (status === 429 && scope !== "shared")

/** A body as text. The bytes of a file are decoded as UTF-8. */
export const getBodyText = (body: ResponseBody): string => {
  if (body._tag === "Json") return JSON.stringify(body.value)
  if (body._tag === "Bytes") return new TextDecoder().decode(body.bytes)
  return body._tag === "Text" ? body.text : ""
}

export const getContentType = (body: ResponseBody): string | undefined => {
  if (body._tag === "Json") return "application/json"
  return body._tag === "Empty" || body.contentType === "" ? undefined : body.contentType
}

/** A JSON object with unvalidated fields. */
export type JsonObject = Readonly<Record<string, unknown>>

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value)
}

/** A string or number as text; empty for other values. */
export function scalarText(value: unknown): string {
  return typeof value === "string" || typeof value === "number" ? String(value) : ""
}

/** The objects in an array; empty if the value is not an array. */
export function filterJsonObjects(value: unknown): ReadonlyArray<JsonObject> {
  return Array.isArray(value) ? value.filter(isJsonObject) : []
}
