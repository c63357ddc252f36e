export * as OutboxError from "./OutboxError.js"
