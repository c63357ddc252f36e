/**
 * Issues for common mistakes of untyped callers, with advice. They do not show the values, one of
 * which may be the URL of a webhook.
 */
import * as Predicate from "effect/Predicate"
import * as Redacted from "effect/Redacted"
import type { Issue } from "../model/Issue.js"
import { nearest } from "../model/nearest.js"
import type { Kind } from "../ratelimit/Route.js"
import { describeWrongFile, isDeferred } from "../rest/upload/advice.js"

const noInteraction: Issue = {
  path: "interaction",
  message:
    "expected an InteractionWebhook: make one with InteractionWebhook.make({ applicationId, token })",
}

/** Checks the fields instead of the class: another copy of this package has another class. */
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

/** An argument that is not a file. */
export function makeFileIssue(path: string, given: unknown): Issue {
  return { path, message: `expected a FileUpload, got ${describeWrongFile(given)}` }
}

/** An argument that is not a list of files. */
export function makeFilesIssue(given: unknown): Issue {
  const advice = Predicate.isTagged(given, "FileUpload")
    ? "a single one: put it into an array"
    : describeWrongFile(given)
  return { path: "files", message: `expected an array of FileUpload, got ${advice}` }
}

const noThread =
  "no thread can be chosen for an interaction, messages go where the command was used: send to a thread with Webhook.send"

const explainOption = (example: string): string =>
  `is an option and not a field of the message: pass ${example} after the message`

/** Unknown fields of messages, and what is probably meant. */
const knownMistakes: ReadonlyMap<string, string> = new Map([
  ["threadId", explainOption("{ threadId }")],
  ["thread_id", explainOption("{ threadId }")],
  ["wait", explainOption("{ wait: false }")],
  ["text", "is not a known field: did you mean content?"],
  ["message", "is not a known field: did you mean content?"],
])

/** The same for the messages of an interaction, which has no options. */
const knownInteractionMistakes: ReadonlyMap<string, string> = new Map([
  ...knownMistakes,
  ["threadId", noThread],
  ["thread_id", noThread],
  ["wait", "is not an option of an interaction: Discord always returns the message"],
])

/** Adds advice to the Schema's issues, if there is any. */
export function explainIssue(issue: Issue, kind: Kind): Issue {
  if (issue.path === "" && issue.message.startsWith("expected an object")) {
    return {
      ...issue,
      message: `${issue.message}: a message is an object such as { content: "hello" }`,
    }
  }
  const mistakes = kind === "interaction" ? knownInteractionMistakes : knownMistakes
  return { ...issue, message: mistakes.get(issue.path) ?? issue.message }
}

/** An argument that is not the id of a message or a thread. */
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

/** An ignored option would send the message to the wrong place. */
export function findInteractionOptionIssues(given: unknown): ReadonlyArray<Issue> {
  if (given === undefined || given === null) return []
  if (!Predicate.isRecord(given)) return [{ path: "options", message: "an interaction has none" }]
  return Object.keys(given).flatMap((name) => {
    if (given[name] === undefined) return []
    const message = knownInteractionMistakes.get(name) ?? "is not a known option"
    return [{ path: `options.${name}`, message }]
  })
}

const options: ReadonlyArray<string> = ["threadId", "wait"]

/** An ignored option would send the message to the wrong place. */
export function findOptionIssues(given: unknown): ReadonlyArray<Issue> {
  if (given === undefined || given === null) return []
  if (!Predicate.isRecord(given)) {
    return [{ path: "options", message: 'expected an object such as { threadId: "1234" }' }]
  }
  const issues: Array<Issue> = []
  // Iterates without allocating, because it runs for every message.
  for (const name in given) {
    if (!options.includes(name) && given[name] !== undefined) {
      const near = nearest(name, options)
      const hint = near === undefined ? "" : `: did you mean ${near}?`
      issues.push({ path: `options.${name}`, message: `is not a known option${hint}` })
    }
  }
  return issues
}
