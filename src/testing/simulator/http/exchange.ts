/** A request as it reaches the server. Header names are lower case; the body is the raw bytes. */
export interface SimulatedRequest {
  readonly method: string
  readonly path: string
  readonly query: Readonly<Record<string, string>>
  readonly headers: Readonly<Record<string, string | undefined>>
  readonly body: Uint8Array | string | undefined
}

/** A body before it is written: JSON stays a value, so that nobody pays for text he does not read. */
export type ResponseBody =
  | { readonly _tag: "Empty" }
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
export type Outcome = "answered" | "refused" | "reset" | "dropped" | "cut" | "silent"

export const json = (status: number, value: unknown): SimulatedResponse => ({
  status,
  headers: {},
  body: { _tag: "Json", value },
})

export const noContent: SimulatedResponse = { status: 204, headers: {}, body: { _tag: "Empty" } }

/** The bytes of a body as text. */
export const bodyText = (body: ResponseBody): string => {
  if (body._tag === "Json") return JSON.stringify(body.value)
  return body._tag === "Text" ? body.text : ""
}

export const contentTypeOf = (body: ResponseBody): string | undefined => {
  if (body._tag === "Json") return "application/json"
  return body._tag === "Text" && body.contentType !== "" ? body.contentType : undefined
}
