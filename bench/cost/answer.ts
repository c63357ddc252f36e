/** A message, and Discord's answer to it with all that a webhook's message carries. */
import type { MessageCreate } from "../../src/index.js"

/** What people send most: one line, or one line and a card. */
export const messages = {
  text: { content: "Build 1724 of main is green." },
  embed: {
    content: "Build 1724 of main is green.",
    embeds: [
      {
        title: "Deploy finished",
        description: "Version 1.4.2 went out to every region without an error.",
        url: "https://example.com/builds/1724",
        color: 0x57f287,
        fields: [
          { name: "Duration", value: "4 min 12 s", inline: true },
          { name: "Author", value: "Ada", inline: true },
        ],
      },
    ],
  },
} as const satisfies Readonly<Record<string, MessageCreate.MessageCreate>>

export type Kind = keyof typeof messages

const channelId = "1100000000000000002"

function stored(kind: Kind): unknown {
  return {
    id: "1100000000000000042",
    type: 0,
    content: messages[kind].content,
    channel_id: channelId,
    author: {
      id: "1100000000000000003",
      username: "Captain Hook",
      avatar: null,
      discriminator: "0000",
      public_flags: 0,
      flags: 0,
      bot: true,
      global_name: null,
      clan: null,
      primary_guild: null,
    },
    attachments: [],
    embeds:
      kind === "text" ? [] : messages.embed.embeds.map((embed) => ({ type: "rich", ...embed })),
    mentions: [],
    mention_roles: [],
    pinned: false,
    mention_everyone: false,
    tts: false,
    timestamp: "2026-01-31T12:00:00.000000+00:00",
    edited_timestamp: null,
    flags: 0,
    components: [],
    webhook_id: "1100000000000000003",
  }
}

export const answers: Readonly<Record<Kind, string>> = {
  text: JSON.stringify(stored("text")),
  embed: JSON.stringify(stored("embed")),
}

const around: Readonly<Record<Kind, ReadonlyArray<string>>> = {
  text: answers.text.split(channelId),
  embed: answers.embed.split(channelId),
}

/** The answer of a webhook with a channel of its own: Discord permits 15 in one, which share a limit. */
export function answerOf(kind: Kind, path: string): string {
  return around[kind].join(/webhooks\/(\d+)/.exec(path)?.[1] ?? channelId)
}

/** Milliseconds of a window, and requests in it: so many that nobody waits, and all is learned. */
const period = 50
const limit = 1000

/** The headers of an answer given now. */
export function headersAt(now: number): Record<string, string> {
  const reset = (Math.floor(now / period) + 1) * period
  return {
    "content-type": "application/json",
    "x-ratelimit-bucket": "b1d2c3b4a5f60718293a4b5c6d7e8f90",
    "x-ratelimit-limit": String(limit),
    "x-ratelimit-remaining": String(limit - 1),
    "x-ratelimit-reset": (reset / 1000).toFixed(3),
    "x-ratelimit-reset-after": ((reset - now) / 1000).toFixed(3),
  }
}
