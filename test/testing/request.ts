import * as HttpBody from "@effect/platform/HttpBody"
import * as HttpClient from "@effect/platform/HttpClient"
import * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import * as Effect from "effect/Effect"
import type { DiscordSimulator } from "../../src/testing/index.js"

type Hook = Pick<DiscordSimulator.SimulatedWebhook, "id" | "token">
type Method = "GET" | "POST" | "PATCH" | "DELETE"

/** A response with its parsed JSON in `body` and its raw body in `text`. */
export interface TestResponse {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly text: string
  readonly body: Body
}

/** The fields that tests read; which of them exist depends on the endpoint. */
export interface Body extends Readonly<Record<string, unknown>> {
  readonly id: string
  readonly channel_id: string
  readonly content: string
  readonly timestamp: string
  readonly code: number
  readonly retry_after: number
  readonly errors: Tree
}

interface Tree {
  readonly [key: string]: Tree | ReadonlyArray<{ readonly code: string; readonly message: string }>
}

type Part = string | File

/** A form of these parts in order. */
export const form = (parts: ReadonlyArray<readonly [name: string, value: Part]>): FormData => {
  const made = new FormData()
  for (const [name, value] of parts) {
    if (typeof value === "string") made.append(name, value)
    else made.append(name, value)
  }
  return made
}

/** A form of `payload_json` and files numbered from 0. */
export const withFiles = (payload: unknown, ...files: ReadonlyArray<File>): FormData =>
  form([
    ["payload_json", JSON.stringify(payload)],
    ...files.map((file, index) => [`files[${index}]`, file] as const),
  ])

/** Sends a request with this body and these headers. */
export const raw = (
  method: Method,
  path: string,
  options: { readonly body?: string | FormData; readonly headers?: Record<string, string> } = {},
) =>
  Effect.gen(function* () {
    const bodyless = HttpClientRequest.make(method)(`https://discord.com${path}`)
    const { body, headers = {} } = options
    const contentType = headers["content-type"] ?? "application/json"
    const request =
      body === undefined
        ? bodyless
        : HttpClientRequest.setBody(
            bodyless,
            typeof body === "string" ? HttpBody.text(body, contentType) : HttpBody.formData(body),
          )
    const response = yield* HttpClient.execute(HttpClientRequest.setHeaders(request, headers))
    const text = yield* response.text
    const { status, headers: responseHeaders } = response
    return { status, headers: responseHeaders, text, body: parseBody(text) } satisfies TestResponse
  })

const request = (method: Method, hook: Hook, tail: string, body?: unknown) =>
  raw(
    method,
    `/api/v10/webhooks/${hook.id}/${hook.token}${tail}`,
    body === undefined ? {} : { body: body instanceof FormData ? body : JSON.stringify(body) },
  )

const query = (options: Readonly<Record<string, string | boolean>>) => {
  const text = new URLSearchParams(
    Object.entries(options).map(([key, value]) => [key, String(value)]),
  ).toString()
  return text === "" ? "" : `?${text}`
}

type Query = Readonly<Record<string, string | boolean>>

/** Executes a webhook, with `wait=true` by default. */
export const send = (hook: Hook, body: unknown = { content: "ahoy" }, options: Query = {}) =>
  request("POST", hook, query({ wait: true, ...options }), body)

export const getMessage = (hook: Hook, id: string, options: Query = {}) =>
  request("GET", hook, `/messages/${id}${query(options)}`)

export const editMessage = (hook: Hook, id: string, body: unknown, options: Query = {}) =>
  request("PATCH", hook, `/messages/${id}${query(options)}`, body)

export const deleteMessage = (hook: Hook, id: string, options: Query = {}) =>
  request("DELETE", hook, `/messages/${id}${query(options)}`)

export const getWebhook = (hook: Hook) => request("GET", hook, "")
export const modifyWebhook = (hook: Hook, body: unknown) => request("PATCH", hook, "", body)
export const deleteWebhook = (hook: Hook) => request("DELETE", hook, "")

/** The leaves of a 50035 tree as `path CODE`. */
export const leaves = ({ body }: TestResponse): ReadonlyArray<string> => flatten(body.errors, [])

function flatten(tree: Tree | undefined, path: ReadonlyArray<string>): ReadonlyArray<string> {
  return Object.entries(tree ?? {}).flatMap(([key, node]) =>
    Array.isArray(node)
      ? node.map(({ code }: { readonly code: string }) => `${path.join(".")} ${code}`)
      : flatten(node as Tree, [...path, key]),
  )
}

/** A body that is not JSON has no fields. */
function parseBody(text: string): Body {
  try {
    return Object(JSON.parse(text)) as Body
  } catch {
    return {} as Body
  }
}
