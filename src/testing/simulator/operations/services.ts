import { invalidForm, type Issue, issue, apiError } from "../http/errors.js"
import { validateExecute } from "../forms/message.js"
import { type JsonObject, noContent, type SimulatedResponse } from "../http/exchange.js"
import { checkGitHub, convertGitHubEvent } from "./github.js"
import { checkSlack, convertSlackMessage } from "./slack.js"
import { isForum } from "../state.js"
import { checkAccess } from "./admission.js"
import { type Call, parseQuery } from "./call.js"
import { postMessage } from "./execute.js"
/** An endpoint that accepts the body of another service. */
interface CompatibleService {
  readonly check: (call: Call, issues: Array<Issue>) => void
  /** The message, or `undefined` for events that Discord ignores. */
  readonly render: (call: Call) => JsonObject | undefined
  readonly success: SimulatedResponse
}

/** The response is never a message, even with `wait`. */
const slackService: CompatibleService = {
  check: ({ body }, issues) => checkSlack(body, issues),
  render: ({ body }) => convertSlackMessage(body),
  success: {
    status: 200,
    headers: {},
    body: { _tag: "Text", text: "ok", contentType: "text/html; charset=utf-8" },
  },
}

const eventHeader = "x-github-event"

const githubService: CompatibleService = {
  check: ({ body, headers }, issues) => {
    if (headers[eventHeader] === undefined) {
      issues.push(issue([eventHeader], "BASE_TYPE_REQUIRED", "This field is required"))
    }
    checkGitHub(body, issues)
  },
  render: ({ body, headers }) => convertGitHubEvent(headers[eventHeader] ?? "", body),
  success: noContent,
}

/** Execute Slack-Compatible Webhook. */
export const executeSlack = (call: Call): SimulatedResponse => executeService(call, slackService)

/** Execute GitHub-Compatible Webhook. */
export const executeGitHub = (call: Call): SimulatedResponse => executeService(call, githubService)

/** Executes a webhook with the body of a service. In a forum it requires a `thread_id`. */
function executeService(
  call: Call,
  { check, render, success }: CompatibleService,
): SimulatedResponse {
  const { channel } = call.webhook
  const query = parseQuery(call.query)
  if (query._tag === "Rejected") return query.response
  const accessError = checkAccess(channel, true)
  if (accessError !== undefined) return accessError
  const issues: Array<Issue> = []
  check(call, issues)
  if (issues.length > 0) return invalidForm(issues)
  if (isForum(channel) && query.threadId === undefined) return apiError(220004)
  const message = render(call)
  if (message === undefined) return success
  const rejection = validateExecute(message, { isInteractive: false, files: new Set() })
  if (rejection !== undefined) return rejection
  const posted = postMessage(call, message, query.threadId, [])
  return posted._tag === "Rejected" ? posted.response : success
}
