/**
 * What a failed connection says of the request: why, and whether it can have reached Discord. The
 * platform's error is read and dropped: it holds the URL.
 */
import type { HttpClientError } from "@effect/platform/HttpClientError"
import type { Delivered, DiscordTransportError, WebhookFileError } from "../error/WebhookError.js"
import { BodyTooLarge } from "./transports/responseBody.js"

export interface TransportFailure {
  readonly reason: DiscordTransportError["reason"]
  readonly delivered: Delivered
  /** The same would happen again, whoever tries. */
  readonly permanent: boolean
  /** The file whose fault it was. */
  readonly file?: WebhookFileError
}

const notSent = (reason: DiscordTransportError["reason"], permanent = false): TransportFailure => ({
  reason,
  delivered: "no",
  permanent,
})

/** Nothing was sent, and the same request will never be. */
export const unsendable = (reason: "encode" | "invalidUrl"): TransportFailure =>
  notSent(reason, true)

const maybeSent = (reason: DiscordTransportError["reason"]): TransportFailure => ({
  reason,
  delivered: "unknown",
  permanent: false,
})

/** Given up before anything went out. */
export const notStarted: TransportFailure = notSent("broken")
export const timedOut: TransportFailure = maybeSent("timeout")
/** No connection was free, or could be made, in time. */
export const noConnection: TransportFailure = notSent("timeout")
export const broken: TransportFailure = maybeSent("broken")

/** The same would be sent again. */
export const tooLarge: TransportFailure = { ...maybeSent("tooLarge"), permanent: true }

/**
 * Half a request makes no message; but what had arrived of it may have taken a slot, and then the
 * limiter must not think that it is free.
 */
export const makeFileFailure = (file: WebhookFileError): TransportFailure => ({
  ...broken,
  permanent: true,
  file,
})

/**
 * Certificates are verified in the first handshake, and the request is encrypted only after it. No
 * other TLS error tells the handshake from an established connection: a record that is not TLS,
 * `ERR_SSL_WRONG_VERSION_NUMBER`, is possible at any time.
 */
const certificateCode =
  /^(?:CERT_|UNABLE_TO_|DEPTH_ZERO_SELF_SIGNED_CERT$|SELF_SIGNED_CERT_IN_CHAIN$|HOSTNAME_MISMATCH$|ERR_TLS_CERT_ALTNAME_INVALID$)/

const timeoutCodes: ReadonlySet<string> = new Set([
  "ETIMEDOUT",
  "UND_ERR_HEADERS_TIMEOUT",
  "UND_ERR_BODY_TIMEOUT",
])

/** A header or an argument that no request can have. */
const invalidRequestCodes: ReadonlySet<string> = new Set([
  "UND_ERR_INVALID_ARG",
  "ERR_INVALID_CHAR",
  "ERR_INVALID_ARG_TYPE",
])

export function classifyError(error: HttpClientError): TransportFailure {
  if (error._tag === "ResponseError") {
    return error.cause instanceof BodyTooLarge ? tooLarge : broken
  }
  if (error.reason === "InvalidUrl") return unsendable("invalidUrl")
  if (error.reason === "Encode") return unsendable("encode")
  return classifyCause(error.cause)
}

/** The same failure from a client that reports when a request starts, which says more than a code. */
export function withDelivered(failure: TransportFailure, started: boolean): TransportFailure {
  return { ...failure, delivered: started ? "unknown" : "no" }
}

/** By what the connection itself failed with. */
export function classifyCause(cause: unknown): TransportFailure {
  for (const fault of collectErrors(cause)) {
    const known = classifyCode(fault)
    if (known !== undefined) return known
  }
  return broken
}

interface ErrorDetails {
  readonly code: string
  readonly syscall: string
  readonly message: string
}

/** How deep causes may be nested: fetch wraps undici's error, which wraps the socket's. */
const maxCauseDepth = 5

function collectErrors(error: unknown, depth = 0): ReadonlyArray<ErrorDetails> {
  if (typeof error !== "object" || error === null || depth >= maxCauseDepth) return []
  const fault: ErrorDetails = {
    code: getString(error, "code"),
    syscall: getString(error, "syscall"),
    message: getString(error, "message"),
  }
  // A host with several addresses fails with one error for each; they tell more than their sum.
  const parts: unknown = Reflect.get(error, "errors")
  const first: unknown = Array.isArray(parts) ? parts[0] : undefined
  return [
    ...collectErrors(first, depth + 1),
    fault,
    ...collectErrors("cause" in error ? error.cause : undefined, depth + 1),
  ]
}

function getString(error: object, key: string): string {
  const value: unknown = Reflect.get(error, key)
  return typeof value === "string" ? value : ""
}

/** What undici says of a proxy that did not open a tunnel. */
const proxyFailure = /^Proxy response \((\d+)\)/

/** Wrong credentials stay wrong. */
const proxyAuthenticationRequired = "407"

function classifyCode({ code, syscall, message }: ErrorDetails): TransportFailure | undefined {
  if (code === BodyTooLarge.code) return tooLarge
  if (code === "ENOTFOUND" || code.startsWith("EAI_")) return notSent("dns")
  if (code === "ECONNREFUSED" || code === "ConnectionRefused") return notSent("refused")
  if (code === "UND_ERR_CONNECT_TIMEOUT") return notSent("timeout")
  // The same codes occur while connecting and, rarely, on a connection in use.
  if (syscall === "connect") return notSent(code === "ETIMEDOUT" ? "timeout" : "refused")
  if (certificateCode.test(code) || message.includes("before secure TLS connection")) {
    return notSent("tls")
  }
  const [, proxyStatus] = proxyFailure.exec(message) ?? []
  if (proxyStatus !== undefined) {
    return notSent("proxy", proxyStatus === proxyAuthenticationRequired)
  }
  if (/^(?:EPROTO$|ERR_SSL_|ERR_TLS_)/.test(code)) return maybeSent("tls")
  if (timeoutCodes.has(code)) return timedOut
  if (invalidRequestCodes.has(code)) return unsendable("encode")
  // Of undici's `fetch`, without a code.
  if (message === "unknown scheme" || message === "bad port") return unsendable("invalidUrl")
  return undefined
}
