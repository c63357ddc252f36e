export * as Outbox from "./Outbox.js"
export * as OutboxError from "./OutboxError.js"
export * as OutboxMetrics from "./OutboxMetrics.js"
