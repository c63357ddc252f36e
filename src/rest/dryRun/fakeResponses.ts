/** What a dry run pretends that Discord holds, and what it answers. Bounded, and the only state. */
import * as DateTime from "effect/DateTime"
import * as Predicate from "effect/Predicate"
import * as Redacted from "effect/Redacted"
import * as Snowflake from "../../model/Snowflake.js"
import type { Call, File, Payload } from "./parseRequest.js"

/** `json` left out: no body, or the text. */
export interface Answer {
  readonly status: number
  readonly json?: Fields
  readonly text?: string
}

/** The oldest are forgotten. */
const mostMessages = 1000
const mostNames = 1000

/** Ids count from 2015 on, and 0 is none; a test's clock begins in 1970. */
const firstMoment = 1_420_070_400_001

const defaultName = "Dry run"
const noContent: Answer = { status: 204 }
const unknownMessage: Answer = { status: 404, json: { message: "Unknown Message", code: 10008 } }

export class Pretence {
  /** `undefined`: deleted. */
  readonly #messages = new Map<string, Fields | undefined>()
  readonly #names = new Map<string, string>()
  #lastId = 0n

  /** No answer has rate limits: what they would be, only Discord knows. */
  answer(call: Call, payload: Payload, now: number): Answer {
    if (call.messageId !== undefined) return this.#ofMessage(call, call.messageId, payload, now)
    if (call.method === "POST") return this.#posted(call, payload, now)
    // Still there afterwards, as for the limiter, which other programs may share.
    if (call.method === "DELETE") return noContent
    return this.#ofWebhook(call, payload)
  }

  #posted(call: Call, payload: Payload, now: number): Answer {
    const { wait } = call.query
    if (call.service === "slack") return wait === "false" ? noContent : { status: 200, text: "ok" }
    if (call.service === "github") return noContent
    const id = this.#newId(now)
    const making = this.#making(call, id, now)
    const isPost = typeof fieldsOf(payload.json)["thread_name"] === "string"
    // A forum post is a thread with the id of its first message.
    const message = made(payload, isPost ? { ...making, channelId: id } : making)
    remember(this.#messages, id, message, mostMessages)
    return wait === "true" ? { status: 200, json: message } : noContent
  }

  /** A message of before this run may well be there: it is taken for one without text. */
  #ofMessage(call: Call, messageId: string, payload: Payload, now: number): Answer {
    const isOriginal = messageId === "@original"
    const making = this.#making(call, isOriginal ? this.#newId(now) : messageId, now)
    // Every interaction has an original response of its own.
    const key = isOriginal ? Redacted.value(call.token) : messageId
    const message = this.#messages.has(key)
      ? this.#messages.get(key)
      : made({ json: undefined, files: [] }, making)
    if (message === undefined) return unknownMessage
    if (call.method === "DELETE") {
      remember(this.#messages, key, undefined, mostMessages)
      return noContent
    }
    const after = call.method === "PATCH" ? changed(message, payload, making) : message
    remember(this.#messages, key, after, mostMessages)
    return { status: 200, json: after }
  }

  #ofWebhook({ method, webhookId }: Call, payload: Payload): Answer {
    const { name } = fieldsOf(payload.json)
    if (method === "PATCH" && typeof name === "string") {
      remember(this.#names, webhookId, name, mostNames)
    }
    return {
      status: 200,
      json: {
        id: webhookId,
        type: 1,
        channel_id: webhookId,
        name: this.#names.get(webhookId) ?? defaultName,
        avatar: null,
      },
    }
  }

  #making({ query, webhookId }: Call, id: string, now: number): Making {
    return {
      id,
      channelId: query["thread_id"] ?? webhookId,
      webhookId,
      username: this.#names.get(webhookId) ?? defaultName,
      now,
      newId: () => this.#newId(now),
    }
  }

  /** Of this moment, if the clock has come to Discord's first, and never one twice. */
  #newId(now: number): string {
    const ofNow = BigInt(Snowflake.fromTimestamp(Math.max(now, firstMoment)))
    this.#lastId = ofNow > this.#lastId ? ofNow : this.#lastId + 1n
    return String(this.#lastId)
  }
}

function remember<A>(memory: Map<string, A>, key: string, value: A, most: number): void {
  memory.delete(key)
  memory.set(key, value)
  if (memory.size <= most) return
  for (const oldest of memory.keys()) {
    memory.delete(oldest)
    return
  }
}

type Fields = { readonly [key: string]: unknown }

/** Milliseconds in an hour, the unit of a poll's duration; Discord's default is a day. */
const hour = 3_600_000
const pollHours = 24

/** What a message is made from, besides what was sent. */
interface Making {
  readonly id: string
  readonly channelId: string
  readonly webhookId: string
  readonly username: string
  /** Epoch milliseconds. */
  readonly now: number
  readonly newId: () => string
}

export function made(payload: Payload, making: Making): Fields {
  const sent = fieldsOf(payload.json)
  return {
    id: making.id,
    channel_id: making.channelId,
    webhook_id: making.webhookId,
    type: 0,
    author: {
      id: making.webhookId,
      username: sent["username"] ?? making.username,
      avatar: null,
      discriminator: "0000",
      bot: true,
    },
    content: sent["content"] ?? "",
    embeds: sent["embeds"] ?? [],
    components: sent["components"] ?? [],
    attachments: uploaded(payload, making),
    mentions: [],
    mention_roles: [],
    mention_everyone: false,
    pinned: false,
    tts: sent["tts"] ?? false,
    flags: sent["flags"] ?? 0,
    timestamp: timestamp(making.now),
    edited_timestamp: null,
    ...(Predicate.isRecord(sent["poll"]) ? { poll: opened(sent["poll"], making.now) } : {}),
  }
}

/** What is left out stays, `null` clears. `attachments`, if given, is the list of what stays. */
function changed(before: Fields, payload: Payload, making: Making): Fields {
  const sent = fieldsOf(payload.json)
  const after = (key: string, empty: unknown) => (key in sent ? (sent[key] ?? empty) : before[key])
  return {
    ...before,
    content: after("content", ""),
    embeds: after("embeds", []),
    components: after("components", []),
    flags: after("flags", 0),
    attachments: [...kept(before, sent), ...uploaded(payload, making)],
    edited_timestamp: timestamp(making.now),
  }
}

function fieldsOf(json: unknown): Fields {
  return Predicate.isRecord(json) ? json : {}
}

function timestamp(millis: number): string {
  return DateTime.formatIso(DateTime.unsafeMake(millis))
}

function kept(before: Fields, sent: Fields): ReadonlyArray<Fields> {
  const old = listOf(before["attachments"])
  if (!("attachments" in sent)) return old
  const stays = new Set(listOf(sent["attachments"]).map(({ id }) => String(id)))
  return old.filter(({ id }) => stays.has(String(id)))
}

function uploaded({ files, json }: Payload, making: Making): ReadonlyArray<Fields> {
  const described = listOf(fieldsOf(json)["attachments"])
  return files.map((file) => {
    const id = making.newId()
    const { description, title } =
      described.find((one) => `files[${String(one["id"])}]` === file.key) ?? {}
    const url = `https://cdn.discordapp.com/attachments/${making.channelId}/${id}/${encodeURIComponent(file.name)}`
    return { id, ...facts(file), url, proxy_url: url, description, title }
  })
}

function facts({ contentType, name, size }: File): Fields {
  return { filename: name, size, content_type: contentType }
}

function opened(poll: Fields, now: number): Fields {
  const { duration } = poll
  const hours = typeof duration === "number" ? duration : pollHours
  return {
    ...poll,
    answers: listOf(poll["answers"]).map((answer, index) => ({ ...answer, answer_id: index + 1 })),
    expiry: timestamp(now + hours * hour),
  }
}

function listOf(value: unknown): ReadonlyArray<Fields> {
  return Array.isArray(value) ? value.filter(Predicate.isRecord) : []
}
