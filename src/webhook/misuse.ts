/**
 * The usual mistakes of code that no compiler checks: each issue names the way out. The values are
 * never shown, since one of them may be the URL of a webhook.
 */
import * as Predicate from "effect/Predicate"
import * as Redacted from "effect/Redacted"
import type { Issue } from "../model/Issue.js"
import { nearest } from "../model/nearest.js"
import { describeWrongFile, isDeferred } from "../rest/upload/advice.js"

const noInteraction: Issue = {
  path: "interaction",
  message:
    "expected an InteractionWebhook: make one with InteractionWebhook.make({ applicationId, token })",
}

/** By its fields and not its class: another copy of this package has another class. */
export function findWebhookIssue(webhook: unknown): Issue | undefined {
  const isWebhook =
    Predicate.hasProperty(webhook, "id") &&
    typeof webhook.id === "string" &&
    Predicate.hasProperty(webhook, "tokenDigest") &&
    Predicate.hasProperty(webhook, "token") &&
    Redacted.isRedacted(webhook.token)
  if (isWebhook) return undefined
  const isInteraction = Predicate.hasProperty(webhook, "kind") && webhook.kind === "interaction"
  if (isInteraction) return noInteraction
  return { path: "webhook", message: `expected a Webhook, got ${describeWrongWebhook(webhook)}` }
}

function describeWrongWebhook(given: unknown): string {
  if (given === undefined || given === null) {
    return `${given}: make one with Webhook.config or Webhook.fromUrl`
  }
  if (Array.isArray(given)) return "an array: Webhook.broadcast sends to many webhooks"
  if (isDeferred(given)) {
    return "an Effect or a Promise: run it first, such as with yield* or Effect.flatMap"
  }
  if (typeof given === "string" || given instanceof URL || Redacted.isRedacted(given)) {
    return "a URL or another text: make a Webhook of the URL with Webhook.fromUrl"
  }
  return Predicate.hasProperty(given, "id") && Predicate.hasProperty(given, "token")
    ? "an object: make one with Webhook.make({ id, token })"
    : "something else: make one with Webhook.config or Webhook.fromUrl"
}

/** What stands in the place of a file. */
export function makeFileIssue(path: string, given: unknown): Issue {
  return { path, message: `expected a FileUpload, got ${describeWrongFile(given)}` }
}

/** What stands in the place of the list. */
export function makeFilesIssue(given: unknown): Issue {
  const advice = Predicate.isTagged(given, "FileUpload")
    ? "a single one: put it into an array"
    : describeWrongFile(given)
  return { path: "files", message: `expected an array of FileUpload, got ${advice}` }
}

const explainOption = (example: string): string =>
  `is an option and not a field of the message: pass ${example} after the message`

/** Fields that a message does not have, where their writer may find what was meant. */
const knownMistakes: ReadonlyMap<string, string> = new Map([
  ["threadId", explainOption("{ threadId }")],
  ["thread_id", explainOption("{ threadId }")],
  ["wait", explainOption("{ wait: false }")],
  ["text", "is not a known field: did you mean content?"],
  ["message", "is not a known field: did you mean content?"],
])

/** What the Schema says of a message, with the way out where there is a usual one. */
export function explainIssue(issue: Issue): Issue {
  if (issue.path === "" && issue.message.startsWith("expected an object")) {
    return {
      ...issue,
      message: `${issue.message}: a message is an object such as { content: "hello" }`,
    }
  }
  return { ...issue, message: knownMistakes.get(issue.path) ?? issue.message }
}

/** What stands in the place of the id of a message or a thread. */
export function makeIdIssue(path: string, given: unknown): Issue {
  return {
    path,
    message: `must be a snowflake: the digits of a Discord id${describeWrongId(given)}`,
  }
}

function describeWrongId(given: unknown): string {
  if (typeof given === "string") return ""
  if (typeof given === "number") return ", as a string: a number cannot hold all of its digits"
  return Predicate.hasProperty(given, "id") ? "; pass the id alone" : ", as a string"
}

const options: ReadonlyArray<string> = ["threadId", "wait"]

/** An option that is not read would send the message to another place than was meant. */
export function findOptionIssues(given: unknown): ReadonlyArray<Issue> {
  if (given === undefined || given === null) return []
  if (!Predicate.isRecord(given)) {
    return [{ path: "options", message: 'expected an object such as { threadId: "1234" }' }]
  }
  const issues: Array<Issue> = []
  // Runs for every message.
  for (const name in given) {
    if (!options.includes(name) && given[name] !== undefined) {
      const near = nearest(name, options)
      const hint = near === undefined ? "" : `: did you mean ${near}?`
      issues.push({ path: `options.${name}`, message: `is not a known option${hint}` })
    }
  }
  return issues
}
