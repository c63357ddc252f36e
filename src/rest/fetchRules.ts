/** What `fetch` of the runtime accepts, and what it rejects before it sends anything. */
import type { RequestError } from "@effect/platform/HttpClientError"
import { unsendable } from "./transport.js"
import type { TransportFailure } from "./transport.js"

/** Of undici ("Body is unusable", "disturbed or locked"), of workerd and of browsers. */
const unusableBody =
  /\b(?:body is unusable|used body|already been used|disturbed or locked|is locked)\b/i

/** Cloudflare Workers reject the option: no request is sent, and the upload fails. */
export function supportsRedirectError(): boolean {
  return requestOf("https://discord.com", { redirect: "error" }) !== undefined
}

/**
 * The failure, if `fetch` failed while it made the request from its arguments. A failure of the
 * network is a `TypeError` as well on most runtimes, so the arguments are tried again: what makes no
 * `Request` was never sent. A body cannot be tried twice; its errors are recognised by their text.
 */
export function rejectedByFetch(
  { cause, request }: RequestError,
  init: RequestInit,
): TransportFailure | undefined {
  if (!(cause instanceof TypeError)) return undefined
  const { headers, method, url } = request
  // In a browser, a URL may be relative to the page.
  const resolved = requestOf(url, {})?.url ?? ""
  if (!/^https?:/.test(resolved)) return unsendable("invalidUrl")
  return unusableBody.test(cause.message) ||
    requestOf(url, { ...init, headers, method }) === undefined
    ? unsendable("encode")
    : undefined
}

function requestOf(url: string, init: RequestInit): Request | undefined {
  try {
    return new Request(url, init)
  } catch {
    return undefined
  }
}
