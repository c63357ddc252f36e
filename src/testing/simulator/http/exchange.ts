/**
 * A request as it reaches the server. Header names are lower case; the body is the raw bytes. `form`
 * is the body once more when it is `multipart/form-data`.
 */
export interface SimulatedRequest {
  readonly method: string
  readonly path: string
  readonly query: Readonly<Record<string, string>>
  readonly headers: Readonly<Record<string, string | undefined>>
  readonly body: Uint8Array | string | undefined
  readonly form?: ParsedForm | undefined
}

/** A part of a form that came as a file, with the name its sender gave it. */
export interface FilePart {
  readonly part: string
  readonly filename: string
  readonly contentType: string
  readonly bytes: Uint8Array
}

/** A `multipart/form-data` body that was taken apart. Of two fields of one name the last counts. */
interface Form {
  readonly fields: Readonly<Record<string, string>>
  readonly files: ReadonlyArray<FilePart>
}

/** What the server made of a body: a form, or one that ends too early or is none. */
export type ParsedForm = Form | "malformed"

/** A body before it is written: JSON stays a value, so that nobody pays for text he does not read. */
export type ResponseBody =
  | { readonly _tag: "Empty" }
  | { readonly _tag: "Bytes"; readonly bytes: Uint8Array; readonly contentType: string }
  | { readonly _tag: "Json"; readonly value: unknown }
  | { readonly _tag: "Text"; readonly text: string; readonly contentType: string }

export interface SimulatedResponse {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: ResponseBody
  /** Of a 429, whether or not a header says it. */
  readonly scope?: RateLimitScope
}

/**
 * Why a 429 came: this client and bucket, everybody on the resource, or all requests of the IP.
 *
 * @since 0.1.0
 * @category models
 */
export type RateLimitScope = "user" | "shared" | "global"

/**
 * What became of an exchange on its way.
 * - `answered`: the answer left whole.
 * - `refused`: no connection was made; the server never saw the request.
 * - `reset`: the connection was reset before the server acted.
 * - `dropped`: the server acted, and the connection was reset before the answer.
 * - `cut`: the connection was cut in the middle of the answer's body.
 * - `silent`: the server never answers.
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

/** Whether Discord counts the request of this response as invalid. */
export const isInvalidRequest = ({ status, scope }: SimulatedResponse): boolean =>
  status === 401 || status === 403 || (status === 429 && scope !== "shared")

/** A body as text. Of a file it is what its bytes spell. */
export const getBodyText = (body: ResponseBody): string => {
  if (body._tag === "Json") return JSON.stringify(body.value)
  if (body._tag === "Bytes") return new TextDecoder().decode(body.bytes)
  return body._tag === "Text" ? body.text : ""
}

export const getContentType = (body: ResponseBody): string | undefined => {
  if (body._tag === "Json") return "application/json"
  return body._tag === "Empty" || body.contentType === "" ? undefined : body.contentType
}

/** A JSON object whose fields are not checked yet. */
export type JsonObject = Readonly<Record<string, unknown>>

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value)
}

/** A string or number as text; empty for other values. */
export function scalarText(value: unknown): string {
  return typeof value === "string" || typeof value === "number" ? String(value) : ""
}

/** The objects of a list; none if the value is not a list. */
export function filterJsonObjects(value: unknown): ReadonlyArray<JsonObject> {
  return Array.isArray(value) ? value.filter(isJsonObject) : []
}
