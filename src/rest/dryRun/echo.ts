/** The messages that a dry run makes up: what was sent, as Discord would have shown it. */
import * as DateTime from "effect/DateTime"
import * as Predicate from "effect/Predicate"
import type { File, Payload } from "./payload.js"

export type Fields = { readonly [key: string]: unknown }

/** Milliseconds in an hour, the unit of a poll's duration; Discord's default is a day. */
const hour = 3_600_000
const pollHours = 24

/** What a message is made from, besides what was sent. */
export interface Making {
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
export function changed(before: Fields, payload: Payload, making: Making): Fields {
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

export function fieldsOf(json: unknown): Fields {
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
