import { invalidForm, type Issue, issue, apiError } from "../http/errors.js"
import { refuseExecute } from "../forms/message.js"
import { noContent, type SimulatedResponse } from "../http/exchange.js"
import { checkGitHub, githubMessage } from "./github.js"
import { checkSlack, slackMessage } from "./slack.js"
import { isForum } from "../state.js"
import { refuseAccess } from "./admission.js"
import { type Call, readQuery } from "./call.js"
import { post } from "./execute.js"
type Fields = Readonly<Record<string, unknown>>

/** How another service's body becomes a message. */
interface Service {
  readonly check: (call: Call, issues: Array<Issue>) => void
  /** Of what Discord does not show there is no message. */
  readonly render: (call: Call) => Fields | undefined
  readonly success: SimulatedResponse
}

/** The answer is never a message, whatever `wait` says. */
const slack: Service = {
  check: ({ body }, issues) => checkSlack(body, issues),
  render: ({ body }) => slackMessage(body),
  success: {
    status: 200,
    headers: {},
    body: { _tag: "Text", text: "ok", contentType: "text/html; charset=utf-8" },
  },
}

const eventHeader = "x-github-event"

const github: Service = {
  check: ({ body, headers }, issues) => {
    if (headers[eventHeader] === undefined) {
      issues.push(issue([eventHeader], "BASE_TYPE_REQUIRED", "This field is required"))
    }
    checkGitHub(body, issues)
  },
  render: ({ body, headers }) => githubMessage(headers[eventHeader] ?? "", body),
  success: noContent,
}

/** Execute Slack-Compatible Webhook. */
export const executeSlack = (call: Call): SimulatedResponse => serve(call, slack)

/** Execute GitHub-Compatible Webhook. */
export const executeGitHub = (call: Call): SimulatedResponse => serve(call, github)

/** Services do not know threads: in a forum they must be told one. */
function serve(call: Call, { check, render, success }: Service): SimulatedResponse {
  const { channel } = call.webhook
  const query = readQuery(call.query)
  if (query._tag === "Refused") return query.response
  const denial = refuseAccess(channel, true)
  if (denial !== undefined) return denial
  const issues: Array<Issue> = []
  check(call, issues)
  if (issues.length > 0) return invalidForm(issues)
  if (isForum(channel) && query.threadId === undefined) return apiError(220004)
  const message = render(call)
  if (message === undefined) return success
  const refusal = refuseExecute(message, { interactive: false, files: new Set() })
  if (refusal !== undefined) return refusal
  const posted = post(call, message, query.threadId, [])
  return posted._tag === "Refused" ? posted.response : success
}
