/** Responses of a faulty server. */
import { Fault } from "../../src/testing/index.js"

/** A 429 without JSON, but with Discord's headers; seconds as they stand in a header. */
export const emptyBody429 = (delays: {
  readonly retryAfter: string
  readonly resetAfter: string
}) =>
  Fault.respond({
    status: 429,
    headers: {
      "retry-after": delays.retryAfter,
      "x-ratelimit-bucket": "a-bucket",
      "x-ratelimit-limit": "5",
      "x-ratelimit-remaining": "0",
      "x-ratelimit-reset-after": delays.resetAfter,
      "x-ratelimit-scope": "user",
    },
  })

/** Every rate-limit header has this value. */
export const withHeaders = (value: string) =>
  Fault.alter((response) => ({
    ...response,
    headers: {
      ...response.headers,
      "x-ratelimit-bucket": value,
      "x-ratelimit-limit": value,
      "x-ratelimit-remaining": value,
      "x-ratelimit-reset": value,
      "x-ratelimit-reset-after": value,
      "x-ratelimit-scope": value,
      "x-ratelimit-global": value,
      "retry-after": value,
    },
  }))

/** A 429 whose JSON contains this delay in seconds, and any header. */
export const limited429 = (options: {
  readonly retryAfter: number
  readonly header?: string | undefined
  readonly global?: boolean | undefined
}) =>
  Fault.respond({
    status: 429,
    headers: options.header === undefined ? {} : { "retry-after": options.header },
    body: {
      message: "You are being rate limited.",
      retry_after: options.retryAfter,
      global: options.global ?? false,
    },
  })
