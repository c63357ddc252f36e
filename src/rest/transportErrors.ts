/**
 * Classifies connection failures: the reason, and whether the request may have reached Discord. The
 * platform's error is not kept, because it contains the URL.
 */
import type { HttpClientError } from "@effect/platform/HttpClientError"
import { readField, tryRead } from "./sanitize.js"
import type { Delivered, DiscordTransportError, WebhookFileError } from "../error/WebhookError.js"

/**
 * Maximum bytes of a response body after decompression, which protects the memory. Discord's
 * longest body, a message with all parts, is well below a megabyte.
 */
export const maxBodySize = 8 * 1024 * 1024

/** The error of a direct transport whose response body is too large. */
export class BodyTooLarge extends Error {
  static readonly code = "BODY_TOO_LARGE"
  readonly code = BodyTooLarge.code

  constructor() {
    super(`the response is larger than ${maxBodySize} bytes`)
  }
}

export interface TransportFailure {
  readonly reason: DiscordTransportError["reason"]
  readonly delivered: Delivered
  /** Whether a retry would fail in the same way. */
  readonly permanent: boolean
  /** The error of the file that caused the failure. */
  readonly file?: WebhookFileError
}

const notSent = (reason: DiscordTransportError["reason"], permanent = false): TransportFailure => ({
  reason,
  delivered: "no",
  permanent,
})

/** Nothing was sent, and a retry would fail in the same way. */
export const unsendable = (reason: "encode" | "invalidUrl"): TransportFailure =>
  notSent(reason, true)

const maybeSent = (reason: DiscordTransportError["reason"]): TransportFailure => ({
  reason,
  delivered: "unknown",
  permanent: false,
})

/** Aborted before anything was sent. */
export const notStarted: TransportFailure = notSent("broken")
export const timedOut: TransportFailure = maybeSent("timeout")
/** No connection was free, or could be made, in time. */
export const noConnection: TransportFailure = notSent("timeout")
export const broken: TransportFailure = maybeSent("broken")

/** A retry would receive the same body. */
export const tooLarge: TransportFailure = { ...maybeSent("tooLarge"), permanent: true }

/**
 * An incomplete upload creates no message; but what arrived may have used a slot, so the limiter
 * must count it.
 */
export const makeFileFailure = (file: WebhookFileError): TransportFailure => ({
  ...broken,
  permanent: true,
  file,
})

/**
 * Certificates are verified in the handshake, before the request is sent. Other TLS errors do not
 * show whether the connection was established: `ERR_SSL_WRONG_VERSION_NUMBER` can occur at any
 * time.
 */
const certificateCode =
  /^(?:CERT_|UNABLE_TO_|DEPTH_ZERO_SELF_SIGNED_CERT$|SELF_SIGNED_CERT_IN_CHAIN$|HOSTNAME_MISMATCH$|ERR_TLS_CERT_ALTNAME_INVALID$)/

const timeoutCodes: ReadonlySet<string> = new Set([
  "ETIMEDOUT",
  "UND_ERR_HEADERS_TIMEOUT",
  "UND_ERR_BODY_TIMEOUT",
])

/** Codes for headers and arguments that no request can have. */
const invalidRequestCodes: ReadonlySet<string> = new Set([
  "UND_ERR_INVALID_ARG",
  "ERR_INVALID_CHAR",
  "ERR_INVALID_ARG_TYPE",
])

export function classifyError(error: HttpClientError): TransportFailure {
  if (error._tag === "ResponseError") {
    return tryRead(() => error.cause instanceof BodyTooLarge) === true ? tooLarge : broken
  }
  if (error.reason === "InvalidUrl") return unsendable("invalidUrl")
  if (error.reason === "Encode") return unsendable("encode")
  return classifyCause(readField(error, "cause"))
}

/** Replaces `delivered`, for a client that reports when a request starts. */
export function withDelivered(failure: TransportFailure, started: boolean): TransportFailure {
  return { ...failure, delivered: started ? "unknown" : "no" }
}

/** Classifies the cause of a failed connection. */
export function classifyCause(cause: unknown): TransportFailure {
  for (const fault of collectErrors(cause)) {
    const failure = classifyCode(fault)
    if (failure !== undefined) return failure
  }
  return broken
}

interface ErrorDetails {
  readonly code: string
  readonly syscall: string
  readonly message: string
}

/** Maximum depth of nested causes: fetch wraps undici's error, which wraps the socket's. */
const maxCauseDepth = 5

function collectErrors(error: unknown, depth = 0): ReadonlyArray<ErrorDetails> {
  if (typeof error !== "object" || error === null || depth >= maxCauseDepth) return []
  const fault: ErrorDetails = {
    code: getString(error, "code"),
    syscall: getString(error, "syscall"),
    message: getString(error, "message"),
  }
  // A host with several addresses fails with one error for each, which are more specific.
  const first = readField(readField(error, "errors"), "0")
  return [
    ...collectErrors(first, depth + 1),
    fault,
    ...collectErrors(readField(error, "cause"), depth + 1),
  ]
}

function getString(error: object, key: string): string {
  const value = readField(error, key)
  return typeof value === "string" ? value : ""
}

/** The message of undici if a proxy does not open a tunnel. */
const proxyFailure = /^Proxy response \((\d+)\)/

/** A retry would send the same wrong credentials. */
const proxyAuthenticationRequired = "407"

function classifyCode({ code, syscall, message }: ErrorDetails): TransportFailure | undefined {
  if (code === BodyTooLarge.code) return tooLarge
  if (code === "ENOTFOUND" || code.startsWith("EAI_")) return notSent("dns")
  if (code === "ECONNREFUSED" || code === "ConnectionRefused") return notSent("refused")
  if (code === "UND_ERR_CONNECT_TIMEOUT") return notSent("timeout")
  // The same codes occur while connecting and, rarely, on an established connection.
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
  // Messages of undici's `fetch`, which have no code.
  if (message === "unknown scheme" || message === "bad port") return unsendable("invalidUrl")
  return undefined
}
