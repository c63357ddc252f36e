import { expect, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import { WebhookError } from "../../src/index.js"

it("a rate limit states its delay in whole milliseconds", () => {
  const error = new WebhookError.WebhookRateLimited({
    route: "POST /webhooks/{webhook.id}/{webhook.token}",
    operation: "Webhook.send",
    webhookId: "42",
    reason: "attempts",
    scope: "user",
    retryAfter: Duration.millis(998.911377),
    attempts: 1,
  })
  expect(error.message).toContain("still limited after 1 attempt; try again in 999ms")
  expect(error.message).not.toContain("ns")
})
