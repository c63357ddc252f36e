import { isRecord } from "../form/check.js"

/** Who a message mentions, after `allowed_mentions`. */
export interface Mentions {
  readonly mention_everyone: boolean
  readonly mentions: ReadonlyArray<unknown>
  readonly mention_roles: ReadonlyArray<string>
}

type Allows = (kind: "users" | "roles" | "everyone", id?: string) => boolean

/** Reads the mentions out of a text. Without `allowed_mentions` a webhook mentions users only. */
export const findMentions = (text: string, allowedMentions: unknown): Mentions => {
  if (!text.includes("@")) return { mention_everyone: false, mentions: [], mention_roles: [] }
  const allows = allowance(allowedMentions)
  const users = idsOf(text, /<@!?(\d{1,20})>/g).filter((id) => allows("users", id))
  return {
    mention_everyone: /@(?:everyone|here)\b/.test(text) && allows("everyone"),
    mentions: users.map(mentionedUser),
    mention_roles: idsOf(text, /<@&(\d{1,20})>/g).filter((id) => allows("roles", id)),
  }
}

function allowance(allowedMentions: unknown): Allows {
  if (!isRecord(allowedMentions)) return (kind) => kind === "users"
  const parse = strings(allowedMentions["parse"])
  return (kind, id) =>
    parse.includes(kind) || (id !== undefined && strings(allowedMentions[kind]).includes(id))
}

function strings(value: unknown): ReadonlyArray<string> {
  return Array.isArray(value) ? value.map(String) : []
}

function idsOf(text: string, pattern: RegExp): ReadonlyArray<string> {
  return [...new Set(Array.from(text.matchAll(pattern), (match) => match[1] ?? ""))]
}

/** The simulator knows no users: everybody exists, and is named after his id. */
function mentionedUser(id: string): unknown {
  return {
    id,
    username: `user-${id}`,
    discriminator: "0",
    global_name: null,
    avatar: null,
    public_flags: 0,
    flags: 0,
    primary_guild: null,
  }
}
