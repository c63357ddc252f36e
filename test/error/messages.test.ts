import { expect, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import { WebhookError } from "../../src/index.js"

const rateLimited = (retryAfter: number, reason: "attempts" | "maxWait") =>
  new WebhookError.WebhookRateLimited({
    route: "POST /webhooks/{webhook.id}/{webhook.token}",
    operation: "Webhook.send",
    webhookId: "42",
    reason,
    scope: "user",
    retryAfter: Duration.millis(retryAfter),
    attempts: 1,
  })

it("a rate limit states its delay in whole milliseconds", () => {
  const error = rateLimited(998.911377, "attempts")
  expect(error.message).toContain("still limited after 1 attempt; try again in 999ms")
  expect(error.message).not.toContain("ns")
})

it("a rate limit names no delay if nobody knows it", () => {
  expect(rateLimited(0, "maxWait").message).toBe(
    "Webhook.send (webhook 42): rate limited (user), the wait is longer than maxWait",
  )
})
