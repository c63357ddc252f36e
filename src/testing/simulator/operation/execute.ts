import { namesOf, refuseFiles, sentAttachments } from "../file/attachmentList.js"
import { refuseExecute } from "../form/messageForm.js"
import { json, noContent, type SimulatedResponse } from "../http/exchange.js"
import { refuseAccess } from "./admission.js"
import { refuseVoice } from "./voice.js"
import { type Call, honouredBody } from "./call.js"
import { followUpBody, loadingResponse } from "./interaction.js"
import { editMessage } from "./messages.js"
import { post } from "./post.js"
import { readQuery } from "./query.js"

/**
 * Execute Webhook: sends a message. With files there is an answer whether or not it is asked for. As
 * Create Followup Message it always answers, and fills in a response that was deferred.
 */
export const execute = (call: Call): SimulatedResponse => {
  if (call.webhook.interaction === undefined) return sendMessage(call)
  const loading = loadingResponse(call)
  if (loading !== undefined) return editMessage({ ...call, messageId: loading.id })
  return sendMessage({ ...call, body: followUpBody(call), query: { wait: "true" } })
}

function sendMessage(call: Call): SimulatedResponse {
  const { world, webhook, files } = call
  const query = readQuery(call.query)
  if (query._tag === "Refused") return query.response
  const denial = refuseAccess(webhook.channel, true)
  if (denial !== undefined) return denial
  const body = honouredBody(call, query.withComponents)
  const attachments = sentAttachments(files, body)
  const sender = { interactive: webhook.applicationId !== null, files: namesOf(attachments) }
  const refusal = refuseFiles(files, world.config.maxFileBytes) ?? refuseExecute(body, sender)
  if (refusal !== undefined) return refusal
  if (attachments._tag === "Refused") return attachments.response
  const objection = refuseVoice(body, attachments.entries)
  if (objection !== undefined) return objection
  const posted = post(call, body, query.threadId, attachments.entries)
  if (posted._tag === "Refused") return posted.response
  return query.wait || files.length > 0 ? json(200, posted.message) : noContent
}
